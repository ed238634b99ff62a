"""Where pixels of a forbidden window may have stayed after it has gone.

The X server paints the background of what comes to light, but a window may have none: what stood
there stays until its program draws (X Window System Protocol, X Version 11, CreateWindow), for
ever if that hangs, and travels along when the window is moved (ConfigureWindow). So a place that a
forbidden window has left is stale until something was drawn in it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence

import attrs

from hud.rect import Rect, common, inside, together, without

PATIENCE = 1.0
"""Seconds that a place stays stale of which was not told whether something was drawn there: a
program that is told to draw, and does not hang, has done so by then."""
MOST = 128
"""Rectangles, beyond which those that touch are remembered as one."""


@attrs.frozen
class _Trace:
    ends: float = math.inf
    """When nobody waits for it to be drawn any longer."""
    counts: int = 0
    """The first request behind which drawing counts; before, it may be a copy of stale pixels."""
    loose: bool = False
    """Whether the pixels are somewhere in there, so that what draws a part will draw the rest."""

    def joined(self, other: _Trace) -> _Trace:
        ends, counts = max(self.ends, other.ends), max(self.counts, other.counts)
        return _Trace(ends, counts, self.loose and other.loose)


class Stale:
    """The stale places of one desktop."""

    def __init__(self) -> None:
        self._traces: dict[Rect, _Trace] = {}

    def __bool__(self) -> bool:
        return bool(self._traces)

    @property
    def places(self) -> frozenset[Rect]:
        """All of them; they may overlap."""
        return frozenset(self._traces)

    @property
    def ends(self) -> float:
        """When the first of them is shown again by itself; infinite: never."""
        return min((trace.ends for trace in self._traces.values()), default=math.inf)

    def within(self, rects: Sequence[Rect]) -> bool:
        """Whether any lies in there."""
        # A generator costs more than what it looks through.
        for rect in rects:
            for place in self._traces:
                if place.intersects(rect):
                    return True
        return False

    def holds(self, rect: Rect) -> bool:
        """Whether all of it is stale."""
        return any(inside(rect, place) for place in self._traces)

    def leave(self, rects: Iterable[Rect], ends: float = math.inf) -> None:
        """Something forbidden was there; it has gone, or is behind what may have no background."""
        self._add((rect, _Trace(ends)) for rect in rects)

    def stir(self, place: Rect, counts: int) -> None:
        """What is stale in there was moved about inside of `place`."""
        self._add([(place, _Trace(counts=counts, loose=True))])

    def carry(self, seen: Sequence[Rect], x: int, y: int, place: Rect, counts: int) -> None:
        """What is `seen` of a window was moved along with it, and is inside of `place` now."""
        self._add(
            (moved, attrs.evolve(trace, counts=counts))
            for stale, trace in list(self._traces.items())
            for part in _parts(stale, seen)
            if (moved := common(part.moved(x, y), place)) is not None
        )

    def trust(self) -> None:
        """All copies that the server itself has made were told: what is drawn now counts."""
        self._traces = {
            place: attrs.evolve(trace, counts=0) if trace.counts else trace
            for place, trace in self._traces.items()
        }

    def limit(self, rects: Sequence[Rect], ends: float) -> None:
        """Nobody may have been told of what was drawn there."""
        over = [
            (place, trace)
            for place, trace in self._traces.items()
            if trace.ends > ends and any(place.intersects(rect) for rect in rects)
        ]
        for place, _ in over:
            del self._traces[place]
        for place, trace in over:
            self._add((part, trace) for part in without([place], rects))
            self._add((part, attrs.evolve(trace, ends=ends)) for part in _parts(place, rects))

    def draw(self, rect: Rect, sequence: int, time: float) -> bool:
        """Something was drawn there; whether that made a difference.

        `sequence` is the last request of ours that the server had done by then.
        """
        over = [
            (place, trace)
            for place, trace in self._traces.items()
            if place.intersects(rect) and sequence >= trace.counts
        ]
        for place, _ in over:
            del self._traces[place]
        for place, trace in over:
            left = trace
            if trace.loose:
                left = attrs.evolve(trace, ends=min(trace.ends, time + PATIENCE))
            self._add((part, left) for part in without([place], [rect]))
        return bool(over)

    def wait(self, time: float) -> bool:
        """Whether the patience with any of them is over by now."""
        kept = {place: trace for place, trace in self._traces.items() if trace.ends > time}
        ended = len(kept) < len(self._traces)
        self._traces = kept
        return ended

    def _add(self, traces: Iterable[tuple[Rect, _Trace]]) -> None:
        for rect, trace in traces:
            known = self._traces.get(rect)
            self._traces[rect] = trace if known is None else trace.joined(known)

    def bound(self) -> None:
        """Remember no more than a bounded number of them, by covering more than is stale."""
        if len(self._traces) > MOST:
            worst = functools.reduce(_Trace.joined, self._traces.values())
            places = together(list(self._traces), 1)
            if len(places) > MOST // 2:
                places = (functools.reduce(Rect.union, places),)
            self._traces = dict.fromkeys(places, worst)


def _parts(rect: Rect, places: Sequence[Rect]) -> Iterator[Rect]:
    return filter(None, (common(rect, place) for place in places))
