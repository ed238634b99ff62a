"""Fields of flickering values: many like places, none of which says much by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from hud.detector import SLACK
from hud.rect import Rect
from stages.change.detector.dirty import CELL, Mask
from stages.change.detector.shapes import LINE, Shares

WINDOW = 4.0
"""Seconds for which a change of a value says something about its neighbours."""
MOMENTS, PLACES = 6, 4
"""A field has changed at so many moments, in so many places, within the window."""
DOUBT, DOUBTS = 1.5, 64
"""Seconds after which a value that was taken for one of a field is looked at again, and then as
soon as the field may have come to rest: a board of few values changes that often by chance, but not
on and on. So many wait; of a trading floor, which goes on, the oldest need not."""
STEP = 0.1
"""Seconds between two looks at such a value, at least."""
LASTS, LONG = 18, 15.0
"""What has changed at so many moments within this time is a field also in calmer moments."""
VOLLEY, NARROW, REFRESH = 6, 6, 6.0
"""So many values at once, none wider for its height, are a refresh; two of them within this time
make every value of the table doubtful."""
TWICE, SPAN = 3, 45.0
"""What changes in so many refreshes within this time is a reading and no news."""
OFTEN, BUSY = 5, 12.0
"""The same for rows that are written as a whole: pages that are turned are not that quick."""
TEXT = LINE // 3
"""A line of a table is no higher."""
FLUSH = 16
"""Pixels by which the edges of the values of a column differ: two cells of the comparison."""
KNOWN = 24
"""So many changes of the rows around say which columns of a table flicker."""
BESIDE = 8
"""In heights of a value: how far the rows of a table that is written anew stand from it."""
COLUMN = 4
"""Values one below the other that make a column."""
CROWD = 64
"""So many places that change within the window are a trading floor, on which a digit says nothing:
a dashboard that is alive everywhere has up to fifty."""
STRANGE = 0.1
"""A value with this share of colours that hardly any other had is another kind of news."""
NEXT, REACH = 5, 24
"""In heights of a value: how far the next one of its column is at most; how far a table reaches in
any case, from a value that has one next to it."""
WIDER = 10
"""Values of one column may differ so much in width: one digit changed, or all of them."""
ROOM, EACH = 4096, 12
"""Changes remembered, and of one place: newer ones replace the oldest. What flickers quickly would
push the slower columns beside it out of memory."""


@attrs.define(eq=False)
class _Doubt:
    """A value that was passed over, when it changed, and when to look at it again."""

    rect: Rect
    changed: float
    due: float


class Field:
    """The values that changed of late."""

    def __init__(self) -> None:
        self._times = np.full(ROOM, -1e6)
        self._rects: npt.NDArray[np.int64] = np.zeros((4, ROOM), np.int64)
        self._colours = np.zeros((ROOM, 64), bool)
        self._slots: dict[tuple[int, int], deque[int]] = {}
        self._owner: list[tuple[int, int] | None] = [None] * ROOM
        self._next = 0
        self._volleys: deque[tuple[float, npt.NDArray[np.int64]]] = deque(maxlen=64)
        self._doubts: deque[_Doubt] = deque(maxlen=DOUBTS)
        self._crowded: tuple[float, bool] | None = None
        """When it was asked last whether it is crowded, unless a value changed since; the answer.
        """

    def add(self, time: float, rect: Rect, colours: Shares) -> None:
        """Note that a value changed."""
        at = self._slot((rect.x // CELL, rect.y // CELL))
        self._times[at] = time
        self._rects[:, at] = rect.x, rect.y, rect.right, rect.bottom
        self._colours[at] = colours > 0.003
        self._crowded = None

    def _slot(self, place: tuple[int, int]) -> int:
        """Where to note a change of this place: instead of its own oldest, or of the oldest."""
        own = self._slots.setdefault(place, deque())
        if len(own) == EACH:
            own.rotate(-1)
            return own[-1]
        at = self._next % ROOM
        self._next += 1
        former, self._owner[at] = self._owner[at], place
        if former is not None:
            self._slots[former].remove(at)
            if not self._slots[former] and former != place:
                del self._slots[former]
        own.append(at)
        return at

    def flickers(self, rect: Rect, time: float, *, soon: bool = False) -> bool:
        """Whether so many values like this one changed lately that it means nothing.

        `soon`: half as many are enough, where a page is new, or they have flickered for long.
        """
        moments, places = (MOMENTS // 2, PLACES // 2) if soon else (MOMENTS, PLACES)
        recent = self._times >= time - WINDOW
        if np.count_nonzero(recent) < moments:
            return False
        near = self._alike(rect) & recent
        if len(self._moments(near)) < moments:
            return False
        return self._places(self._rects[:, near], places)

    def crowded(self, time: float) -> bool:
        """Whether values change all over the screen, so that one more is probably noise."""
        # Hundreds of places ask for it in the same moment.
        if self._crowded is None or self._crowded[0] != time:
            self._crowded = time, self._changes_all_over(time)
        return self._crowded[1]

    def _changes_all_over(self, time: float) -> bool:
        recent = self._times >= time - WINDOW
        if np.count_nonzero(recent) < CROWD:
            return False
        x, y = self._rects[:2, recent] // [[4 * CELL], [2 * CELL]]
        return len(set(zip(x.tolist(), y.tolist(), strict=True))) >= CROWD

    def had_large(self, rect: Rect, before: float) -> bool:
        """Whether a value in a part of this was about as large."""
        x, y, right, bottom = self._rects
        near = (x < rect.right) & (right > rect.x) & (y < rect.bottom) & (bottom > rect.y)
        near &= self._times < before - SLACK
        near &= (5 * (bottom - y) >= 4 * rect.height) & (5 * (right - x) >= 4 * rect.width)
        return bool(near.any())

    def lasts(self, rect: Rect, time: float) -> bool:
        """Whether the values of this column have flickered for long."""
        recent = self._times >= time - LONG
        if np.count_nonzero(recent) < LASTS:
            return False
        column, _ = self._cells(rect)
        return len(self._moments(column & recent)) >= LASTS

    def doubt(self, rects: Sequence[Rect], changed: float, time: float) -> None:
        """Pass over values that are of a field, for now."""
        for rect in rects:
            kept = [doubt for doubt in self._doubts if not doubt.rect.intersects(rect)]
            self._doubts = deque([*kept, _Doubt(rect, changed, time + DOUBT)], DOUBTS)

    @property
    def due(self) -> float | None:
        """When to ask for what was no field after all; None: never."""
        return min((doubt.due for doubt in self._doubts), default=None)

    def cleared(self, time: float) -> list[tuple[Rect, float]]:
        """What was passed over though nothing flickers there any more, and when it changed."""
        found = []
        for doubt in [doubt for doubt in self._doubts if doubt.due <= time + SLACK]:
            lasts = self.lasts(doubt.rect, time)
            if self.flickers(doubt.rect, time, soon=lasts):
                least = MOMENTS // 2 if lasts else MOMENTS
                moments = self._moments(self._alike(doubt.rect))
                rests = moments[-least] + WINDOW + 2 * SLACK
                doubt.due = max(time + STEP, rests)
            else:
                self._doubts.remove(doubt)
                found.append((doubt.rect, doubt.changed))
        return found

    def _moments(self, at: Mask) -> list[float]:
        """When these changes were, oldest first, each moment once."""
        # Not by numpy's unique, which loads the masked arrays first: 15 ms, in the loop.
        return sorted(set(self._times[at].tolist()))

    def volley(self, time: float, values: list[tuple[Rect, int]]) -> None:
        """Note what changed in one frame, with its lines: many values at once are a refresh."""
        values = [(rect, lines) for rect, lines in values if lines]
        if sum(lines for _, lines in values) >= VOLLEY:
            edges = np.array([(r.x, r.y, r.right, r.bottom, n) for r, n in values], np.int64).T
            self._volleys.append((time, edges))

    def refreshed(self, rect: Rect, time: float) -> bool:
        """Whether this is in a table that is refreshed again and again."""
        return len(self._refreshes(rect, time - REFRESH, narrow=True)) >= 2

    def reading(self, rect: Rect, time: float, *, value: bool) -> bool:
        """Whether what changed here at `time` did so in a refresh, and not in the first of them.

        A `value`, in place of another, need not be in the table but beside it.
        """
        values = self._refreshes(rect, time - SPAN, narrow=True)
        if len(values) >= TWICE and values[-1] >= time - SLACK:
            return True
        rows = self._refreshes(rect, time - BUSY, narrow=False, beside=value)
        return len(rows) >= OFTEN and rows[-1] >= time - SLACK

    def goes_on(self, rect: Rect, time: float) -> bool:
        """Whether the table around this was refreshed a moment ago, and will be again."""
        return len(self._refreshes(rect, time - BUSY, narrow=False, beside=True)) >= TWICE

    def _refreshes(
        self, rect: Rect, since: float, *, narrow: bool, beside: bool = False
    ) -> list[float]:
        """The times at which a refresh changed this column of values, oldest first.

        `narrow`: it changed this very place, and other values of its column but no whole rows.
        """
        if narrow and rect.width > NARROW * TEXT:
            return []
        volleys = (volley for volley in self._volleys if volley[0] >= since)
        return [
            at
            for at, edges in volleys
            if _changed(rect, edges, narrow) or (beside and _around(rect, edges))
        ]

    @staticmethod
    def _places(rects: npt.NDArray[np.int64], least: int) -> bool:
        """Whether the rectangles lie in enough places that are apart."""
        for _ in range(least - 1):
            x, y, right, bottom = rects[:, 0]
            apart = (rects[0] > right + 24) | (rects[2] < x - 24)
            rects = rects[:, apart | (rects[1] > bottom + 4) | (rects[3] < y - 4)]
            if not rects.size:
                return False
        return True

    def strange(self, rect: Rect, colours: Shares, since: float) -> bool:
        """Whether a good part of this is in colours that values like it never had before."""
        like = self._alike(rect) & (self._times < since - 0.05) & (self._times > -1e6)
        if not like.any() or self._times[like].min() > since - WINDOW:
            return False
        seen = self._colours[like].sum(axis=0) > 1
        share = float(colours[~seen].sum())
        return share >= STRANGE and share * rect.area >= 60

    def _alike(self, rect: Rect) -> Mask:
        """Which of them look like cells of the same table."""
        column, row = self._cells(rect)
        found: Mask = column | row
        return found

    def _cells(self, rect: Rect) -> tuple[Mask, Mask]:
        """Which of them look like cells of its column, and of its row: of about its height.

        A column goes on for as long as the next one is near, however many stand farther away.
        """
        x, y, right, bottom = self._rects
        width, height = right - x, bottom - y
        across = np.minimum(right, rect.right) - np.maximum(x, rect.x)
        down = np.minimum(bottom, rect.bottom) - np.maximum(y, rect.y)
        size = (height <= 1.6 * rect.height) & (1.6 * height >= rect.height)
        row: Mask = size & (2 * down >= np.minimum(height, rect.height))
        far = REACH * rect.height
        row &= across >= -far
        column: Mask = size & (2 * across >= np.minimum(width, rect.width))
        others = ~row & (np.abs(down) <= far)
        if np.count_nonzero(size & others) >= KNOWN and not (column & others).any():
            row &= False  # the table around it goes on, and this column of it never did
        column &= (width <= WIDER * rect.width) & (WIDER * width >= rect.width)
        first, last = _reach(rect, y[column], bottom[column])
        if not (column & (down < 0) & (y >= first) & (bottom <= last)).any():
            return column & False, row
        first, last = min(first, rect.y - far), max(last, rect.bottom + far)
        return column & (y >= first) & (bottom <= last), row


def _reach(
    rect: Rect, tops: npt.NDArray[np.int64], bottoms: npt.NDArray[np.int64]
) -> tuple[int, int]:
    """From where to where a column goes on around `rect` without a gap of some heights."""
    tops, bottoms = np.append(tops, rect.y), np.append(bottoms, rect.bottom)
    order = tops.argsort()
    tops, bottoms = tops[order], np.maximum.accumulate(bottoms[order])
    ends = np.flatnonzero(tops[1:] - bottoms[:-1] > NEXT * rect.height)
    part = int(np.searchsorted(bottoms[ends], rect.y))
    first = 0 if part == 0 else int(ends[part - 1]) + 1
    last = int(ends[part]) if part < ends.size else tops.size - 1
    return int(tops[first]), int(bottoms[last])


def _changed(rect: Rect, edges: npt.NDArray[np.int64], narrow: bool) -> bool:
    """Whether this column of values was refreshed; if `narrow`, this very place in it."""
    x, y, right, bottom, lines = edges
    column, far = (x < rect.right) & (right > rect.x), BESIDE * rect.height
    if narrow:
        column &= right - x <= NARROW * TEXT
        column &= (abs(right - rect.right) <= FLUSH) | (abs(x - rect.x) <= FLUSH)
    else:
        column &= (y < rect.bottom + far) & (bottom > rect.y - far)
    if lines[column].sum() < COLUMN:
        return False
    if narrow:
        return bool((column & (y < rect.bottom) & (bottom > rect.y)).any())
    return bool(y[column].min() < rect.bottom and bottom[column].max() > rect.y)


def _around(rect: Rect, edges: npt.NDArray[np.int64]) -> bool:
    """Whether as many values as a column has were refreshed around this place."""
    x, y, right, bottom, lines = edges
    near = (x < rect.right + LINE) & (right > rect.x - LINE)
    near &= (y < rect.bottom + LINE) & (bottom > rect.y - LINE)
    return bool(lines[near].sum() >= COLUMN)
