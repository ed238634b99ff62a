"""From changed pixels to few, tight rectangles, grouped as a person would."""

from __future__ import annotations

import functools
import itertools

import attrs
import cv2
import numpy as np
import numpy.typing as npt

from hud.pixels import Words, commonest
from hud.rect import Rect, together
from stages.change.detector.dirty import CELL, COLOUR, Indices, Mask

ACROSS, DOWN = 3, 1
"""Gaps of this many cells, across and down, do not part what belongs together: a space between
words is narrower than a line of text is high, the gap between two messages is not."""
PICTURE = 0.01
"""What a picture more costs, as a share of the screen: so much ground may be shown to save one."""
MOST_REGIONS = 12
"""Pictures of one change."""
MOST = 48
"""More pieces than this are joined with their neighbours first."""
ROW = 36
"""What is higher is no line of text at an ordinary scale."""
LINES = 120
"""What a scroll let come into view and is no higher are a few lines of text."""
MOSTLY = 0.6
"""Share of the pixels of a rectangle that changed, if not only what is written on it did."""
SAMPLE = 3
"""One row of so many says which colour the ground of a line has."""
GAP, FAR = 2.5, 24
"""In heights of a line: what parts one line from the next beside it, and how far one is shown."""


@attrs.frozen
class Blob:
    """Pixels that changed together: their tight rectangle and their number."""

    rect: Rect
    pixels: int

    @property
    def fills(self) -> bool:
        """Whether most of its rectangle changed, as it does not below new text."""
        return self.pixels >= MOSTLY * self.rect.area


def blobs(mask: Mask, cells: Mask, origin: tuple[int, int] = (0, 0)) -> list[Blob]:
    """The groups of changed pixels. `cells` says in which cells of `mask` to look."""
    for reach in (1, 3, 6):
        boxes = _label(cells, reach)
        if len(boxes) <= MOST:
            break
    found = (_tight(mask, box, origin) for box in boxes)
    return [blob for blob in found if blob is not None]


def _label(cells: Mask, reach: int) -> list[tuple[int, int, int, int]]:
    rows = np.flatnonzero(cells.any(axis=1))
    if not rows.size:
        return []
    first = max(0, int(rows[0]) - reach)
    cells = cells[first : int(rows[-1]) + reach + 1]
    grown = cv2.dilate(np.ascontiguousarray(cells).view(np.uint8), _kernel(reach))
    count, _, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    boxes = stats[1:count, :4].tolist()
    return [(x, y + first, width, height) for x, y, width, height in boxes]


@functools.cache
def _kernel(reach: int) -> npt.NDArray[np.uint8]:
    return np.ones((1 + 2 * (DOWN * reach // 2), ACROSS * reach), np.uint8)


def clusters(cells: Mask) -> list[Rect]:
    """The rectangles, in pixels, around groups of cells with gaps of a few cells at most."""
    return [Rect(x * CELL, y * CELL, w * CELL, h * CELL) for x, y, w, h in _label(cells, 1)]


def groups(cells: Mask) -> list[Rect]:
    """As `clusters`, but the places of a line or a list are one."""
    return [Rect(x * CELL, y * CELL, w * CELL, h * CELL) for x, y, w, h in _label(cells, 2)]


def with_line(pixels: Words, rect: Rect, most: int = ROW) -> Rect:
    """What changed in a line of text, and the line around it: a state says nothing without a name.

    The line ends at a gap, or where the ground does. What is higher than `most` has no line.
    """
    height = rect.height if rect.height <= ROW else ROW // 2
    if rect.height > most:
        return rect
    around = rect.padded(2, pixels.shape[1], pixels.shape[0])
    left, right = max(0, rect.x - FAR * height), min(pixels.shape[1], rect.right + FAR * height)
    row = pixels[around.y : around.bottom, left:right] & COLOUR
    first, last = rect.x - left, rect.right - left
    near = row[::SAMPLE, max(0, first - height) : last + height]
    ground = commonest(near)
    even = (row == row[:1]).all(axis=0)
    walls, ink = even & (row[0] != ground), np.flatnonzero(~even)
    before, behind = ink[: np.searchsorted(ink, first)], ink[np.searchsorted(ink, last) :]
    start = first - _reach(first - before[::-1], walls[:first][::-1], GAP * height)
    end = last + _reach(behind - last + 1, walls[last:], GAP * height)
    return attrs.evolve(rect, x=left + start, width=end - start)


def _reach(ink: Indices, walls: Mask, gap: float) -> int:
    """How far a line goes on: to the last ink (ascending distances) before a wall or a gap."""
    wall = int(walls.argmax()) if walls.any() else walls.size
    ink = ink[: np.searchsorted(ink, wall, side="right")]
    if not ink.size or ink[0] > gap:
        return 0
    wide = np.flatnonzero(ink[1:] - ink[:-1] > gap)
    return int(ink[wide[0]] if wide.size else ink[-1])


def _tight(mask: Mask, box: tuple[int, int, int, int], origin: tuple[int, int]) -> Blob | None:
    x, y, width, height = (v * CELL for v in box)
    piece = mask[y : y + height, x : x + width]
    rect = bounds(piece)
    if rect is None:
        return None
    return Blob(
        Rect(x + rect.x + origin[0], y + rect.y + origin[1], rect.width, rect.height),
        int(np.count_nonzero(piece)),
    )


def bounds(mask: Mask) -> Rect | None:
    """The smallest rectangle around what is set, None if nothing is."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return Rect(left, top, width, height) if width else None


def _lined(rect: Rect, margin: int) -> Rect:
    """A line of text gets the space above and below it; a dash or a dot gets that of a line."""
    leading = -(-rect.height // 4) if rect.height <= ROW else 0
    more = max(0, (24 - rect.height) // 2 - margin, leading - margin)
    return attrs.evolve(rect, y=rect.y - more, height=rect.height + 2 * more)


def tidy(rects: list[Rect], width: int, height: int, margin: int = 3) -> tuple[Rect, ...]:
    """The regions of one change: padded, united where that costs less than a picture more."""
    padded = _few([_lined(rect, margin).padded(margin, width, height) for rect in rects])
    regions, most = list(padded), PICTURE * width * height
    while len(regions) > 1:
        one, other, cost = _nearest(regions)
        worth = most + (one.area + other.area) / 2
        if cost > worth and len(regions) <= MOST_REGIONS:
            break
        union = one.union(other)
        regions = [rect for rect in regions if not union.holds(rect)] + [union]
    return together(regions)


def _few(rects: list[Rect]) -> tuple[Rect, ...]:
    """United where they touch; of very many those that are near too."""
    for distance in (0, 16, 48, 128, 512):
        united = together(rects, distance)
        if len(united) <= MOST:
            break
    return united


def _nearest(regions: list[Rect]) -> tuple[Rect, Rect, int]:
    """Which two regions to unite first, and how many pixels more that would show."""
    pairs = itertools.combinations(regions, 2)
    costs = ((one.union(other).area - one.area - other.area, one, other) for one, other in pairs)
    cost, one, other = min(costs)
    return one, other, cost
