"""Content that moved up or down, so that only what came into view counts as new."""

from __future__ import annotations

import random
import zlib

import attrs
import numpy as np
import numpy.typing as npt

from hud.pixels import Words, commonest
from hud.rect import Rect
from stages.change.detector.dirty import COLOUR, Mask

STRIPE = 64
"""Rows are compared in stripes of this many columns: a fixed column beside the text (line numbers,
a scroll bar) does not hide the movement."""

SAMPLE = 4
"""Every fourth column says enough to recognise a row: 1080p 1.3 ms instead of 4.6."""
FINE = 500_000
"""Pixels of which each column counts, in about 2 ms: digits are few columns wide."""
STRIPES = 10
"""As many stripes, evenly chosen, are enough for a vote."""
PIECE = 16
"""Rows are followed in pieces of this many columns: a picture may move by another pixel than the
text beside it."""

_DICE = random.Random(3)  # noqa: S311 - no secret
# Beforehand: numpy loads its own dice when they are first asked for, from files.
WEIGHTS = np.array([_DICE.randrange(1, 2**31) for _ in range(2 * STRIPE)], np.uint32)
"""Of the columns of a row; none is wider."""

Sums = npt.NDArray[np.uint64]


@attrs.frozen
class Shift:
    """Movement of content inside a rectangle."""

    rect: Rect
    distances: tuple[int, ...]
    """In rows, positive is down; the usual one first. Lines of a list may move by 57 and 58."""


def find_shift(new: Words, old: Words, rect: Rect) -> Shift | None:
    """The movement that explains most of what changed inside `rect`, if one does."""
    after, before = _sums(new, rect), _sums(old, rect)
    votes: dict[int, int] = {}
    total = 0
    for stripe in range(after.shape[1]):
        a, b = after[:, stripe], before[:, stripe]
        changed = np.flatnonzero((a != b) & (a != 0))
        if changed.size < 8:
            continue
        total += changed.size
        for distance in _distances(a, b, changed):
            votes[int(distance)] = votes.get(int(distance), 0) + 1
    votes.pop(0, None)
    if not votes:
        return None
    best = max(votes, key=lambda distance: (votes[distance], -abs(distance)))
    near = [d for d in votes if abs(d - best) <= 2 and votes[d] >= 0.1 * votes[best]]
    if sum(votes[d] for d in near) < min(40, max(12, 0.25 * total)):
        return None
    return Shift(rect, tuple(sorted(near, key=lambda d: -votes[d])))


def _sums(pixels: Words, rect: Rect) -> Sums:
    """A sum per row and stripe, and one of the whole row. Blank rows say nothing and get 0.

    Of lines that are like one another each part may stand there twice.
    """
    count = max(1, rect.width // STRIPE)
    if count == 1:
        piece = pixels[rect.slices][:, None, :] & COLOUR
    else:
        whole = pixels[rect.slices][:, : count * STRIPE].reshape(rect.height, count, STRIPE)
        piece = whole[:, :: -(-count // STRIPES), ::SAMPLE] & COLOUR
    sums: Sums = (piece * WEIGHTS[: piece.shape[2]]).sum(axis=2, dtype=np.uint64)
    sums[(piece == piece[:, :, :1]).all(axis=2)] = 0
    if count == 1:
        return sums
    fine = rect.area <= FINE
    return np.hstack([sums, _whole(pixels[rect.slices]) if fine else sums.sum(1, keepdims=True)])


def _whole(pixels: Words) -> Sums:
    """A sum per row of all of its pixels, shape (height, 1)."""
    piece = pixels & COLOUR
    sums = np.array([[zlib.crc32(row)] for row in piece], np.uint64)
    sums[(piece == piece[:, :1]).all(axis=1)] = 0
    return sums


def _distances(after: Sums, before: Sums, changed: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """By how much each changed row that is somewhere in `before`, once, has moved."""
    values, first, counts = np.unique(before, return_index=True, return_counts=True)
    keep = (counts == 1) & (values != 0)
    values, first = values[keep], first[keep]
    if not values.size:
        return np.zeros(0, np.intp)
    wanted = after[changed]
    at = np.minimum(np.searchsorted(values, wanted), values.size - 1)
    hit = values[at] == wanted
    moved: npt.NDArray[np.intp] = changed[hit] - first[at[hit]]
    return moved


def follow(shown: Words, new: Words, old: Words, shift: Shift) -> Mask:
    """Move what was `shown` along; return which pixels of the rectangle the movement explains."""
    rect = shift.rect
    before = shown[rect.slices].copy()
    done = np.zeros((rect.height, rect.width), bool)
    for distance in shift.distances:
        into, out_of = _halves(rect.height, distance)
        equal = _equal_stripes(new[rect.slices][into], old[rect.slices][out_of]) & ~done[into]
        np.copyto(shown[rect.slices][into], before[out_of], where=equal)
        done[into] |= equal
    return done


def _halves(height: int, distance: int) -> tuple[slice, slice]:
    """The rows that content went to, and those it came from."""
    down, up = max(0, distance), max(0, -distance)
    return slice(down, max(down, height - up)), slice(up, max(up, height - down))


def _equal_stripes(one: Words, other: Words) -> Mask:
    """Pixels in rows of stripes that are equal as a whole; single pixels agree by chance."""
    width = one.shape[1]
    starts = np.arange(0, width, PIECE)
    equal = np.logical_and.reduceat(((one ^ other) & COLOUR) == 0, starts, axis=1)
    return np.repeat(equal, np.diff(starts, append=width), axis=1)


def uncover(shown: Words, new: Words, rect: Rect, fresh: Mask) -> Mask:
    """What came into view was never shown: make it ground, so that only what is on it differs.

    Returns which pixels of the rectangle that are.
    """
    if not rect.area:
        return fresh
    ground = commonest(new[rect.slices][::3, ::3])
    shown[rect.slices][fresh] = ground
    differs: Mask = fresh & (((new[rect.slices] ^ ground) & COLOUR) != 0)
    return differs
