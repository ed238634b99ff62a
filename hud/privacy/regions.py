"""Rectangles taken out of rectangles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hud.items import Rect


def common(one: Rect, other: Rect) -> Rect | None:
    """What two rectangles share, or None."""
    if not one.intersects(other):
        return None
    x, y = max(one.x, other.x), max(one.y, other.y)
    return Rect(x, y, min(one.right, other.right) - x, min(one.bottom, other.bottom) - y)


def without(rects: Iterable[Rect], holes: Sequence[Rect]) -> list[Rect]:
    """What is left of rectangles outside of `holes`; those of one rectangle do not overlap."""
    left = list(rects)
    for hole in holes:
        left = [piece for rect in left for piece in _outside(rect, hole)]
    return left


def _outside(rect: Rect, hole: Rect) -> Iterator[Rect]:
    """Up to four pieces: above and below in full width, then left and right between them."""
    if not rect.intersects(hole):
        yield rect
        return
    top, bottom = max(rect.y, hole.y), min(rect.bottom, hole.bottom)
    if rect.y < top:
        yield Rect(rect.x, rect.y, rect.width, top - rect.y)
    if bottom < rect.bottom:
        yield Rect(rect.x, bottom, rect.width, rect.bottom - bottom)
    if rect.x < hole.x:
        yield Rect(rect.x, top, hole.x - rect.x, bottom - top)
    if hole.right < rect.right:
        yield Rect(hole.right, top, rect.right - hole.right, bottom - top)
