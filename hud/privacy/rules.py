"""Rules: what is painted over, in words a user writes."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

import attrs

from hud.rect import Rect

WINDOW_KINDS = ("title", "class", "process")
KINDS = ("rect", "monitor", *WINDOW_KINDS)
Pattern = Callable[[str], bool]


@attrs.frozen
class Identity:
    """What is known of a window; empty where the window does not say."""

    titles: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Both parts of WM_CLASS."""
    processes: tuple[str, ...] = ()
    """Names of the process that made it."""
    pids: tuple[int, ...] = ()
    clients: tuple[int, ...] = ()
    """Numbers of the windows that a program made, inside the frame of the window manager."""
    transient_for: int = 0
    """The window it belongs to, or 0."""
    managed: bool = False
    """By a window manager, and no desktop nor dock."""

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """By kind of rule, what its pattern is held against."""
        return {"title": self.titles, "class": self.classes, "process": self.processes}


@attrs.frozen
class Rule:
    """One rule: for windows a pattern, for a place a rectangle or a whole monitor."""

    kind: str
    matches: Pattern = attrs.field(eq=False, repr=False)
    monitor: int = 0
    rect: Rect | None = None
    """In pixels of the monitor; None: all of it."""

    @property
    def of_windows(self) -> bool:
        """Whether windows must be known to follow it."""
        return self.kind in WINDOW_KINDS

    def names(self, identity: Identity) -> bool:
        """Whether the rule means this window."""
        return self.of_windows and any(map(self.matches, identity.words[self.kind]))


def parse(text: str) -> Rule:
    """Read `kind:what`: a rectangle, a monitor, or windows by title, class or process.

    Raises:
        ValueError: what is wrong, and what is allowed.
    """
    kind, _, what = text.partition(":")
    what = what.strip()
    if kind not in KINDS or not what:
        raise ValueError(
            "must be rect:X,Y,WIDTH,HEIGHT or rect:MONITOR:X,Y,WIDTH,HEIGHT, monitor:NUMBER, "
            "title:PATTERN, class:PATTERN or process:PATTERN"
        )
    if kind in WINDOW_KINDS:
        return Rule(kind, pattern(what))
    if kind == "monitor":
        return Rule(kind, _never, _number(what))
    monitor, _, corners = what.rpartition(":")
    numbers = [_number(part) for part in corners.split(",")]
    if len(numbers) != 4 or min(numbers[2:]) < 1:
        raise ValueError("must be rect:X,Y,WIDTH,HEIGHT in whole pixels")
    return Rule(kind, _never, _number(monitor) if monitor else 1, Rect(*numbers))


def pattern(text: str) -> Pattern:
    """What a text is compared with, case aside: exactly, with * and ?, or between / as a regex.

    Raises:
        ValueError: the regular expression is none.
    """
    if len(text) > 2 and text[0] == text[-1] == "/":
        try:
            search = re.compile(text[1:-1], re.IGNORECASE).search
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return lambda word: search(word) is not None
    # Titles hold brackets that are meant as they stand.
    glob = fnmatch.translate(text.replace("[", "[[]"))
    match = re.compile(glob, re.IGNORECASE).match
    return lambda word: match(word) is not None


def problem(texts: Sequence[str], *, only_windows: bool = False) -> str | None:
    """What is wrong with the first bad rule, if any is."""
    for text in texts:
        try:
            rule = parse(text)
        except ValueError as error:
            return f"{error} ({text!r})"
        if only_windows and not rule.of_windows:
            return f"must name windows, by title:, class: or process: ({text!r})"
    return None


def _never(_word: str) -> bool:
    return False


def _number(text: str) -> int:
    if not text.strip().isdigit():
        raise ValueError(f"{text!r} must be a whole number")
    return int(text)
