"""Rectangles, and what is made of several: united, cut, taken out of one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs


@attrs.frozen(order=True)
class Rect:
    """A rectangle in pixels of one monitor, origin at its top left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column that is no longer inside."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row that is no longer inside."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of this rectangle in an array of shape (height, width, ...)."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def union(self, other: Rect) -> Rect:
        """Smallest rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        return Rect(x, y, right - x, bottom - y)

    def intersects(self, other: Rect) -> bool:
        """Whether the two share a pixel."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def holds(self, other: Rect) -> bool:
        """Whether the other lies inside this, give or take a few pixels."""
        near = 4
        return (
            self.x - near <= other.x
            and self.y - near <= other.y
            and other.right <= self.right + near
            and other.bottom <= self.bottom + near
        )

    def lies_mostly_in(self, other: Rect) -> bool:
        """Whether seven tenths of this are also part of the other."""
        across = min(self.right, other.right) - max(self.x, other.x)
        down = min(self.bottom, other.bottom) - max(self.y, other.y)
        return across > 0 and down > 0 and 10 * across * down >= 7 * self.area

    def moved(self, across: int, down: int) -> Rect:
        """The same rectangle elsewhere, so many pixels to the right and below."""
        return Rect(self.x + across, self.y + down, self.width, self.height)

    def grown(self, margin: int) -> Rect:
        """This rectangle with `margin` more on every side, wherever that leads."""
        more = 2 * margin
        return Rect(self.x - margin, self.y - margin, self.width + more, self.height + more)

    def padded(self, margin: int, width: int, height: int, down: int | None = None) -> Rect:
        """This rectangle grown by `margin` on every side, inside a picture of width x height.

        Above and below by `down`, where that is given.
        """
        down = margin if down is None else down
        x, y = max(0, self.x - margin), max(0, self.y - down)
        right, bottom = min(width, self.right + margin), min(height, self.bottom + down)
        return Rect(x, y, max(0, right - x), max(0, bottom - y))


def together(rects: Sequence[Rect], distance: int = 0) -> tuple[Rect, ...]:
    """Unite rectangles that overlap or come closer than `distance`, until none do."""
    if len(rects) < 2:
        return tuple(rects)
    waiting, done = sorted(rects), list[Rect]()
    while waiting:
        rect = waiting.pop()
        reach = rect.grown(distance)
        near = [other for other in done if reach.intersects(other)]
        if near:
            for other in near:
                done.remove(other)
                rect = rect.union(other)
            waiting.append(rect)
        else:
            done.append(rect)
    return tuple(sorted(done, key=lambda rect: (rect.y, rect.x)))


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
