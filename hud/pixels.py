"""Pictures as numbers: their exact comparison at memory speed, their middle, their ground."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hud.items import Pixels

BAND = 32
"""Rows of the smallest piece that is found to differ."""

Words = npt.NDArray[np.uint32]
"""Shape (height, width), one BGRA pixel a word."""


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


def channels(patch: Words) -> Pixels:
    """The other way round, without a copy where the words lie side by side."""
    return np.ascontiguousarray(patch).view(np.uint8).reshape(*patch.shape, 4)


def commonest(patch: Words) -> np.uint32:
    """The colour that most pixels have; where it is that of the first, nothing need be sorted."""
    first: np.uint32 = patch[0, 0]
    if 2 * np.count_nonzero(patch == first) > patch.size:
        return first
    colours, counts = np.unique(patch, return_counts=True)
    most: np.uint32 = colours[counts.argmax()]
    return most


def middle(values: npt.NDArray[Any], axis: int = 0) -> npt.NDArray[Any]:
    """The median along one axis, of an even number the upper one.

    NumPy's own loads its masked arrays when it is first called: 8 ms in the event loop, and 2 MB.
    """
    half = values.shape[axis] // 2
    found: npt.NDArray[Any] = np.partition(values, half, axis).take(half, axis)
    return found


def dirty_bands(new: Words, old: Words) -> Iterator[tuple[int, int]]:
    """Yield (first row, row after the last) of runs of bands that are not equal byte for byte.

    Raises:
        ValueError: `old` is smaller than `new`.
    """
    height, width = new.shape
    if old.shape[0] < height or old.shape[1] < width:
        raise ValueError(f"{new.shape} against {old.shape}")
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
    # Addresses keep nothing alive: whoever compares holds both pictures until the end.
    one, other, row = new.ctypes.data, old.ctypes.data, new.itemsize * new.shape[1]
    return lambda top, bottom: bool(
        memcmp(one + top * row, other + top * row, (bottom - top) * row) == 0
    )
