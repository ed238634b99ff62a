"""The section `privacy` of a configuration."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import attrs

from hud.privacy import secrets
from hud.privacy.rules import Identity, Rule, parse, problem
from hud.privacy.seeded import ALL, SEEDED, seeded
from hud.stage import between, one_of, option, subset_of

OWN_PAGE = "title:/^hud( [-–—] .*)?$/"
"""The page of the sink `web` in any browser, which adds its own name to the page's title."""


def _are_rules(texts: Sequence[str]) -> str | None:
    return problem(texts)


def _are_windows(texts: Sequence[str]) -> str | None:
    return problem(texts, only_windows=True)


@attrs.frozen
class PrivacyOptions:
    """What is painted over in the captured pixels, before anything else sees them."""

    mask: tuple[str, ...] = option(
        (),
        meaning="what is painted over: rect:X,Y,WIDTH,HEIGHT, monitor:N, and windows by "
        "title:PATTERN, class:PATTERN, process:PATTERN (exact, with * and ?, or /regex/)",
        check=_are_rules,
    )
    only: tuple[str, ...] = option(
        (),
        meaning="watch these windows only and paint over everything else; patterns as in mask",
        check=_are_windows,
    )
    show: tuple[str, ...] = option(
        (),
        meaning="names of the built-in list (password managers, keyrings, private browser "
        f"windows) that are not painted over: {', '.join(SEEDED)}, or {ALL}",
        check=subset_of(ALL, *SEEDED),
    )
    itself: bool = option(
        True, meaning="paint over the terminal that hud runs in and the windows of its processes"
    )
    echo: bool = option(
        True, meaning="stop when notes cause changes that cause notes, after five rounds"
    )

    redact: tuple[str, ...] = option(
        (),
        meaning="secrets that are painted over in the pictures about to be sent: "
        f"{secrets.ALL}, {', '.join(secrets.KINDS)}, and patterns of your own such as "
        r"/TOP-\d+/; the pictures are read first, which needs the extra `local`",
        check=secrets.problem,
    )
    read_within: float = option(
        10.0,
        meaning="seconds that reading a picture for redact may take",
        check=between(0.1, 120),
    )
    unread: str = option(
        "withhold",
        meaning="what could not be read in time: withhold it, or send it as it is",
        check=one_of("withhold", "send"),
    )

    @functools.cached_property
    def masks(self) -> tuple[Rule, ...]:
        """What is painted over, the built-in list included."""
        ours = [parse(OWN_PAGE)] if self.itself else []
        return *map(parse, self.mask), *seeded(self.show), *ours

    @functools.cached_property
    def allowed(self) -> tuple[Rule, ...]:
        """What alone is shown; empty: everything."""
        return tuple(map(parse, self.only))

    @property
    def needs_windows(self) -> bool:
        """Whether the user wrote rules that cannot be followed without knowing the windows."""
        return bool(self.only) or any(parse(text).of_windows for text in self.mask)

    @property
    def asks_for_windows(self) -> bool:
        """Whether any rule, ours included, is about windows."""
        return self.itself or bool(self.only) or any(rule.of_windows for rule in self.masks)

    def forbids(self, identity: Identity) -> bool:
        """Whether a rule says that this window must not be seen."""
        return any(rule.names(identity) for rule in self.masks)

    def allows(self, identity: Identity) -> bool:
        """Whether the list of allowed windows, if there is one, names this one."""
        return any(rule.names(identity) for rule in self.allowed)
