"""Exact comparison with the frame before: which pixels changed, found at memory speed."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hud.items import Pixels, Rect

CELL = 8
"""Edge of the smallest place that has a history of its own."""
BAND = 32
"""Rows that are compared in one call."""
COLOUR = np.uint32(0x00FFFFFF)
"""The three bytes of a pixel that carry something."""

Words = npt.NDArray[np.uint32]
"""Shape (height, width), one BGRA pixel a word."""
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
"""Shape (height, width) of pixels or of cells."""


def _memcmp() -> Any:  # noqa: ANN401 - a foreign function
    name = "msvcrt" if sys.platform == "win32" else None
    call = ctypes.CDLL(name).memcmp
    call.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    call.restype = ctypes.c_int
    return call


memcmp = _memcmp()


def words(pixels: Pixels) -> Words:
    """The pixels (height, width, 4) as one 32-bit word each, without a copy where possible."""
    if pixels.strides[-1] != 1 or pixels.strides[-2] != 4:
        pixels = np.ascontiguousarray(pixels)
    return pixels.view(np.uint32)[..., 0]


def dirty_bands(new: Words, old: Words) -> Iterator[tuple[int, int]]:
    """Yield (first row, row after the last) of runs of bands that are not equal byte for byte."""
    height, width = new.shape
    equal = _comparison(new, old[:, :width])
    start = end = -1
    for top in _unequal_bands(height, equal):
        if start >= 0 and top > end:
            yield start, end
            start = -1
        start, end = (top if start < 0 else start), min(top + BAND, height)
    if start >= 0:
        yield start, end


def _unequal_bands(height: int, equal: Callable[[int, int], bool]) -> Iterator[int]:
    """First rows of the bands that differ; several bands at a time, since most are equal."""
    for block in range(0, height, 4 * BAND):
        bottom = min(block + 4 * BAND, height)
        if not equal(block, bottom):
            tops = range(block, bottom, BAND)
            yield from (top for top in tops if not equal(top, min(top + BAND, bottom)))


def _comparison(new: Words, old: Words) -> Callable[[int, int], bool]:
    """What says whether rows [top, bottom) are equal. 1080p: 0.24 ms, by numpy alone 0.66."""
    if not (new.flags.c_contiguous and old.flags.c_contiguous):
        return lambda top, bottom: bool(np.array_equal(new[top:bottom], old[top:bottom]))
    one, other, row = new.ctypes.data, old.ctypes.data, new.strides[0]
    return lambda top, bottom: bool(
        memcmp(one + top * row, other + top * row, (bottom - top) * row) == 0
    )


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
        changed = new[top:bottom] ^ old[top:bottom, :width]
        changed &= COLOUR
        np.not_equal(changed, 0, out=self.mask[top:bottom, :width])
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
