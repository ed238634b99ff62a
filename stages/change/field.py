"""Fields of flickering values: many like places, none of which says much by itself."""

from __future__ import annotations

from collections import deque

import attrs

from hud.items import Rect

WINDOW = 4.0
"""Seconds for which a change of a value says something about its neighbours."""
MOMENTS, PLACES = 6, 4
"""A field has changed at so many moments, in so many places, within the window."""
MEMORY = 20.0
"""Seconds for which the colours of a field are remembered."""


@attrs.frozen
class Flicker:
    """One changed value."""

    time: float
    rect: Rect
    colours: int
    """As `shapes.palette` gives them."""


def alike(one: Rect, other: Rect) -> bool:
    """Whether two places look like cells of one table: same height, same row or column."""
    if not 0.6 <= one.height / other.height <= 1.67:
        return False
    across = min(one.right, other.right) - max(one.x, other.x)
    down = min(one.bottom, other.bottom) - max(one.y, other.y)
    column = across >= 0.5 * min(one.width, other.width)
    row = down >= 0.5 * min(one.height, other.height)
    return column or row


class Field:
    """The values that changed of late."""

    def __init__(self) -> None:
        self._recent: deque[Flicker] = deque()

    def add(self, time: float, rect: Rect, colours: int) -> None:
        """Note that a value changed."""
        self._recent.append(Flicker(time, rect, colours))
        while self._recent[0].time < time - MEMORY:
            self._recent.popleft()

    def flickers(self, rect: Rect, time: float) -> bool:
        """Whether so many values like this one changed lately that it means nothing."""
        near = [
            f for f in self._recent if f.time >= time - WINDOW and alike(f.rect, rect)
        ]
        if len({round(f.time, 2) for f in near}) < MOMENTS:
            return False
        places: list[Rect] = []
        for flicker in near:
            if not any(place.intersects(flicker.rect) for place in places):
                places.append(flicker.rect)
        return len(places) >= PLACES

    def strange(self, rect: Rect, colours: int, since: float) -> bool:
        """Whether these colours are new among the values like this one, before `since`."""
        seen = 0
        for flicker in self._recent:
            if flicker.time < since and alike(flicker.rect, rect):
                seen |= flicker.colours
        return bool(colours & ~seen)
