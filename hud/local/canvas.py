"""One standing picture per screen, put together from close-ups; it knows what in it is new."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import cv2
import numpy as np

from hud.local import ink, scroll
from hud.local.ink import Gray, Mask
from hud.local.reader import Bgr
from hud.local.scroll import Move
from hud.rect import Rect

_LEAST_PIXELS = 4
MARGIN = 3
"""Columns and rows of background around the picture of a row."""
_FULL_SCALE = 0.9
_TALL_ENOUGH = 24  # rows; below there is no telling a scroll from other words


@attrs.frozen(eq=False)
class Piece:
    """A picture and the part of the screen that it shows, in the screen's pixels."""

    rect: Rect
    picture: Bgr
    scale: float = 1.0
    """Pixels as sent for one of the screen; `picture` itself is as large as `rect`."""

    def clipped(self, width: int, height: int) -> Piece:
        """The part that lies on a screen of width x height."""
        inside = _common(self.rect, Rect(0, 0, width, height))
        part = self.picture[_within(inside, self.rect).slices]
        return Piece(inside, part, self.scale)


@attrs.frozen(eq=False)
class News:
    """What one look brought: first the moves happened, then the marked pixels were drawn anew."""

    moves: tuple[Move, ...]
    fresh: Mask
    """Of the whole screen."""

    @property
    def exposed(self) -> tuple[Rect, ...]:
        """Where the moves let something come into view, be it like what stood there or not."""
        return tuple(move.exposed for move in self.moves)

    def touches(self, rect: Rect) -> bool:
        """Whether a row of text inside `rect` was drawn anew.

        The outermost pixels do not count: there the neighbouring rows shine in.
        """
        rim = 2 if rect.height >= 8 else 0
        inside = attrs.evolve(rect, y=rect.y + rim, height=rect.height - 2 * rim)
        return cv2.countNonZero(self.fresh[inside.slices]) >= _LEAST_PIXELS or any(
            _holds_middle(place, rect) for place in self.exposed
        )


