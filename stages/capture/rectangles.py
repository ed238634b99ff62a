"""Few rectangles in the place of many."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import attrs
import numpy as np

from hud.items import Pixels
from hud.rect import Rect, common, together

NEAR = 16
"""Pixels between two rectangles that are cheaper read as one."""
MANY = 8
"""Rectangles; each costs a request of about 25 us, as much as reading 100 000 pixels more."""

Piece = tuple[Rect, Pixels]
"""A place on the desktop and its pixels."""


def merged(rects: Collection[Rect]) -> list[Rect]:
    """Rectangles that hold all of these; none overlap, and there are at most MANY."""
    if len(rects) <= MANY:
        return list(together(list(rects), NEAR))
    rows = np.array(sorted((rect.y, rect.x, rect.bottom, rect.right) for rect in rects))
    top, left, bottom, right = rows.T
    near = NEAR
    while len(top) > MANY:
        # A row begins where everything above it has ended some distance ago.
        ended = np.maximum.accumulate(bottom)[:-1]
        rows = np.flatnonzero(np.concatenate([[True], top[1:] - ended > near]))
        top, left = np.minimum.reduceat(top, rows), np.minimum.reduceat(left, rows)
        bottom, right = np.maximum.reduceat(bottom, rows), np.maximum.reduceat(right, rows)
        near *= 2
    return [
        Rect(int(x), int(y), int(x2 - x), int(y2 - y))
        for x, y, x2, y2 in zip(left, top, right, bottom, strict=True)
    ]


def cut(piece: Piece, box: Rect) -> Piece | None:
    """The part of a piece that lies in `box`, counted from the corner of that; or None."""
    rect, pixels = piece
    part = common(rect, box)
    if part is None:
        return None
    there = part.moved(-rect.x, -rect.y)
    return part.moved(-box.x, -box.y), pixels[there.slices]


def strips(box: Rect, pixels: int) -> Iterator[Rect]:
    """A rectangle in strips of its full width, from the top, of about so many pixels each."""
    rows = max(1, pixels // box.width)
    for y in range(box.y, box.bottom, rows):
        yield attrs.evolve(box, y=y, height=min(rows, box.bottom - y))
