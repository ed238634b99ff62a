"""The windows of a desktop from the lowest to the highest, and which parts must not be seen.

The X server tells of every change in the order in which it happens; each method takes in one. What
must not be seen follows from the windows as they stand, so that it can be asked for after each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from hud.privacy.rules import Identity
from hud.rect import Rect, common, without


@attrs.define(kw_only=True)
class Window:
    """A window that lies directly on the desktop, with all that it holds."""

    number: int
    rect: Rect
    """Border and decorations included, in pixels of the desktop."""
    mapped: bool
    placed: bool = True
    """Whether the server has told its size."""
    solid: bool
    """Whether it hides what is below it: no shape, no transparency."""
    drawn: bool = True
    """Not one that only takes input."""
    managed: bool = True
    """Not a menu or the like, which window managers leave alone."""
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, right, top and bottom of what it leaves transparent around itself for a shadow."""
    identity: Identity | None = None
    """None: nobody has looked yet, so that nobody may see it."""
    forbidden: bool = True
    allowed: bool = False

    @property
    def visible(self) -> bool:
        """Whether it shows anything at all."""
        return self.mapped and self.drawn

    @property
    def inner(self) -> Rect:
        """Without its margins."""
        left, right, top, bottom = self.margins
        x, y = self.rect.x + left, self.rect.y + top
        return Rect(
            x, y, max(0, self.rect.width - left - right), max(0, self.rect.height - top - bottom)
        )


@attrs.frozen
class Hidden:
    """What must not be seen, in pixels of the desktop; the rectangles may overlap."""

    known: frozenset[Rect] = frozenset()
    """Of windows that rules name."""
    unknown: frozenset[Rect] = frozenset()
    """Of windows that nobody has looked at yet."""

    @property
    def places(self) -> frozenset[Rect]:
        """Both."""
        return self.known | self.unknown


class LostTrackError(Exception):
    """What the server tells does not fit to what is known of the windows."""


class CannotKnowError(Exception):
    """What windows there are cannot be had; says why."""


class Stack:
    """All windows on one desktop."""

    def __init__(
        self,
        windows: Iterable[Window],
        *,
        size: tuple[int, int],
        only_allowed: bool = False,
        owner_bits: int = ~0x1FFFFF,
    ) -> None:
        """Windows whose numbers agree in `owner_bits` were made by one program."""
        self._windows = {window.number: window for window in windows}
        self._order = list(self._windows)
        self._owner_bits = owner_bits
        self._only_allowed = only_allowed
        self._screen = Rect(0, 0, *size)
        self._kin: set[int] | None = None
        """Menus and dialogues of forbidden windows, as long as no window is called otherwise."""

    def __iter__(self) -> Iterator[Window]:
        """From the lowest to the highest."""
        return (self._windows[number] for number in self._order)

    def get(self, number: int) -> Window | None:
        """The window of that number, if it lies directly on the desktop."""
        return self._windows.get(number)

    def add(self, window: Window) -> None:
        """A new one on top of all; one that is known already stays as it is."""
        if window.number not in self._windows:
            self._windows[window.number] = window
            self._kin = None
            self._order.append(window.number)

    def remove(self, number: int) -> None:
        """It is gone, or inside another one now."""
        if self._windows.pop(number, None) is not None:
            self._kin = None
            self._order.remove(number)

    def renamed(self) -> None:
        """More, or other things, are known of what windows are."""
        self._kin = None

    def change(self, number: int, change: Callable[[Window], None]) -> None:
        """It was mapped, moved or the like.

        Raises:
            LostTrackError: it is not known.
        """
        if number not in self._windows:
            raise LostTrackError
        change(self._windows[number])

    def restack(self, number: int, above: int | None) -> None:
        """It lies directly above another one now, 0: at the bottom, None: on top.

        Raises:
            LostTrackError: one of the two is not known.
        """
        if number not in self._windows or (above and above not in self._windows):
            raise LostTrackError
        self._order.remove(number)
        if above is None:
            self._order.append(number)
        else:
            self._order.insert(self._order.index(above) + 1 if above else 0, number)

    def hides(self, number: int) -> bool:
        """Whether this window is known, and known to be one that must not be seen."""
        window = self._windows[number]
        if window.identity is None:
            return False
        if self._only_allowed and not window.allowed:
            return True
        return window.forbidden or number in self.kin

    def seen(self, number: int) -> list[Rect]:
        """Where a window may be seen: what of it lies on the desktop and under no solid one."""
        window = self._windows[number]
        place = common(window.rect, self._screen) if window.visible else None
        if place is None:
            return []
        above = (self._windows[n] for n in self._order[self._order.index(number) + 1 :])
        return without([place], [w.rect for w in above if w.visible and w.solid])

    def hidden(self) -> Hidden:
        """What must not be seen now; only the visible parts."""
        known, unknown, shown = set[Rect](), set[Rect](), list[Rect]()
        solid, all_above = list[Rect](), list[Rect]()
        kin, wanted = self.kin, self._not_to_be_seen()
        for number in reversed(self._order):
            if not (wanted or self._only_allowed):
                break  # what lies below them all hides nothing of them
            wanted.discard(number)
            window = self._windows[number]
            # Called whenever one moves, so without the property.
            place = common(window.rect, self._screen) if window.mapped and window.drawn else None
            if place is None:
                continue
            if window.identity is None:
                unknown.update(without([place], solid))
            elif window.forbidden or number in kin:
                known.update(without([place], solid))
            elif window.allowed and window.solid:
                inner = common(window.inner, self._screen)
                shown += without([inner], all_above) if inner else []
            all_above.append(place)
            if window.solid:
                solid.append(place)
        if self._only_allowed:
            known.update(without([self._screen], shown))
        return Hidden(frozenset(known), frozenset(unknown))

    def _not_to_be_seen(self) -> set[int]:
        """Windows that are mapped and forbidden, or that nobody has looked at."""
        kin = self.kin
        return {
            number
            for number, window in self._windows.items()
            if window.mapped and (window.forbidden or window.identity is None or number in kin)
        }

    @property
    def kin(self) -> set[int]:
        """Menus and dialogues of forbidden windows."""
        if self._kin is None:
            self._kin = self._kin_of_forbidden()
        return self._kin

    def _kin_of_forbidden(self) -> set[int]:
        forbidden = [w for w in self._windows.values() if w.forbidden and w.identity is not None]
        if not forbidden:
            return set()
        numbers = {n for w in forbidden for n in (w.number, *_identity(w).clients)}
        owners = {self._owner(n) for w in forbidden for n in _identity(w).clients or (w.number,)}
        kin = {
            number
            for number, window in self._windows.items()
            if not window.managed and self._owner(number) in owners
        }
        while True:
            more = {
                number
                for number, window in self._windows.items()
                if number not in kin and _identity(window).transient_for in numbers
            }
            if not more:
                return kin
            kin |= more
            numbers |= {n for m in more for n in (m, *_identity(self._windows[m]).clients)}

    def _owner(self, number: int) -> int:
        return number & self._owner_bits


def _identity(window: Window) -> Identity:
    return window.identity or Identity()
