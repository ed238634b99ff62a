"""Exact comparison with the frame before: which pixels changed, found at memory speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hud.pixels import BAND, Words, dirty_bands
from hud.rect import Rect

CELL = 8
"""Edge of the smallest place that has a history of its own."""
COLOUR = np.uint32(0x00FFFFFF)
"""The three bytes of a pixel that carry something."""

Mask = npt.NDArray[np.bool_]
"""Shape (height, width) of pixels or of cells."""
Indices = npt.NDArray[np.intp]
"""Shape (count,)."""


def any_in_cells(mask: Mask) -> Mask:
    """Whether anything is set in each CELL x CELL square; both sides are multiples of CELL."""
    rows, columns = mask.shape[0] // CELL, mask.shape[1] // CELL
    eight = mask.view(np.uint64).reshape(rows, CELL, columns)
    found: Mask = np.bitwise_or.reduce(eight, axis=1) != 0
    return found


def places(cells: Mask) -> tuple[Indices, Indices]:
    """Rows and columns of the cells that are set; nonzero() is ten times faster on a flat array."""
    rows, columns = np.divmod(np.flatnonzero(cells), cells.shape[1])
    return rows, columns


class Difference:
    """The pixels of one frame that differ from the frame before, and the cells they lie in."""

    def __init__(self, height: int, width: int) -> None:
        rows, columns = -(-height // CELL), -(-width // CELL)
        self.mask: Mask = np.zeros((rows * CELL, columns * CELL), bool)
        self.cells: Mask = np.zeros((rows, columns), bool)
        self._scratch = np.empty((BAND, width), np.uint32)  # a fresh one costs page faults
        self.used: list[Rect] = []
        """Where something changed: whole bands, of which damage leaves some columns."""
        self._changed: list[tuple[Indices, Indices]] = []

    @property
    def changed(self) -> tuple[Indices, Indices]:
        """Rows and columns of the cells that changed."""
        rows, columns = zip(*self._changed, strict=True)
        return np.concatenate(rows), np.concatenate(columns)

    def compare(self, new: Words, old: Words, damage: Sequence[Rect] | None) -> bool:
        """Fill mask and cells; return whether anything changed. `old` is padded to cells."""
        for used in self.used:
            self.mask[used.slices] = False
            self.cells[_cells_of(used)] = False
        self.used.clear()
        self._changed.clear()
        height, width = new.shape
        if damage is None:
            for top, bottom in dirty_bands(new, old):
                self._band(new, old, Rect(0, top, self.mask.shape[1], bottom - top))
        else:
            for top, bottom in damaged_bands(damage, height, width):
                left, right = _columns(damage, top, bottom, self.mask.shape[1])
                self._band(new, old, Rect(left, top, right - left, bottom - top))
        return bool(self.used)

    def _band(self, new: Words, old: Words, band: Rect) -> None:
        across = slice(band.x, min(band.right, new.shape[1]))
        for first in range(band.y, band.bottom, BAND):
            last = min(first + BAND, band.bottom)
            changed = self._scratch[: last - first, across]
            np.bitwise_xor(new[first:last, across], old[first:last, across], out=changed)
            changed &= COLOUR
            np.not_equal(changed, 0, out=self.mask[first:last, across])
        at = _cells_of(band)
        down, along = at
        cells = any_in_cells(self.mask[down.start * CELL : down.stop * CELL, band.x : band.right])
        rows, columns = places(cells)
        if rows.size:
            self.cells[at] = cells
            self.used.append(band)
            self._changed.append((rows + down.start, columns + along.start))


def _cells_of(rect: Rect) -> tuple[slice, slice]:
    """Index of the cells that a rectangle touches."""
    down = slice(rect.y // CELL, -(-rect.bottom // CELL))
    return down, slice(rect.x // CELL, -(-rect.right // CELL))


def _columns(damage: Sequence[Rect], top: int, bottom: int, width: int) -> tuple[int, int]:
    """The columns, cut at cells, that damage between two rows touches."""
    here = [rect for rect in damage if rect.y < bottom and rect.bottom > top and rect.area > 0]
    left = max(0, min(rect.x for rect in here)) // CELL * CELL
    return left, min(width, -(-max(rect.right for rect in here) // CELL) * CELL)


def damaged_bands(damage: Sequence[Rect], height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield runs of rows, cut at cells, that reported damage touches; less than BAND apart: one."""
    spans = [
        (max(0, rect.y // CELL) * CELL, -(-min(rect.bottom, height) // CELL) * CELL)
        for rect in damage
        if rect.area > 0 and rect.x < width and rect.right > 0
    ]
    start = end = -1
    for first, last in sorted(span for span in spans if span[0] < span[1]):
        if start >= 0 and first >= end + BAND:
            yield start, min(end, height)
            start = -1
        start, end = (first if start < 0 else start), max(end, last)
    if start >= 0:
        yield start, min(end, height)
