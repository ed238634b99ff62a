"""Where there may be text, seen from contrast alone: cheap, and exact to the row of pixels."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from hud.rect import Rect

Gray = npt.NDArray[np.uint8]
"""Shape (height, width), brightness, uint8."""
Mask = npt.NDArray[np.uint8]
"""Shape (height, width), 255 where something holds and 0 elsewhere."""

_CONTRAST = 40
_RULE = 64  # rows; a longer vertical stroke is a border, not a letter
_WORD_GAP = 24  # columns; narrower gaps are between words
_GAP = 40  # columns; wider ones are between columns of text
_TALL = 2.2  # of a letter's usual height; a larger font, or two letters that touch


def rules(gray: Gray) -> Mask:
    """Long vertical strokes (window borders, scroll bars), which would tie the lines together."""
    strokes = cv2.morphologyEx(_edges(gray), cv2.MORPH_OPEN, np.ones((_RULE, 1), np.uint8))
    return np.asarray(strokes, np.uint8)


def rows(gray: Gray) -> list[Rect]:
    """Boxes of what looks like rows of text, words of a row in one box, top to bottom."""
    borders = rules(gray)
    ink = np.where(borders > 0, 0, _edges(gray)).astype(np.uint8)
    _, _, table, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    letters = [tuple(map(int, row[:4])) for row in table[1:] if row[4] > 1]
    found = [Rect(x, y, right - x, bottom - y) for x, y, right, bottom in _grouped(letters)]
    parts = [part for box in _with_dots(found) for part in _apart(box, borders, ink)]
    return _united([part for part in parts if part.area > 3], borders)


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


def _grouped(letters: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Rows made of boxes (x, y, width, height), as left, top, right, bottom."""
    if not letters:
        return []
    # weighted by width: fragments and dots are many but narrow
    usual = statistics.median(h for _, _, width, h in letters for _ in range(min(width, 64)))
    rows = _lined_up([letter for letter in letters if letter[3] <= _TALL * usual], usual)
    large = [letter for letter in letters if letter[3] > _TALL * usual and not _glued(letter, rows)]
    return rows + _lined_up(large, usual)


def _glued(letter: tuple[int, ...], rows: Sequence[list[int]]) -> bool:
    """Whether a tall stroke is a letter touching the caret or a letter of the next row.

    If so, the rows that it belongs to are widened to hold it.
    """
    x, y, width, height = letter
    reach = _WORD_GAP // 2
    beside = [
        row
        for row in rows
        if row[0] - reach < x + width and x < row[2] + reach and _overlap(row, y, y + height) > 0.5
    ]
    flush = any(min(abs(row[1] - y), abs(row[3] - y - height)) <= 3 for row in beside)
    if len(beside) < 2 and not flush:
        return False
    for row in beside:
        row[0], row[2] = min(row[0], x), max(row[2], x + width)
    return True


def _apart(box: Rect, borders: Mask, ink: Mask) -> list[Rect]:
    """Cut a row where a window's border runs through it."""
    columns = (borders[box.slices] > 0).all(axis=0)
    if not columns.any():
        return [box]
    edges = np.flatnonzero(np.diff(np.concatenate(([1], columns, [1])).astype(np.int8))).tolist()
    parts = [
        _tight(ink, Rect(box.x + start, box.y, end - start, box.height), 1, margin=0)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return [part for part in parts if part is not None]


def _united(pieces: Iterable[Rect], borders: Mask) -> list[Rect]:
    """Make one of the pieces that are read as one line, top to bottom."""
    rows, waiting = list[Rect](), list(pieces)
    while waiting:
        piece = waiting.pop()
        near = next((row for row in rows if _neighbours(row, piece, borders)), None)
        if near is None:
            rows.append(piece)
        else:  # what is larger now may reach others
            rows.remove(near)
            waiting.append(near.union(piece))
    return sorted(rows, key=lambda row: (row.y, row.x))


def _neighbours(one: Rect, other: Rect, borders: Mask) -> bool:
    top, bottom = max(one.y, other.y), min(one.bottom, other.bottom)
    gap = max(one.x, other.x) - min(one.right, other.right)
    if gap >= _GAP or bottom - top <= 0.5 * min(one.height, other.height):
        return False
    left, right = sorted((min(one.right, other.right), max(one.x, other.x)))
    return not borders[(top + bottom) // 2, left:right].any()


def _lined_up(letters: Sequence[tuple[int, ...]], usual: float) -> list[list[int]]:
    """Boxes that stand side by side make a row; not so a caret below it."""
    done, growing = list[list[int]](), list[list[int]]()
    for x, y, width, height in sorted(letters):
        done += [row for row in growing if x - row[2] > max(_WORD_GAP, row[3] - row[1])]
        growing = [row for row in growing if x - row[2] <= max(_WORD_GAP, row[3] - row[1])]
        bottom = y + height
        fitting = [
            row
            for row in growing
            if _overlap(row, y, bottom) >= 0.5
            and height <= max(1.7 * (row[3] - row[1]), _TALL * usual)
        ]
        if fitting:
            row = max(fitting, key=lambda row: _overlap(row, y, bottom))
            row[1:] = min(row[1], y), max(row[2], x + width), max(row[3], bottom)
        else:
            growing.append([x, y, x + width, bottom])
    return done + growing


def _overlap(row: Sequence[int], top: int, bottom: int) -> float:
    """Share of the lower one's height that is common."""
    low = min(row[3] - row[1], bottom - top)
    return (min(row[3], bottom) - max(row[1], top)) / low


def _edges(gray: Gray) -> Mask:
    contrast = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((1, 3), np.uint8))
    return np.where(contrast > _CONTRAST, 255, 0).astype(np.uint8)


def _quarter(mask: Mask) -> tuple[int, int]:
    height, width = mask.shape
    return max(1, -(-width // 4)), max(1, -(-height // 4))


def _tight(mask: Mask, box: Rect, least: int, margin: int = 4) -> Rect | None:
    # a quarter pixel may straddle two boxes where the size is no multiple of four
    height, width = mask.shape
    box = box.padded(margin, width, height)
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
