"""Where there may be text, seen from contrast alone: cheap, and exact to the row of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from hud.items import Rect

Gray = npt.NDArray[np.uint8]
"""Shape (height, width), brightness, uint8."""
Mask = npt.NDArray[np.uint8]
"""Shape (height, width), 255 where something holds and 0 elsewhere."""

_CONTRAST = 40
_RULE = 64  # rows; a longer vertical stroke is a border, not a letter
_WORD_GAP = 24  # columns; narrower gaps are between words


def rules(gray: Gray) -> Mask:
    """Long vertical strokes (window borders, scroll bars), which would tie the lines together."""
    strokes = cv2.morphologyEx(_edges(gray), cv2.MORPH_OPEN, np.ones((_RULE, 1), np.uint8))
    return np.asarray(strokes, np.uint8)


def rows(gray: Gray) -> list[Rect]:
    """Boxes of what looks like rows of text, words of a row in one box, top to bottom."""
    ink = cv2.bitwise_and(_edges(gray), cv2.bitwise_not(rules(gray)))
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, _WORD_GAP), np.uint8))
    _, _, table, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = [Rect(*map(int, row[:4])) for row in table[1:] if row[4] > 3]
    return _with_dots(sorted(boxes, key=lambda box: (box.y, box.x)))


def boxes(mask: Mask, across: int, down: int, least: int = 1) -> list[Rect]:
    """Bounding boxes of what `mask` marks, united over gaps of `across` columns and `down` rows.

    Groups of fewer than `least` pixels are left out.
    """
    small = cv2.resize(mask, _quarter(mask), interpolation=cv2.INTER_AREA)
    kernel = np.ones((1 + down // 4, 1 + across // 4), np.uint8)
    grown = cv2.dilate(np.where(small > 0, 255, 0).astype(np.uint8), kernel)
    _, _, table, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    found = (_tight(mask, Rect(*(4 * int(value) for value in row[:4])), least) for row in table[1:])
    return [box for box in found if box is not None]


def _edges(gray: Gray) -> Mask:
    contrast = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((1, 3), np.uint8))
    return np.where(contrast > _CONTRAST, 255, 0).astype(np.uint8)


def _quarter(mask: Mask) -> tuple[int, int]:
    height, width = mask.shape
    return max(1, -(-width // 4)), max(1, -(-height // 4))


def _tight(mask: Mask, box: Rect, least: int) -> Rect | None:
    # a quarter pixel may straddle two boxes where the size is no multiple of four
    height, width = mask.shape
    box = box.padded(4, width, height)
    inside = mask[box.slices]
    if cv2.countNonZero(inside) < least:
        return None
    x, y, w, h = cv2.boundingRect(inside)
    return Rect(box.x + int(x), box.y + int(y), int(w), int(h))


def _with_dots(found: list[Rect]) -> list[Rect]:
    """Give dots, accents and underlines to the row of letters that they belong to."""
    letters = [box for box in found if box.height >= 5]
    for dot in (box for box in found if box.height < 5):
        near = dot.padded(3, 1 << 30, 1 << 30)
        owner = next((box for box in letters if box.intersects(near)), None)
        if owner is None:
            letters.append(dot)
        else:
            letters[letters.index(owner)] = owner.union(dot)
    return sorted(letters, key=lambda box: (box.y, box.x))