class Canvas:
    """What one screen looks like, as far as it was shown; `width` and `height` in its pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._picture: Bgr = np.zeros((height, width, 3), np.uint8)
        self._seen: Gray = np.zeros((height, width), np.uint8)
        """As it was when it was last believed to have changed, so that slow fading is noticed."""
        self._known: Mask = np.zeros((height, width), np.uint8)
        """Where anything was ever shown."""

    def look(self, pieces: Sequence[Piece]) -> News:
        """Take in close-ups; one below full size is believed only where it differs."""
        fresh = np.zeros((self.height, self.width), np.uint8)
        for piece in sorted(pieces, key=lambda piece: -piece.scale):
            self._take(piece, fresh)
        regions = ink.boxes(fresh, 40, 32, _LEAST_PIXELS)
        moves = [move for group in _abreast(regions) for move in self._moves(group, fresh)]
        drawn = fresh > 0
        self._seen[drawn] = _gray(self._picture)[drawn]
        return News(tuple(moves), fresh)

    def rows(self, news: News, places: Sequence[Rect]) -> list[Rect]:
        """Whole rows of text that were drawn anew, or that reach into `places`."""
        top, bottom = self._span(news, places)
        found = ink.rows(_gray(self._picture[top:bottom]))
        found = [attrs.evolve(row, y=row.y + top) for row in found]
        rows = [row for row in found if news.touches(row) or _reaches(row, places)]
        for row in rows:
            self._seen[row.slices] = _gray(self._picture[row.slices])
        return rows

    def cut(self, rows: Sequence[Rect]) -> list[Bgr]:
        """The pictures of some rows, `MARGIN` pixels wider on each side, without window borders."""
        if not rows:
            return []
        top = max(0, min(row.y for row in rows) - 64)
        bottom = min(self.height, max(row.bottom for row in rows) + 64)
        borders = ink.rules(_gray(self._picture[top:bottom]))
        return [self._cut(row, borders, top) for row in rows]

    def _cut(self, row: Rect, borders: Mask, top: int) -> Bgr:
        # no rows more than needed: a bit of a caret below makes a y of a v
        left, right = min(2, row.x), min(2, self.width - row.right)
        part = Rect(row.x - left, row.y, row.width + left + right, row.height)
        pixels = self._picture[part.slices].copy()
        background = np.median(pixels[:, ::2].reshape(-1, 3), axis=0)
        pixels[borders[attrs.evolve(part, y=part.y - top).slices] > 0] = background
        cut = np.full((row.height + 2 * MARGIN, row.width + 2 * MARGIN, 3), background, np.uint8)
        at = Rect(MARGIN - left, MARGIN, part.width, part.height)
        cut[at.slices] = pixels
        return cut

    def _take(self, piece: Piece, fresh: Mask) -> None:
        piece = piece.clipped(self.width, self.height)
        place = piece.rect.slices
        if not piece.rect.area:
            return
        old, new = self._seen[place], _gray(piece.picture)
        changed = scroll.differs(_blurred(old, piece.scale), new)
        changed[self._known[place] == 0] = 255
        believed = changed > 0 if piece.scale < _FULL_SCALE else np.ones(changed.shape, np.bool_)
        self._picture[place][believed] = piece.picture[believed]
        self._known[place] = 255
        fresh[place] |= changed

    def _moves(self, regions: Sequence[Rect], fresh: Mask) -> list[Move]:
        """How regions side by side moved: as one, else each by itself."""
        around = regions[0]
        for region in regions[1:]:
            around = around.union(region)
        whole = self._move(around, fresh)
        if whole is not None:
            return [whole]
        moves = [self._move(region, fresh) for region in regions] if len(regions) > 1 else []
        return [move for move in moves if move is not None]

    def _move(self, region: Rect, fresh: Mask) -> Move | None:
        if region.height < _TALL_ENOUGH:
            return None
        old, new = self._seen[region.slices].copy(), _gray(self._picture[region.slices])
        found = scroll.find(old, new)
        if found is None:
            return None
        now, seen = found.block, self._seen[region.slices]
        seen[now.slices] = old[now.y + found.up : now.bottom + found.up]
        fresh[region.slices] = scroll.differs(seen, new)
        block = attrs.evolve(now, x=region.x, y=region.y + now.y)
        return Move(block, found.up)

    def _span(self, news: News, places: Sequence[Rect]) -> tuple[int, int]:
        """First and last row of pixels in which there may be anything to read."""
        drawn = np.flatnonzero(news.fresh.any(axis=1)).tolist()
        rims = [edge for rect in (*places, *news.exposed) for edge in (rect.y, rect.bottom)]
        edges = [*drawn[:1], *drawn[-1:], *rims] or [0]
        return max(0, min(edges) - 48), min(self.height, max(edges) + 48)


def _abreast(regions: Sequence[Rect]) -> list[list[Rect]]:
    """Groups of regions side by side: of lines like one another only columns change in a scroll."""
    groups = list[list[Rect]]()
    for region in sorted(regions, key=lambda region: -region.height):
        group = next((group for group in groups if _level(group[0], region)), None)
        if group is None or region.height < _TALL_ENOUGH:
            groups.append([region])
        else:
            group.append(region)
    return groups


def _level(one: Rect, other: Rect) -> bool:
    overlap = min(one.bottom, other.bottom) - max(one.y, other.y)
    return overlap >= 0.8 * min(one.height, other.height)


def _gray(picture: Bgr) -> Gray:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _blurred(old: Gray, scale: float) -> Gray:
    """What is left of a picture that was sent at `scale` and enlarged again."""
    if scale >= _FULL_SCALE:
        return old
    height, width = old.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(old, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def _common(one: Rect, other: Rect) -> Rect:
    x, y = max(one.x, other.x), max(one.y, other.y)
    right, bottom = min(one.right, other.right), min(one.bottom, other.bottom)
    return Rect(x, y, max(0, right - x), max(0, bottom - y))


def _within(inner: Rect, outer: Rect) -> Rect:
    return inner.moved(-outer.x, -outer.y)


def _holds_middle(place: Rect, rect: Rect) -> bool:
    middle = rect.y + rect.height / 2
    return place.y <= middle < place.bottom and place.x < rect.right and rect.x < place.right


def _reaches(row: Rect, places: Sequence[Rect]) -> bool:
    return any(_holds_middle(place, row) for place in places)
