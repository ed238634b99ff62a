"""A 64-bit signature per cell, for many cells in a few vector operations."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt

from hud.pixels import Words
from stages.change.detector.dirty import CELL

Signatures = npt.NDArray[np.uint64]

_PAIRS = CELL // 2
_COLOUR = np.uint64(0x00FFFFFF00FFFFFF)
_DRAW = random.Random(2)  # noqa: S311 - numbers that are the same every time
_WEIGHTS = np.array(
    [[_DRAW.getrandbits(63) | 1 for _ in range(_PAIRS)] for _ in range(CELL)], np.uint64
)
"""Odd random weights: a sum of products is a universal hash, two different cells agree by chance
once in 2^60."""


def signatures(
    pixels: Words, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> Signatures:
    """Signatures of the cells (rows[i], columns[i]) of a picture padded to whole cells."""
    height, width = pixels.shape
    pairs = pixels.view(np.uint64).reshape(height // CELL, CELL, width // CELL, _PAIRS)
    chosen = pairs[rows, :, columns, :] & _COLOUR
    chosen *= _WEIGHTS
    sums: Signatures = chosen.sum(axis=(1, 2), dtype=np.uint64)
    return sums ^ (sums >> np.uint64(29))
