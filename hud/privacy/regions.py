"""Rectangles taken out of rectangles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hud.items import Rect


def common(one: Rect, other: Rect) -> Rect | None:
    """What two rectangles share, or None."""
    # Called for every pair of windows whenever one moves, so without properties.
    x = max(other.x, one.x)
    y = max(other.y, one.y)
    width = min(one.x + one.width, other.x + other.width) - x
    height = min(one.y + one.height, other.y + other.height) - y
    return Rect(x, y, width, height) if width > 0 and height > 0 else None


def inside(rect: Rect, other: Rect) -> bool:
    """Whether all of a rectangle lies in the other."""
    return (
        other.x <= rect.x
        and other.y <= rect.y
        and rect.x + rect.width <= other.x + other.width
        and rect.y + rect.height <= other.y + other.height
    )


def without(rects: Iterable[Rect], holes: Sequence[Rect]) -> list[Rect]:
    """What is left of rectangles outside of `holes`; those of one rectangle do not overlap."""
    left = list(rects)
    for hole in holes:
        pieces = list[Rect]()
        for rect in left:
            if rect.intersects(hole):
                pieces += _outside(rect, hole)
            else:
                pieces.append(rect)
        left = pieces
    return left


def joined(rects: Iterable[Rect]) -> list[Rect]:
    """The same places in fewer rectangles: those that stand one below the other are one."""
    found = list[Rect]()
    for rect in sorted(rects, key=lambda rect: (rect.x, rect.width, rect.y)):
        last = found[-1] if found else None
        if last is None or (rect.x, rect.width) != (last.x, last.width) or rect.y > last.bottom:
            found.append(rect)
        elif rect.bottom > last.bottom:
            found[-1] = last.union(rect)
    return found


def _outside(rect: Rect, hole: Rect) -> Iterator[Rect]:
    """Up to four pieces: above and below in full width, then left and right between them."""
    rect_right, rect_bottom, hole_right = rect.right, rect.bottom, hole.right
    top, bottom = max(rect.y, hole.y), min(rect_bottom, hole.bottom)
    if rect.y < top:
        yield Rect(rect.x, rect.y, rect.width, top - rect.y)
    if bottom < rect_bottom:
        yield Rect(rect.x, bottom, rect.width, rect_bottom - bottom)
    if rect.x < hole.x:
        yield Rect(rect.x, top, hole.x - rect.x, bottom - top)
    if hole_right < rect_right:
        yield Rect(hole_right, top, rect_right - hole_right, bottom - top)
