"""Large areas in which something always moves, though no single place of them changes often."""

from __future__ import annotations

import cv2
import numpy as np

from hud.rect import Rect, common
from stages.change.detector.dirty import CELL, Indices, Mask
from stages.change.detector.memory import BURST, FILM, NEVER

TILE = 8
"""Cells along the edge of a tile."""
EDGE = 5
"""What is thinner is an edge of something that moves on, not a sign."""
LEAST = 3
"""Tiles along each side of the smallest film: a line being written is longer, but not as high."""


class Films:
    """Which tiles of 64 x 64 pixels have been moving for a while without a pause."""

    def __init__(self, rows: int, columns: int) -> None:
        shape = -(-rows // TILE), -(-columns // TILE)
        self._last = np.full(shape, NEVER)
        self._burst = np.full(shape, NEVER)
        self._films: list[Rect] = []
        self._moving: Mask = np.zeros(shape, bool)

    def count(self, rows: Indices, columns: Indices, time: float) -> None:
        """These cells changed."""
        at = rows // TILE * self._last.shape[1] + columns // TILE
        last, burst = self._last.ravel(), self._burst.ravel()
        burst[at[time - last[at] > BURST]] = time
        last[at] = time
        on = (time - self._last <= BURST) & (time - self._burst >= FILM)
        self._films = []
        if np.count_nonzero(on) >= LEAST**2:
            self._films, self._moving = _large(on)

    def holds(self, rect: Rect) -> bool:
        """Whether a place lies in a film; in a still corner of its rectangle only an edge does."""
        if not any(film.holds(rect) for film in self._films):
            return False
        side = TILE * CELL
        down = slice(rect.y // side, -(-rect.bottom // side))
        moving = self._moving[down, rect.x // side : -(-rect.right // side)]
        return bool(moving.all()) or min(rect.width, rect.height) < EDGE

    def moves_in(self, rect: Rect) -> bool:
        """Whether a film fills most of a place."""
        parts = (common(film, rect) for film in self._films)
        return any(2 * part.area >= rect.area for part in parts if part is not None)


def _large(tiles: Mask) -> tuple[list[Rect], Mask]:
    """Groups of tiles, in pixels, that are large enough; gaps of a tile do not part them.

    And all tiles of groups.
    """
    closed = cv2.morphologyEx(tiles.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    side = TILE * CELL
    films = [
        Rect(x * side, y * side, width * side, height * side)
        for x, y, width, height, _ in stats[1:count].tolist()
        if min(width, height) >= LEAST
    ]
    return films, closed.view(bool)
