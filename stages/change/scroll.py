"""Content that moved up or down, so that only what came into view counts as new."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from hud.items import Rect

from .dirty import COLOUR, Mask, Words

STRIPE = 64
"""Rows are compared in stripes of this many columns: a fixed column beside the text (line numbers,
a scroll bar) does not hide the movement."""

Sums = npt.NDArray[np.uint64]


@attrs.frozen
class Shift:
    """Movement of content inside a rectangle, in rows; positive is down."""

    rect: Rect
    rows: int


def find_shift(new: Words, old: Words, rect: Rect) -> Shift | None:
    """The movement that explains most of what changed inside `rect`, if one does."""
    after, before = _sums(new, rect), _sums(old, rect)
    votes: dict[int, int] = {}
    moved = total = 0
    for stripe in range(after.shape[1]):
        a, b = after[:, stripe], before[:, stripe]
        changed = np.flatnonzero(a != b)
        if changed.size < 8:
            continue
        total += changed.size
        for distance in _distances(a, b, changed):
            votes[int(distance)] = votes.get(int(distance), 0) + 1
    if not votes:
        return None
    rows = max(votes, key=lambda distance: (votes[distance], -abs(distance)))
    moved = votes[rows]
    return Shift(rect, rows) if rows and moved >= max(12, 0.2 * total) else None


def _sums(pixels: Words, rect: Rect) -> Sums:
    """A sum per row and stripe. A row of one colour gets 0: blank rows say nothing."""
    piece = pixels[rect.slices] & COLOUR
    height, width = piece.shape
    count = max(1, width // STRIPE)
    piece = piece[:, : count * STRIPE].reshape(height, count, -1)
    weights = np.random.default_rng(3).integers(1, 2**31, size=piece.shape[2], dtype=np.uint32)
    sums: Sums = (piece * weights).sum(axis=2, dtype=np.uint64)
    sums[(piece == piece[:, :, :1]).all(axis=2)] = 0
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


def explained(new: Words, old: Words, shift: Shift) -> Mask:
    """Pixels of the rectangle that are what stood `rows` above (or below) before."""
    rect, rows = shift.rect, shift.rows
    found = np.zeros((rect.height, rect.width), bool)
    into, out_of = _halves(rect, rows)
    if into.height > 0:
        top = into.y - rect.y
        equal = ((new[into.slices] ^ old[out_of.slices]) & COLOUR) == 0
        found[top : top + into.height] = equal
    return found


def _halves(rect: Rect, rows: int) -> tuple[Rect, Rect]:
    """Where content went and where it came from."""
    height = max(0, rect.height - abs(rows))
    into = Rect(rect.x, rect.y + max(0, rows), rect.width, height)
    return into, Rect(rect.x, into.y - rows, rect.width, height)


def move(picture: Words, shift: Shift, where: Mask) -> None:
    """Move the content of `picture` too, only in the pixels `where` the movement explains."""
    into, out_of = _halves(shift.rect, shift.rows)
    if into.height <= 0:
        return
    top = into.y - shift.rect.y
    moved = picture[out_of.slices].copy()
    np.copyto(picture[into.slices], moved, where=where[top : top + into.height])
