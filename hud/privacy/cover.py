"""What is painted over, remembered for a moment.

A compositor shows the past for some frames, and fades out what is gone. So a place stays covered
for a while after nothing forbidden is there any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from hud.privacy.stack import Hidden
from hud.rect import Rect, together, without

LINGER = 0.5
"""Seconds."""
STEP = 0.1
"""Seconds within which what was left behind is remembered as one, and as left at the end of it."""
MANY = 64
"""Rectangles, beyond which those that touch are remembered as one."""


class Cover:
    """Where windows are and were a moment ago that must not be seen."""

    def __init__(self) -> None:
        self._left: dict[float, list[Rect]] = {}
        """When it may be shown again → what was left; at most LINGER / STEP + 2 entries."""
        self._present: frozenset[Rect] = frozenset()
        self._covered: frozenset[Rect] | None = None
        """What `at` said last, while it still holds."""

    def stood(self, hidden: Hidden, time: float) -> None:
        """The windows stand like that from `time` on; until then they stood as was said before."""
        if hidden.known == self._present:
            return
        left = self._present - hidden.known
        if left:
            ends = math.ceil((time + LINGER) / STEP) * STEP
            unite(self._left.setdefault(ends, []), left)
        self._present = hidden.known
        self._covered = None

    def at(self, time: float) -> frozenset[Rect]:
        """What must be covered in a picture that was taken at `time`, or just before."""
        ended = [ends for ends in self._left if ends < time]
        for ends in ended:
            del self._left[ends]
        if ended or self._covered is None:
            # Where a window was dragged along is painted once, not once for each step.
            left = list[Rect]()
            for rects in self._left.values():
                unite(left, rects)
            self._covered = frozenset([*without(self._present, left), *left])
        return self._covered

    @property
    def due(self) -> float:
        """When something will be shown again that is covered now; infinite: never by itself."""
        return min(self._left, default=math.inf)


def unite(places: list[Rect], rects: Iterable[Rect]) -> None:
    """Add rectangles, each as one with the first that it meets; a bounded number of them."""
    for rect in rects:
        for index, place in enumerate(places):
            if place.intersects(rect):
                places[index] = place.union(rect)
                break
        else:
            places.append(rect)
    if len(places) > MANY:
        places[:] = together(places, 1)
