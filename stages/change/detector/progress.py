"""Bars that tell how far something is: drawn with signs, as in a terminal, or gone when it ends."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from hud.pixels import Words, channels, commonest
from hud.rect import Rect
from stages.change.detector.dirty import Mask

HIGHEST = 48
"""Pixels of a line of signs."""
WIDTHS = np.arange(4, 33)
"""Pixels from one sign to the next."""
REPEATS = 3
"""As many of the same sign stand in front of what is new."""
PROBES = np.arange(8)[:, None]
"""Columns in front of what is new that are the same a sign before: soon told, and seldom so."""
NEAR = 20.0
"""Mean levels by which one sign differs from the next: they need not stand on whole pixels."""

LONG, THIN, THICK = 64, 3, 16
"""Pixels that a bar is long at least when it goes; that it is thick at least, and at most."""
COLOURS, ALL = 6, 0.9
"""Colours in it at most, as its end and the rest of its way have others; share of it that is not
in those of the ground, as its ends may be round."""

Grey = npt.NDArray[np.float32]


def grows(shown: Words, now: Words, rect: Rect) -> bool:
    """Whether what changed in `rect` goes on with the sign that stands in front of it.

    There may be a head, as of an arrow, if it has moved on; another sign at its end is none:
    the F behind a row of dots is news.
    """
    front = min(rect.x, REPEATS * int(WIDTHS[-1]))
    widths = WIDTHS[front // REPEATS >= WIDTHS]
    if not widths.size or rect.height > HIGHEST:
        return False
    ahead = now[rect.slices[0], rect.x - front : rect.x]
    if (ahead == ahead[0, 0]).all():  # soon told: most of what is written starts a line
        return False
    row = rect.slices[0], slice(rect.x - front, rect.right)
    after = _grey(now[row])
    dark, last = after.mean(axis=0), front - 1 - PROBES
    alike = (np.abs(dark[last] - dark[last - widths]) <= NEAR).all(axis=0)
    if not alike.any() or np.ptp(after[:, :front]) <= NEAR:
        return False
    before = _grey(shown[row])
    return any(_repeats(before, after, rect.width, int(width)) for width in widths[alike])


def gone(before: Words, after: Words, changed: Mask) -> Rect | None:
    """Where a long plain bar went and left the ground that most of the place has."""
    rows = np.flatnonzero(np.count_nonzero(changed, axis=1) >= LONG)
    if rows.size < THIN:
        return None
    ground, found = commonest(after), []
    for row in rows:
        columns = np.flatnonzero(changed[row])
        apart = np.flatnonzero(np.diff(columns) > 1) + 1
        run = max(np.split(columns, apart), key=len)
        left, right = int(run[0]), int(run[-1]) + 1
        was, now = before[row, left:right], after[row, left:right]
        plain = len(set(was.tolist())) <= COLOURS and (was != ground).mean() >= ALL
        if plain and right - left >= LONG and (now == ground).mean() >= ALL:
            found.append((int(row), left, right))
    if not THIN <= len(found) <= THICK:
        return None
    downs, lefts, rights = zip(*found, strict=True)
    return Rect(min(lefts), downs[0], max(rights) - min(lefts), downs[-1] + 1 - downs[0])


def _grey(patch: Words) -> Grey:
    grey: Grey = channels(patch)[..., 1].astype(np.float32)
    return grey


def _repeats(before: Grey, after: Grey, new: int, width: int) -> bool:
    """Whether signs of this width are repeated up to the end of the `new` columns, or to a head."""
    row = after[:, -new - REPEATS * width :]
    if np.ptp(row[:, : REPEATS * width]) <= NEAR:
        return False
    other = np.flatnonzero(np.abs(row[:, width:] - row[:, :-width]).mean(axis=0) > NEAR)
    if not other.size:
        return True
    first = width + int(other[0])  # the first column that is not as the one a sign before
    if first < row.shape[1] - width - 1:
        return False
    head = after[:, first - row.shape[1] - 1 :]
    there = before[:, -new - width : -1]  # where it stood
    if head.shape[1] > there.shape[1]:
        return False
    away = cv2.matchTemplate(there, head, cv2.TM_SQDIFF).min()
    return bool(away <= NEAR**2 * head.size)
