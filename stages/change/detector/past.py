"""What was passed on lately, and where."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence

import attrs

from hud.rect import Rect

PAGE = 0.25
"""What began within this time of each other may be parts of one whole."""
TOGETHER = 0.6
"""What was judged within this time of each other too."""
LULL = 0.7
"""A list that moved on again within this time has not paused."""
AGAIN = 10.0
"""The same for one that had gone on and on before."""
EBB = 1.8
"""For how long such a list rests before what it rests at is shown."""
PART = 2
"""Times as large as what moved, a list has moved as a whole before, and may do so again."""
FLOOD = 5.0
"""Seconds for which a list moves on without a pause until nobody can be reading it."""
TAPE, RUN = 7, 4.0
"""A list with the newest on top that moved down so often within so many seconds is a tape."""
BESIDE = 96
"""Pixels beside a tape in which its columns may stand that hardly change as it moves."""
BEATS, EVEN = 5, 0.25
"""So many changes of one place go by a clock if their distances differ by no more seconds."""
QUICKEST, SLOWEST = 2.0, 20.0
"""Seconds between two of them."""
TURNS, FRO = 3, 12.0
"""What turned so often within so many seconds is a table that is sorted anew: a channel that is
opened between two messages, or somebody who reads up, turns it twice."""
LATE = 1.6
"""Times its usual pause that such a table rests before what it rests at is shown; who scrolls to
and fro by hand hardly pauses."""


class Past:
    """The last places that were passed on."""

    def __init__(self) -> None:
        self._places: deque[tuple[float, Rect]] = deque(maxlen=64)
        self._left: deque[tuple[float, float, Rect]] = deque(maxlen=64)
        self._scrolls: deque[tuple[float, float, Rect]] = deque(maxlen=16)
        self._moves: deque[tuple[float, Rect, bool]] = deque(maxlen=32)
        """When what moved, and whether down."""
        self._values: deque[tuple[float, Rect]] = deque(maxlen=64)
        """When a value became another one, and where."""
        self._cuts: deque[tuple[float, Rect]] = deque(maxlen=16)

    def scroll(self, time: float, rect: Rect, *, down: bool) -> None:
        """Note that a list moved on."""
        self._moves.append((time, rect, down))
        same = [old for old in self._scrolls if _over(old[2], rect)]
        since = min(
            (first for first, last, _ in same if time - last <= _patience(first, last)),
            default=time,
        )
        for old in same:
            if old[2].area <= PART * rect.area:  # else only a part of it was told from the rest
                self._scrolls.remove(old)
        self._scrolls.append((since, time, rect))

    def flood(self, rect: Rect, *, soon: bool = False) -> float | None:
        """Until when the list in which this is may go on, if it went on and on until now.

        `soon`: half as many movements make a tape of it.
        """
        lists = [each for each in self._scrolls if each[2].intersects(rect)]
        ends = [last + EBB for first, last, _ in lists if last - first >= FLOOD]
        wide = attrs.evolve(rect, x=rect.x - BESIDE, width=rect.width + 2 * BESIDE)
        tape = _tape(self._in(wide), TAPE // 2 if soon else TAPE)
        return max(ends + tape + _sorted(self._in(rect)), default=None)

    def _in(self, rect: Rect) -> list[tuple[float, bool]]:
        """When something moved in a part of this, and whether down."""
        return [(time, down) for time, place, down in self._moves if place.intersects(rect)]

    def beat(self, rect: Rect, time: float) -> float:
        """Note that a value became another one; if it does so by a clock, how long it may rest.

        It is shown when the clock stands still.
        """
        times = {at for at, place in self._values if place.intersects(rect)}
        if time not in times:
            self._values.append((time, rect))
        beats = sorted({*times, time})[-BEATS:]
        steps = [later - earlier for earlier, later in itertools.pairwise(beats)]
        if len(beats) < BEATS or min(steps) < QUICKEST or max(steps) > SLOWEST:
            return 0.0
        return LATE * max(steps) if max(steps) - min(steps) <= EVEN else 0.0

    def cut(self, time: float, rect: Rect) -> None:
        """Note that other pictures came at that time in a place where pictures go on."""
        self._cuts.append((time, rect))

    def was_cut(self, rect: Rect, since: float) -> bool:
        """Whether a place lies where other pictures came since then."""
        return any(at >= since and place.holds(rect) for at, place in self._cuts)

    def add(self, time: float, rect: Rect) -> None:
        """Note that a place was passed on."""
        self._places.append((time, rect))

    def leave(self, time: float, born: float, rect: Rect) -> None:
        """Note that a place that changed at `born` was judged to hold nothing new."""
        self._left.append((time, born, rect))

    def left(self, time: float, born: Sequence[float]) -> list[Rect]:
        """What changed at the same moment as something that is news: the rest of its page."""
        return [
            rect
            for at, began, rect in self._left
            if time - at <= TOGETHER and any(abs(began - moment) <= PAGE for moment in born)
        ]

    def count(self, rect: Rect, since: float) -> int:
        """How often this very place was passed on since then."""
        return sum(1 for old in self._since(since) if same_place(old, rect))

    def touches(self, rect: Rect, since: float) -> bool:
        """Whether a part of this was passed on since then."""
        return any(old.intersects(rect) for old in self._since(since))

    def goes_on(self, rect: Rect, since: float) -> bool:
        """Whether this is inside, or at the end of, a line that was passed on since then."""
        return self.touches(attrs.evolve(rect, x=rect.x - rect.height - 8), since)

    def _since(self, since: float) -> Iterator[Rect]:
        """What was passed on since then, the latest first."""
        latest = itertools.takewhile(lambda each: each[0] >= since, reversed(self._places))
        return (rect for _, rect in latest)


def _tape(moves: Sequence[tuple[float, bool]], least: int) -> list[float]:
    """The same of a tape, which pauses now and then."""
    last = moves[-1][0] if moves else 0.0
    downwards = [time for time, down in moves if down and time >= last - RUN]
    return [last + EBB] if len(downwards) >= least else []


def _sorted(moves: Sequence[tuple[float, bool]]) -> list[float]:
    """The same of a table that moves to and fro."""
    moves = [move for move in moves if move[0] >= moves[-1][0] - FRO]
    pairs = list(itertools.pairwise(moves))
    if sum(one[1] != other[1] for one, other in pairs) < TURNS:
        return []
    pauses = sorted(other[0] - one[0] for one, other in pairs)
    return [moves[-1][0] + max(EBB, LATE * pauses[len(pauses) // 2])]


def _patience(first: float, last: float) -> float:
    """How long a list may stand still that moved from `first` to `last`, and yet go on."""
    return AGAIN if last - first >= FLOOD else LULL


def _over(one: Rect, other: Rect) -> bool:
    """Whether two lists share the greater part of the smaller one."""
    width = min(one.right, other.right) - max(one.x, other.x)
    height = min(one.bottom, other.bottom) - max(one.y, other.y)
    return min(width, height) > 0 and 2 * width * height >= min(one.area, other.area)


def same_place(one: Rect, other: Rect) -> bool:
    """Whether two rectangles cover about the same."""
    width = min(one.right, other.right) - max(one.x, other.x)
    height = min(one.bottom, other.bottom) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return False
    both = width * height
    level = 0.7 <= one.height / other.height <= 1.4
    inside = level and both == min(one.area, other.area)
    return 2 * both >= one.area + other.area - both or inside
