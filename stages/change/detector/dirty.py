"""Exact comparison with the frame before: which pixels changed, found at memory speed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hud.items import Rect
from hud.pixels import BAND, Words, dirty_bands

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
        self.used: list[tuple[int, int]] = []

    def compare(self, new: Words, old: Words, damage: Sequence[Rect] | None) -> bool:
        """Fill mask and cells; return whether anything changed. `old` is padded to cells."""
        for top, bottom in self.used:
            self.mask[top:bottom] = False
            self.cells[top // CELL : -(-bottom // CELL)] = False
        self.used.clear()
        bands = dirty_bands(new, old) if damage is None else damaged_bands(damage, *new.shape)
        for top, bottom in bands:
            self._band(new, old, top, bottom)
        return bool(self.used)

    def _band(self, new: Words, old: Words, top: int, bottom: int) -> None:
        width = new.shape[1]
        for first in range(top, bottom, BAND):
            last = min(first + BAND, bottom)
            changed = self._scratch[: last - first]
            np.bitwise_xor(new[first:last], old[first:last, :width], out=changed)
            changed &= COLOUR
            np.not_equal(changed, 0, out=self.mask[first:last, :width])
        end = -(-bottom // CELL) * CELL
        cells = any_in_cells(self.mask[top:end])
        if cells.any():
            self.cells[top // CELL : end // CELL] = cells
            self.used.append((top, bottom))


def damaged_bands(damage: Sequence[Rect], height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield runs of rows, cut at bands, that reported damage touches."""
    count = -(-height // BAND)
    touched = np.zeros(count + 1, bool)
    for rect in damage:
        if rect.area > 0 and rect.x < width and rect.right > 0:
            touched[max(0, rect.y // BAND) : max(0, -(-min(rect.bottom, height) // BAND))] = True
    edges = np.flatnonzero(np.diff(touched.astype(np.int8), prepend=0))
    for first, last in edges.reshape(-1, 2):
        yield int(first) * BAND, min(int(last) * BAND, height)
