"""The picture of the screen that a model has, which close-ups must keep up to date.

A detector names only what is new: of a terminal that scrolled, its last line. A model that pastes
close-ups onto a standing picture would then hold the new line beside old places of the others.
"""

from __future__ import annotations

import collections

import cv2
import numpy as np

from hud.items import Frame, Pixels
from hud.pixels import dirty_bands, words
from hud.rect import Rect, together

TILE = 16
LEAST, BESIDE = 48, 400
"""Rows and columns: what is lower is no scroll, what is further apart not of the same lines."""


class Standing:
    """What one monitor looks like to the model."""

    def __init__(self) -> None:
        self._picture: Pixels | None = None

    def renew(self, frame: Frame, rects: tuple[Rect, ...]) -> tuple[Rect, ...]:
        """Grow `rects` to everything outdated around them, and take it as shown."""
        if self._picture is None or self._picture.shape != frame.pixels.shape:
            self._picture = frame.pixels.copy()
            return (Rect(0, 0, frame.width, frame.height),)
        old = outdated(self._picture, frame.pixels)
        shown = self._reached(frame.pixels, rects, old) if old else rects
        for rect in shown:
            self._picture[rect.slices] = frame.pixels[rect.slices]
        return shown

    def _reached(self, now: Pixels, rects: tuple[Rect, ...], old: list[Rect]) -> tuple[Rect, ...]:
        """`rects` with each of the `old` places that they meet or scrolled with, and so on."""
        while met := [
            rect
            for rect in old
            if any(rect.intersects(near) or self._scrolled(now, rect, near) for near in rects)
        ]:
            old = [rect for rect in old if rect not in met]
            rects = together([*rects, *met])
        return rects

    def _scrolled(self, now: Pixels, one: Rect, other: Rect) -> bool:
        """Whether two places side by side moved up or down as one: columns of the same lines."""
        low = min(one.height, other.height)
        overlap = min(one.bottom, other.bottom) - max(one.y, other.y)
        gap = max(one.x, other.x) - min(one.right, other.right)
        if low < LEAST or overlap < 0.5 * low or gap > BESIDE:
            return False
        assert self._picture is not None
        around = one.union(other)
        return moved(self._picture[around.slices], now[around.slices])


def moved(before: Pixels, after: Pixels) -> bool:
    """Whether most rows of a picture that changed stand higher or lower than before by as much."""
    old, new = ([row.tobytes() for row in each] for each in (before, after))
    places = {row: y for y, row in enumerate(old)}
    changed = [y for y, row in enumerate(new) if row != old[y]]
    counts = collections.Counter(places[new[y]] - y for y in changed if new[y] in places)
    return bool(counts) and 2 * max(counts.values()) > len(changed)


def outdated(before: Pixels, after: Pixels) -> list[Rect]:
    """Rectangles around the connected places, to a tile, where the two pictures differ."""
    new, old = words(after), words(before)
    bands = list(dirty_bands(new, old))
    if not bands:
        return []
    # Most of the picture is the same, which memcmp says ten times faster than what follows.
    start, end = bands[0][0], bands[-1][1]
    differs = new[start:end] != old[start:end]
    height, width = differs.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.bool_)
    padded[:height, :width] = differs
    tiles = np.asarray(padded.reshape(rows, TILE, columns, TILE).any(axis=(1, 3)), np.uint8)
    grown = cv2.dilate(tiles, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(grown)
    found = []
    for label in range(1, count):
        ys, xs = np.nonzero((labels == label) & (tiles > 0))
        x, y = int(xs.min()) * TILE, int(ys.min()) * TILE
        right, bottom = (int(xs.max()) + 1) * TILE, (int(ys.max()) + 1) * TILE
        found.append(Rect(x, start + y, min(right, width) - x, min(bottom, height) - y))
    return found
