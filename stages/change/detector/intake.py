"""Sorts what changed in one frame: background, movement, carets, and places to judge."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import attrs
import numpy as np

from hud.pixels import Words
from hud.rect import Rect, common, together
from stages.change.detector.chart import moves_on
from stages.change.detector.dirty import CELL, Indices, Mask, any_in_cells, places
from stages.change.detector.field import COLUMN, Field
from stages.change.detector.film import EDGE
from stages.change.detector.memory import BURST
from stages.change.detector.options import Limits
from stages.change.detector.past import Past
from stages.change.detector.progress import gone
from stages.change.detector.regions import Blob, blobs, clusters
from stages.change.detector.screen import Screen, cell_slices, cells_in
from stages.change.detector.scroll import Shift, find_shift, follow, uncover
from stages.change.detector.shapes import (
    DIALOG,
    LETTER,
    LINE,
    blank,
    by_line,
    caret,
    caret_moved,
    fills,
    lettered,
    lines,
    nudged,
    palette,
    ruled,
    sharper,
    sheet,
    vacant,
    written,
)
from stages.change.detector.spot import Spot

PIECES = 8
"""When so many places change in one frame, a page is being painted."""
Cells = tuple[slice, slice]
"""Index of a rectangle of cells."""

CARET = 3 * CELL
"""Pixels of background that a caret makes at most, as it lies across cells."""
CARETS = 4
"""Carets that may go in a moment."""
SIGN, SIGNS = 10, 4
"""Pixels that a sign is high and about wide at least; of so many at once none says anything."""
ONCE = 10.0
"""Seconds in which one place gets no second sign: what has gone out of its colours does so on."""
STILL = 0.5
"""Share of the background below a dialog that stood still."""
AGAIN, SHARED = 60.0, 2
"""Seconds in which a place that was shown as a whole shows no dialog; a page that takes the place
of a film may come once more than so often."""
MOVING = 0.2
"""Where less than this share of what lies around is background, nothing is part of a film."""
FLAT = 0.3
"""Share of one colour in what changes when a page takes the place of a film."""
BLOTCH = 1024
"""Pixels that parts of a compressed picture have at least."""
BAND = 2**14
"""Pixels of a band of them."""
BESIDE = 400
"""Pixels between two columns of values that may be of the same lines of text."""
HULL = 100
"""Pieces with less than twice this between them, up or down, may be parts of a list that moved."""


@attrs.define
class Intake:
    """Takes in the pixels of one frame after the other and keeps the places to judge."""

    screen: Screen
    options: Limits
    field: Field
    past: Past
    spots: list[Spot] = attrs.field(factory=list)
    painted_at: float = -1e6
    """When many places changed at once last."""
    carets: deque[tuple[float, tuple[slice, slice]]] = attrs.field(
        factory=lambda: deque(maxlen=CARETS)
    )
    """When and in which cells carets came or went last."""
    scrolled: list[tuple[Rect, int]] = attrs.field(factory=list)
    """What moved with the last frame, and by how many rows; positive is down."""

    def take(self, new: Words, time: float, *, woken: bool = False) -> None:
        """Take in a frame whose difference to the one before is in `screen.difference`."""
        screen, difference = self.screen, self.screen.difference
        self.scrolled.clear()
        box, origin = _around(difference.changed)  # nothing beyond it is looked at
        mask, cells = difference.mask[_pixels(box)], difference.cells[box]
        restless = screen.rates.background(time)
        noise, strange = self._background(new, box, restless, time)
        fresh = cells & ~restless[box]
        screen.films.count(*difference.changed, time)
        pieces = self._still(new, blobs(mask, fresh, origin), time)
        hulls = self._movements(new, pieces)
        for hull, (_, distance) in zip(hulls, self.scrolled, strict=True):
            self.past.scroll(time, hull, down=distance > 0)
        high = np.count_nonzero(cells.any(axis=1)) >= COLUMN  # else it is no column of values
        if high and np.count_nonzero(cells) * CELL * CELL < self.options.large * screen.area:
            self.field.volley(time, self._values(hulls))
        if hulls:
            fresh = cells & ~restless[box]
            pieces = self._still(new, blobs(mask, fresh, origin), time)
        pieces = [p for p in pieces if not any(spot.rect.holds(p.rect) for spot in strange)]
        placed = [self._place(new, piece, noise, hulls, time) for piece in pieces]
        found = [spot for spot in placed if spot is not None]
        for spot in found:
            spot.woken = woken
        self._together(found + strange, fresh, time)
        screen.take(new, time)

    def _background(
        self, new: Words, box: Cells, restless: Mask, time: float
    ) -> tuple[list[Rect], list[Spot]]:
        """Count what moves in the background; return the parts that move, and strange values.

        `box` holds all cells that changed.
        """
        difference = self.screen.difference
        cells = difference.cells[box] & restless[box]
        rows, columns = places(cells)
        if not rows.size:
            return [], []
        rows, columns = rows + box[0].start, columns + box[1].start
        sheets = self._sheets(new, box, rows, columns, time)
        self.screen.owing[rows, columns] = True
        self.screen.learn_hues(rows, columns)
        self.screen.rates.count(rows, columns, time)
        moving = [rect for rect in clusters(restless) if _any_in(rect, rows, columns)]
        values = blobs(difference.mask[_pixels(box)], cells, _origin(box))
        strange = [spot for value in values for spot in self._strange(new, value.rect, time)]
        stopped = sheets or strange or self._stops(new, values, time)
        return moving, stopped or self._ended(new, values, time)

    def _ended(self, new: Words, values: list[Blob], time: float) -> list[Spot]:
        """Live lines that changed as the bar above or below them went: a download is complete."""
        if self.field.crowded(time):
            return []
        screen, width, height = self.screen, self.screen.width, self.screen.height
        ended: list[Spot] = []
        for line in (line for value in values for line in self._lines(value.rect)):
            known = any(spot.rect.intersects(line) for spot in ended)
            if known or not SIGN <= line.height <= LINE / 2 or screen.films.holds(line):
                continue
            around = line.padded(BESIDE, width, height, down=LINE // 2)
            at = around.slices
            bar = gone(screen.now[at], new[at], screen.difference.mask[at])
            if bar is not None and lettered(new[line.slices]):
                whole = line.union(bar.moved(around.x, around.y))
                rect = attrs.evolve(whole, y=line.y, height=line.height)
                rect = rect.padded(CELL, width, height)
                ended.append(Spot(rect, time, time, time, 2, rested=True, ended=True, whole=whole))
        return ended

    def _stops(self, new: Words, values: list[Blob], time: float) -> list[Spot]:
        """Signs in colours that their place never had: a spinner became a tick."""
        signs = [
            value.rect
            for value in values
            if SIGN <= value.rect.height <= LINE / 2
            and abs(value.rect.width - value.rect.height) <= 0.3 * value.rect.height
            and not self.screen.films.holds(value.rect)
            and not self.past.touches(value.rect, time - ONCE)
            and self.screen.strange(new, value.rect, value.rect)
        ]
        if len(signs) > SIGNS:
            return []
        return [Spot(rect, time, time, time, changes=2, rested=True) for rect in signs]

    def _sheets(
        self, new: Words, box: Cells, rows: Indices, columns: Indices, time: float
    ) -> list[Spot]:
        """What was laid over background that changes in these cells of `box`."""
        stood = time - self.screen.rates.touched[rows, columns] > BURST
        still = bool(stood.sum() * CELL * CELL >= DIALOG and stood.mean() > STILL)
        large = rows.size * CELL * CELL >= DIALOG
        if not (still or (large and palette(new[_pixels(box)]).max() >= FLAT)):
            return []
        difference = self.screen.difference
        pieces = blobs(difference.mask[_pixels(box)], difference.cells[box], _origin(box))
        over = [piece.rect for piece in pieces if self._covers(new, piece, time, still=still)]
        return [
            Spot(rect, time, time, time, whole=rect, rested=True, laid=still, covers=not still)
            for rect in over
        ]

    def _covers(self, new: Words, piece: Blob, time: float, *, still: bool) -> bool:
        """Whether something with writing on it was laid over what was there: a dialog, a page.

        What comes and goes as a whole again and again is an advertisement.
        """
        rect = piece.rect
        large = rect.height > LINE and rect.area >= DIALOG
        if not (
            large and piece.fills and (still or self._moved(rect, time)) and sheet(new[rect.slices])
        ):
            return False
        return self.past.count(rect, time - AGAIN) <= (0 if still else SHARED)

    def _moved(self, rect: Rect, time: float) -> bool:
        """Whether most of a place moved until now, as a film does."""
        touched = self.screen.rates.touched[cell_slices(rect)]
        return bool((time - touched <= BURST).mean() > STILL)

    def _still(self, new: Words, pieces: list[Blob], time: float) -> list[Blob]:
        """The pieces that are not part of a film, or are written in it."""
        films = self.screen.films
        still = []
        for piece in pieces:
            if films.holds(piece.rect) and not self._told_apart(new, piece.rect):
                at = cells_in(piece.rect, self.screen.difference.cells)
                self.screen.rates.move(*at, time)
                self.screen.owing[at] = True
            else:
                still.append(piece)
        return still

    def _told_apart(self, new: Words, rect: Rect) -> bool:
        """Whether it is writing on a film, or a caret in a still corner of one."""
        before, after = self.screen.now[rect.slices], new[rect.slices]
        return lettered(after) or (rect.width < EDGE and caret(before, after))

    def _strange(self, new: Words, rect: Rect, time: float) -> list[Spot]:
        """A background value of a kind that the values around it never were."""
        if rect.height > 2 * LINE or rect.area > DIALOG:
            return []
        colours = palette(new[rect.slices][self.screen.difference.mask[rect.slices]])
        if rect.height <= LINE and lettered(new[rect.slices]):
            self.field.add(time, rect, colours)
        flickers = self.field.flickers(rect, time) and self.field.strange(rect, colours, time)
        if flickers and lettered(new[rect.slices]):
            return [Spot(rect, time, time, time, whole=rect, rested=True, value=True)]
        return []

    # Movement -------------------------------------------------------------------------------

    def _movements(self, new: Words, pieces: list[Blob]) -> list[Rect]:
        """Find lists that scrolled, and take what the movement explains out of the difference."""
        hulls: list[Rect] = []
        for hull in abreast(columns(pieces)):
            if hull.height < 32 or hull.area < 0.004 * self.screen.area:
                continue
            shift = find_shift(new, self.screen.now, hull)
            if shift is not None:
                hulls.append(self._scroll(new, shift))
        return hulls

    def _scroll(self, new: Words, shift: Shift) -> Rect:
        """Move along what was shown; return where things moved or came into view."""
        screen, rect = self.screen, shift.rect
        mask = screen.difference.mask
        changed = mask[rect.slices]
        moved = follow(screen.shown, new, screen.now, shift)
        strip, came = _strip(shift, moved & changed)
        changed &= ~moved
        uncover(screen.shown, new, strip, mask[strip.slices])
        mask[came.slices] |= uncover(screen.shown, new, came, np.ones_like(mask[came.slices]))
        rows, _ = cell_slices(rect)
        screen.difference.cells[rows] = any_in_cells(mask[rows.start * CELL : rows.stop * CELL])
        for spot in self.spots:
            if strip.intersects(spot.rect) and spot.rect.area < 2 * strip.area:
                # It did not leave what moved, or it would grow with each movement to and fro.
                top = max(0, spot.rect.y + shift.distances[0])
                there = common(attrs.evolve(spot.rect, y=top), strip)
                spot.rect = spot.rect if there is None else spot.rect.union(there)
                spot.size = None
        self.scrolled.append((strip, shift.distances[0]))
        return strip

    # Places ---------------------------------------------------------------------------------

    def _place(
        self, new: Words, piece: Blob, noise: list[Rect], hulls: list[Rect], time: float
    ) -> Spot | None:
        screen, rect = self.screen, piece.rect
        if ruled(screen.difference.mask[rect.slices], piece.pixels):
            screen.accept_changed(rect, new)
            return None
        before, after = screen.now[rect.slices], new[rect.slices]
        host = next((box for box in noise if self._belongs(new, rect, box, time)), None)
        at = cells_in(rect, screen.difference.cells)
        if host is not None:
            screen.rates.count(*at, time)
            screen.rates.join(at, cells_in(host, screen.difference.cells), time)
            screen.owing[at] = True
            return None
        if rect.area <= 2 * LINE * LINE and caret(before, after):
            self._caret(rect, time, moved=caret_moved(before))
            return None
        spot = Spot(
            rect,
            time,
            time,
            time,
            whole=rect,
            again=self._moved_before(at, time),
            scrolled=any(hull.intersects(rect) for hull in hulls),
        )
        large = rect.area >= self.options.large * screen.area
        refined = self._refined(before, after, at, time)
        if not (spot.scrolled or refined):
            screen.rates.count(*at, time)
        if large:
            screen.rates.painted[at] = time
        elif rect.height <= LINE:
            narrow, on = rect.width <= 2.5 * rect.height, self._goes_on(rect, time)
            spot.letter = ((narrow or on) and written(before, after)) or (on and blank(before))
            spot.value = not (spot.letter or blank(before))
            if spot.value and not (spot.again or spot.scrolled or vacant(before)):
                spot.flickers = self._flickers(rect, after, time)
        return spot

    def _refined(
        self, before: Words, after: Words, at: tuple[Indices, Indices], time: float
    ) -> bool:
        """Whether a place was only sent again, sharper or less so, as a remote desktop does.

        That does not make it restless: what is written there is still news. Of a large place three
        bands tell.
        """
        if after.size < BLOTCH or not self.screen.rates.counted(*at, time - AGAIN):
            return False
        height = len(after)
        rows = min(height, max(16, BAND // after.shape[1]))
        tops = sorted({0, (height - rows) // 2, height - rows})
        return all(sharper(before[top : top + rows], after[top : top + rows]) for top in tops)

    def _goes_on(self, rect: Rect, time: float) -> bool:
        """Whether it stands at the end of a line that is being written and has not been shown."""
        before = attrs.evolve(rect, x=rect.x - rect.height - 8, width=rect.height)
        return any(
            spot.letter and time - spot.touched <= BURST and spot.rect.intersects(before)
            for spot in self.spots
        )

    def _belongs(self, new: Words, rect: Rect, noise: Rect, time: float) -> bool:
        """Whether a change is part of background that changes beside it in the same frame."""
        if noise.height > LINE:
            belongs = self._goes_with(new, rect, noise, time)
        else:
            level = rect.y >= noise.y - 6 and rect.bottom <= noise.bottom + 6
            gap = max(rect.x - noise.right, noise.x - rect.right)
            line = attrs.evolve(noise, y=rect.y, height=rect.height)
            lit = self.screen.rates.background(time)[cell_slices(line)].any(axis=0).sum() * CELL
            near = gap <= max(8, 0.6 * min(noise.height, rect.height))
            belongs = level and near and rect.width <= 1.5 * lit + 8
            before = self.screen.now[rect.slices]
            belongs |= level and rect.intersects(noise) and nudged(before, new[rect.slices])
            beside_caret = lit <= CARET and rect.height >= LETTER
            if beside_caret and written(before, new[rect.slices]):
                return False  # a letter beside a caret that has blinked for long
        if not belongs or self._strange(new, rect, time):
            return False
        return rect.height > LINE or not self.screen.strange(new, rect, noise.union(rect))

    def _goes_with(self, new: Words, rect: Rect, noise: Rect, time: float) -> bool:
        """Whether a change goes on from a film, or from a curve that moves on as a whole."""
        width, height = self.screen.width, self.screen.height
        box, around = noise.padded(8, width, height), rect.padded(LINE, width, height)
        near = common(box, around) if box.intersects(rect) else None
        # A film is no rectangle, and what stands in a corner of the one around it is not in it;
        # nor is what stands in a frame that lights up now and then.
        if near is None or self.screen.rates.background(time)[cell_slices(near)].mean() < MOVING:
            return False
        if self._reaches_in(new, rect, time):
            return False
        both = noise.union(rect)
        whole = both.padded(0, width, height).slices
        return both.area <= 1.1 * noise.area or moves_on(self.screen.now[whole], new[whole])

    def _reaches_in(self, new: Words, rect: Rect, time: float) -> bool:
        """Whether it is as large as a dialog, and most of it stands where nothing moved."""
        if rect.area < DIALOG:
            return False
        if self.screen.rates.background(time)[cell_slices(rect)].mean() > STILL:
            return False
        return fills(self.screen.difference.mask[rect.slices], rect) and sheet(new[rect.slices])

    def _moved_before(self, at: tuple[Indices, Indices], time: float) -> bool:
        """Whether these cells changed a moment ago in more than a caret that went for a letter."""
        touched = self.screen.rates.touched[at]
        lately = touched >= time - BURST
        for moment, (rows, columns) in self.carets:
            here = (at[0] >= rows.start) & (at[0] < rows.stop)
            here &= (at[1] >= columns.start) & (at[1] < columns.stop)
            lately &= ~(here & (touched == moment))
        return bool(lately.any())

    def _values(self, hulls: list[Rect]) -> list[tuple[Rect, int]]:
        """The groups of cells that changed in this frame where they are, with the lines in each."""
        mask, height, width = self.screen.difference.mask, self.screen.height, self.screen.width
        found = clusters(self.screen.difference.cells)
        still = [rect for rect in found if not any(hull.intersects(rect) for hull in hulls)]
        return [(rect, lines(mask[rect.padded(0, width, height).slices])) for rect in still]

    def _flickers(self, rect: Rect, after: Words, time: float) -> bool:
        """Note a changed value; return whether it is one of many, and none of a new kind."""
        among = True
        for line in self._lines(rect):
            now = after[line.y - rect.y : line.bottom - rect.y]
            colours = palette(now)
            if lettered(now):
                self.field.add(time, line, colours)
            among &= self.field.flickers(line, time) and not self.field.strange(line, colours, time)
        return among

    def _lines(self, rect: Rect) -> list[Rect]:
        """The lines of a value: neighbours of one column that changed at once are two values."""
        return by_line(self.screen.difference.mask[rect.slices], rect)

    def _caret(self, rect: Rect, time: float, *, moved: bool) -> None:
        self.carets.append((time, cell_slices(rect)))
        for spot in self.spots:
            if spot.near(rect):
                spot.caret = True
                if moved:
                    spot.paused, spot.due = True, time

    def _together(self, found: list[Spot], fresh: Mask, time: float) -> None:
        """Mark what the places of one frame say about each other, and unite them with the old."""
        area = np.count_nonzero(fresh) * CELL * CELL
        steady = [spot for spot in found if not spot.flickers]
        for spot in found:
            if spot.flickers:
                self.field.doubt(self._lines(spot.rect), time, time)
        page = bool(len(steady) >= PIECES or area >= self.options.large * self.screen.area)
        typing = [spot for spot in found if spot.letter]
        if page:
            self.painted_at = time
        for spot in steady:
            spot.page = page
            spot.follows = bool(typing) and not spot.letter
            self._unite(spot)

    def unite_twins(self) -> None:
        """Make one of places that are the same by now: lists that move on leave them behind."""
        first: dict[Rect, Spot] = {}
        for spot in self.spots:
            twin = first.setdefault(spot.rect, spot)
            if twin is not spot:
                twin.swallow(spot)
        if len(first) < len(self.spots):
            self.spots = list(first.values())

    def _unite(self, spot: Spot) -> None:
        most = self.options.large * self.screen.area
        for old in [old for old in self.spots if old.takes(spot)]:
            if (spot.scrolled or old.scrolled) and not _close(old.rect, spot.rect, most):
                continue
            spot.swallow(old)
            self.spots.remove(old)
        self.spots.append(spot)


def _close(one: Rect, other: Rect, most: float) -> bool:
    """Whether what lies between two places is not much, or they fill what is around them."""
    both = one.union(other).area
    return both <= most or 4 * (one.area + other.area) >= 3 * both


def _around(cells: tuple[Indices, Indices]) -> tuple[Cells, tuple[int, int]]:
    """The rectangle around cells, and its left upper corner in pixels."""
    (top, bottom), (left, right) = ((int(each.min()), int(each.max()) + 1) for each in cells)
    return (slice(top, bottom), slice(left, right)), (left * CELL, top * CELL)


def _origin(cells: Cells) -> tuple[int, int]:
    """The left upper corner of cells in pixels."""
    down, along = cells
    return along.start * CELL, down.start * CELL


def _pixels(cells: Cells) -> Cells:
    """The index of the pixels of cells."""
    down, along = (slice(each.start * CELL, each.stop * CELL) for each in cells)
    return down, along


def _any_in(rect: Rect, rows: Indices, columns: Indices) -> bool:
    """Whether one of these cells lies in a rectangle of pixels."""
    down, along = cell_slices(rect)
    inside = (rows >= down.start) & (rows < down.stop)
    return bool((inside & (columns >= along.start) & (columns < along.stop)).any())


def columns(pieces: list[Blob]) -> tuple[Rect, ...]:
    """Rectangles around pieces that stand over one another."""
    tall = [
        attrs.evolve(piece.rect, y=piece.rect.y - HULL, height=piece.rect.height + 2 * HULL)
        for piece in pieces
    ]
    return tuple(
        attrs.evolve(rect, y=rect.y + HULL, height=rect.height - 2 * HULL)
        for rect in together(tall, 16)
    )


def abreast(hulls: Sequence[Rect]) -> tuple[Rect, ...]:
    """The rectangles, those of one height side by side in one.

    Of lines that are like one another a scroll changes a few columns, and none says so alone.
    """
    joined: list[Rect] = []
    for hull in sorted(hulls, key=lambda rect: rect.x):
        beside = next((other for other in joined if _level(hull, other)), None)
        if beside is None:
            joined.append(hull)
        else:
            joined[joined.index(beside)] = beside.union(hull)
    return tuple(joined)


def _level(one: Rect, other: Rect) -> bool:
    """Whether two columns reach from the same line to the same line, as lines of text are long."""
    gap = max(one.x, other.x) - min(one.right, other.right)
    return gap <= BESIDE and abs(one.y - other.y) <= LINE and abs(one.bottom - other.bottom) <= LINE


def _strip(shift: Shift, moved: Mask) -> tuple[Rect, Rect]:
    """The part of a rectangle in which something moved, and as far again; of it, what came in view.

    What the latter has in common with what stood there is new as well.
    """
    rect, rows, columns = shift.rect, *(np.flatnonzero(moved.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return attrs.evolve(rect, height=0), attrs.evolve(rect, height=0)
    reach = max(abs(distance) for distance in shift.distances)
    first, last = int(rows[0]), int(rows[-1]) + 1
    top, bottom = max(0, first - reach), min(rect.height, last + reach)
    left, right = max(0, int(columns[0]) - LINE), min(rect.width, int(columns[-1]) + 1 + LINE)
    strip = Rect(rect.x + left, rect.y + top, right - left, bottom - top)
    begin, end = (last, bottom) if shift.distances[0] < 0 else (top, first)
    return strip, attrs.evolve(strip, y=rect.y + begin, height=end - begin)
