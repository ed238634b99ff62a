"""Large areas in which something always moves, though no single place of them changes often."""

from __future__ import annotations

import cv2
import numpy as np

from hud.items import Rect
from stages.change.detector.dirty import CELL, Indices, Mask
from stages.change.detector.memory import BURST, FILM, NEVER

TILE = 8
"""Cells along the edge of a tile."""
LEAST = 3
"""Tiles along each side of the smallest film: a line being written is longer, but not as high."""


class Films:
    """Which tiles of 64 x 64 pixels have been moving for a while without a pause."""

    def __init__(self, rows: int, columns: int) -> None:
        shape = -(-rows // TILE), -(-columns // TILE)
        self._last = np.full(shape, NEVER)
        self._burst = np.full(shape, NEVER)
        self._films: list[Rect] = []

    def count(self, rows: Indices, columns: Indices, time: float) -> None:
        """These cells changed."""
        at = np.unique(rows // TILE * self._last.shape[1] + columns // TILE)
        last, burst = self._last.ravel(), self._burst.ravel()
        burst[at[time - last[at] > BURST]] = time
        last[at] = time
        on = (time - self._last <= BURST) & (time - self._burst >= FILM)
        self._films = _large(on) if np.count_nonzero(on) >= LEAST**2 else []

    def holds(self, rect: Rect) -> bool:
        """Whether a place lies in a film."""
        return any(film.holds(rect) for film in self._films)


def _large(tiles: Mask) -> list[Rect]:
    """Groups of tiles, in pixels, that are large enough; gaps of a tile do not part them."""
    closed = cv2.morphologyEx(tiles.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    edge = TILE * CELL
    return [
        Rect(x * edge, y * edge, width * edge, height * edge)
        for x, y, width, height, _ in stats[1:count].tolist()
        if min(width, height) >= LEAST
    ]
