"""Bars that are drawn with signs, as programs in a terminal do: [=====>    ], #####, ......"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hud.pixels import Words
from hud.rect import Rect
from stages.change.detector.dirty import COLOUR
from stages.change.detector.scroll import WEIGHTS

HIGHEST = 48
"""Pixels of a line of signs."""
WIDTHS = np.arange(4, 33)
"""Pixels from one sign to the next."""
REPEATS = 3
"""As many of the same sign stand in front of what is new."""
PROBES = np.arange(8)[:, None]
"""Columns in front of what is new that are the same a sign before: soon told, and seldom so."""


def grows(shown: Words, now: Words, rect: Rect) -> bool:
    """Whether what changed in `rect` goes on with the sign that stands in front of it.

    There may be a head, as of an arrow, if it has moved on; another sign at its end is none:
    the F behind a row of dots is news.
    """
    front = min(rect.x, REPEATS * int(WIDTHS[-1]))
    widths = WIDTHS[front // REPEATS >= WIDTHS]
    if not widths.size or rect.height > HIGHEST:
        return False
    row = slice(rect.x - front, rect.right)
    after = _columns(now[rect.slices[0], row])
    if (after[:front] == after[0]).all():
        return False
    last = front - 1 - PROBES
    alike = (after[last] == after[last - widths]).all(axis=0)
    if not alike.any():
        return False
    before = _columns(shown[rect.slices[0], row])
    return any(_repeats(before, after, rect.width, int(width)) for width in widths[alike])


def _columns(patch: Words) -> npt.NDArray[np.uint64]:
    """A sum per column."""
    weights = WEIGHTS[: len(patch), None].astype(np.uint64)
    sums: npt.NDArray[np.uint64] = ((patch & COLOUR) * weights).sum(axis=0)
    return sums


def _repeats(
    before: npt.NDArray[np.uint64], after: npt.NDArray[np.uint64], new: int, width: int
) -> bool:
    """Whether signs of this width are repeated up to the end of the `new` columns, or to a head."""
    row = after[-new - REPEATS * width :]
    if (row[: REPEATS * width] == row[0]).all():
        return False
    other = np.flatnonzero(row[width:] != row[:-width])
    if not other.size:
        return True
    first = width + int(other[0])  # the first column that is not as the one a sign before
    if first < row.size - width - 1:
        return False
    ends = range(before.size - width, before.size - new, -width)  # of the head where it stood
    return any((before[end - width : end] == after[-width:]).all() for end in ends)
