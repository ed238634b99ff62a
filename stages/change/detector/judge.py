"""The decision on one place: certain things at once, doubtful things later, noise never."""

from __future__ import annotations

import attrs
import numpy as np

from hud.detector import SLACK
from hud.pixels import Words
from hud.rect import Rect
from stages.change.detector.contents import KNOWN, WORD, Contents
from stages.change.detector.dirty import Mask, any_in_cells
from stages.change.detector.field import WINDOW
from stages.change.detector.link import underlined
from stages.change.detector.memory import BURST
from stages.change.detector.past import FLOOD
from stages.change.detector.patience import BLOCK
from stages.change.detector.pointer import MOVES
from stages.change.detector.progress import grows
from stages.change.detector.regions import MOST, Blob, blobs, bounds
from stages.change.detector.screen import cell_slices
from stages.change.detector.shapes import (
    DIALOG,
    LETTER,
    LINE,
    alarms,
    alike_rows,
    bar,
    blank,
    caret,
    changed_colours,
    end_moved,
    erased,
    fills,
    framed,
    highlighted,
    lettered,
    palette,
    sharper,
    sheet,
    tinted,
    vacant,
)
from stages.change.detector.spot import Spot
from stages.change.detector.verdict import Say, Verdict

OFTEN = 20.0
"""Seconds in which a large place that was shown more than once without coming to rest is busy."""
ON = 0.5
"""A film goes on if this share of its cells does."""
SPREAD, STIRRED, STIRS = 0.4, 0.3, 1.5
"""Things that move all over this share of a page within so many seconds, and for so long, say that
it is a slide of an advertisement."""
CLEAR = 8
"""Pixels between something that moves and what is no edge of it."""
THICK = 36
"""Pixels of a bar at most; what is higher is the side of something."""
DIGITS = 3
"""In heights of a value: what changed of a number is no wider, unless most of it did."""
ACROSS, DOWN, LIVELY = 24, 8, 0.1
"""Where so much of what lies so far around it, in heights of a value, changed within seconds, one
value more says nothing."""
RIDE = 10.0
"""Seconds that such a value waits until something is shown with which it goes."""
PLAIN, WRITING = 0.95, 40
"""What has this share of one colour, and fewer pixels of others, has nothing written on it."""


@attrs.frozen
class Judge(Contents):
    """Looks at one place of the screen and decides."""

    def decide(self, spot: Spot, time: float, painted_at: float, *, split: bool = True) -> Verdict:
        """What is to be done with this place now; `painted_at`: when much changed at once last."""
        due = self._page_due(spot, painted_at)
        if (spot.covers or self.paints(spot)) and due > time + SLACK:
            return Verdict(Say.WAIT, "much of the screen is being painted", due=due, likely=True)
        if spot.covers and self._moves_on(spot, time):
            ends = spot.born + self.options.page_bound
            if time >= ends - SLACK:
                return Verdict(Say.LEAVE, "a film goes on")
            return Verdict(Say.WAIT, "perhaps a film goes on", due=min(time + BURST, ends))
        if spot.laid and self.stirs(spot, time):
            ends = spot.born + STIRS
            if time >= ends - SLACK:
                self.past.cut(spot.born, spot.rect)
                return Verdict(Say.LEAVE, "a film goes on")
            return Verdict(Say.WAIT, "something moves on it", due=min(ends, time + STIRRED))
        without = None if spot.rested or spot.covers else self.screen.rates.background(time)
        box, mask, masked = self.screen.outstanding(spot.rect, without)
        if masked > 0.5:
            self.screen.owes(box, time)
            apart = self._apart(box, mask, time) if split else ()
            return Verdict(Say.SPLIT if apart else Say.LEAVE, "it has become background", apart)
        tight = bounds(mask)
        if tight is None:
            return Verdict(Say.LEAVE, "back to what was shown before", gone=True)
        if masked and self._ground(box, mask):
            return Verdict(Say.FORGET, "the ground of something that moves")
        tight = tight.moved(box.x, box.y)
        parts = blobs(mask, any_in_cells(mask), (box.x, box.y)) if split else []
        solid = any(each.rect.area >= DIALOG and _is_solid(each) for each in parts)
        if not solid and self._reading(spot, Blob(tight, int(np.count_nonzero(mask)))):
            return Verdict(Say.FORGET, "a table that is refreshed again and again")
        big = tight.height > 4 * LINE or tight.area > 0.03 * self.screen.area
        several = 1 < len(parts) <= MOST
        in_parts = bool(parts and spot.value) or (several and self._goes_by(spot, time))
        if big and not in_parts:
            return self._big(spot, box, mask, time)
        if several:
            return Verdict(Say.SPLIT, "several places", tuple(part.rect for part in parts))
        return self._small(spot, box, mask, tight, time)

    def _goes_by(self, spot: Spot, time: float) -> bool:
        """Whether it is the tape of a trading floor, and what came up on it or beside it."""
        if not (spot.scrolled and self.field.crowded(time)):
            return False
        return self._ebb(spot.rect, time) is not None

    def _moves_on(self, spot: Spot, time: float) -> bool:
        """Whether most of what was laid over a film has changed since, and still does.

        As another film would; what slides in comes to rest.
        """
        touched = self.screen.rates.touched[cell_slices(spot.rect)]
        changed = touched > spot.born + SLACK
        return bool(changed.mean() > ON and (touched[changed] > time - BURST).mean() > ON)

    def stirs(self, spot: Spot, time: float) -> bool:
        """Whether things move here and there on what was laid over a film: an advertisement."""
        if not self.screen.films.moves_in(spot.rect):
            return False
        touched = self.screen.rates.touched[cell_slices(spot.rect)]
        rows, columns = np.nonzero((touched > spot.born + SLACK) & (touched > time - STIRRED))
        if not rows.size:
            return False
        return bool(np.ptp(rows) * np.ptp(columns) >= SPREAD * touched.size)

    def _apart(self, box: Rect, mask: Mask, time: float) -> tuple[Rect, ...]:
        """The lines of text that changed beside background, and are no edges of it."""
        moving, width, height = self.screen.rates.background(time), *self.screen.now.shape[::-1]
        found = (blob.rect for blob in blobs(mask, any_in_cells(mask), (box.x, box.y)))
        return tuple(
            rect
            for rect in found
            if rect.height <= LINE
            and not moving[cell_slices(rect.padded(CLEAR, width, height))].any()
            and not self.screen.films.holds(rect)
            and lettered(self.screen.now[rect.slices])
        )

    def paints(self, spot: Spot) -> bool:
        """Whether it is a large part of the screen, or changed with much else."""
        return spot.page or spot.rect.area >= self.options.large * self.screen.area

    def _reading(self, spot: Spot, piece: Blob) -> bool:
        """Whether it changed as values of a table do that a machine writes again and again."""
        rect = piece.rect
        typed = spot.letter and spot.caret
        if spot.scrolled or spot.rested or typed or _is_solid(piece):
            return False
        value = spot.value and not vacant(self.screen.shown[rect.slices])
        if not self.field.reading(rect, spot.touched, value=value):
            return False
        return not self.field.strange(rect, palette(self.screen.now[rect.slices]), spot.born)

    def _ground(self, box: Rect, mask: Mask) -> bool:
        """Whether what differs is now as blank as most of its surroundings were."""
        after, before = (
            palette(self.screen.now[box.slices][mask]),
            palette(self.screen.shown[box.slices]),
        )
        other = (1 - after.max()) * np.count_nonzero(mask)
        return bool(after.max() >= PLAIN and before[after.argmax()] >= 0.3 and other < WRITING)

    def _page_due(self, spot: Spot, painted_at: float) -> float:
        quiet = max(spot.touched, painted_at) + self.options.page
        return min(quiet, spot.began + self.options.page_bound)

    def _big(self, spot: Spot, box: Rect, mask: Mask, time: float) -> Verdict:
        """A page, a dialog, a block of text: without the parts that were seen before."""
        if spot.captioned and not fills(mask, box):
            return Verdict(Say.FORGET, "background at rest")
        need = self._painting(spot, box, solid=fills(mask, box))
        if spot.changes > 1 or spot.page:
            need = self.options.page
        if spot.ticks or spot.born - self.screen.begun < self.options.young:
            need = self.options.doubt
        if not spot.scrolled:
            passes = self.past.count(spot.rect, time - 6)
            need = max(need, (0.0, 2 * self.options.rest, self.options.doubt)[min(passes, 2)])
        # What moves on and on is shown ever more seldom.
        often = 0 if spot.scrolled else self.past.count(spot.rect, time - OFTEN)
        due = min(spot.touched + need, spot.began + (1 + often) * self.options.page_bound)
        ebb = self._ebb(spot.rect, time) if spot.scrolled else None
        if ebb is not None and not (fills(mask, box) and sheet(self.screen.now[box.slices])):
            if time - spot.born >= FLOOD:
                return Verdict(Say.FORGET, "a list goes on without a pause")
            due = max(due, ebb)
        if time < due - SLACK:
            return Verdict(Say.WAIT, "it is still being painted", due=due, likely=True)
        cells, before = self.screen.seen(box, mask)
        known, new = self._share(box, cells, before)
        if known >= KNOWN and new <= WORD:
            return Verdict(Say.FORGET, "seen before in this place")
        fresh = cells & ~before if known > 0.5 else cells
        rects = [blob.rect for blob in blobs(mask, fresh, (box.x, box.y))]
        if not any(self._content(rect, time, scrolled=spot.scrolled) for rect in rects):
            return Verdict(Say.FORGET, "only tints, carets or erased text")
        rule = "new content came into view" if spot.scrolled else "new content"
        return Verdict(Say.SHOW, rule, tuple(rects))

    def _lately(self, rect: Rect, time: float) -> bool:
        """Whether it was shown a moment ago, perhaps before it was sharp."""
        begun = time - self.screen.begun < self.options.young
        return begun or self.past.touches(rect, time - self.options.young)

    def _content(self, rect: Rect, time: float, *, scrolled: bool) -> bool:
        before, after = self.screen.shown[rect.slices], self.screen.now[rect.slices]
        if scrolled and rect.width <= 24 and rect.height >= 2 * rect.width:
            return False  # the thumb of a scroll bar
        if tinted(before, after, self.options.faint) or (
            self._lately(rect, time) and sharper(before, after)
        ):
            return False
        if not scrolled and rect.height <= 4 * LINE and highlighted(before, after):
            return False
        if not scrolled and self._pointed_at(rect):
            return False
        return rect.area > LINE * LINE or not (caret(before, after) or erased(before, after))

    def _small(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        spot.follow(tight)
        if spot.small and spot.born == time:
            spot.colours = changed_colours(
                self.screen.shown[tight.slices], self.screen.now[tight.slices]
            )
        verdict = (
            self._moving(spot, box, mask, tight)
            or self._trifle(spot, tight, time)
            or self._content_of(spot, box, mask, tight, time)
        )
        if verdict.say is Say.SHOW and self._is_among_many(tight, spot.touched, time):
            return self._when_quiet(spot, time, RIDE, Say.SHOW, verdict.rule, tight)
        return verdict

    def _is_among_many(self, tight: Rect, touched: float, time: float) -> bool:
        """Whether it is a few digits where much changes, on a screen full of values that do.

        A lamp or a badge has a ground of its own, as no digit has and none of those around it.
        """
        if tight.width > DIGITS * tight.height or not self.field.crowded(time):
            return False
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        lit = palette(before).argmax() != palette(after).argmax()
        if lit and not self.field.flickers(tight, time, soon=True):
            return False
        width, height = self.screen.width, self.screen.height
        around = tight.padded(ACROSS * tight.height, width, height, down=DOWN * tight.height)
        since = max(touched - WINDOW, self.screen.begun + SLACK)
        return self.screen.rates.stirred(cell_slices(around), since) >= LIVELY

    def _moving(self, spot: Spot, box: Rect, mask: Mask, tight: Rect) -> Verdict | None:
        """A verdict if it is the pointer, or something small that moves as one does."""
        pointer, shown, now = self.screen.pointer, self.screen.shown, self.screen.now
        if spot.moves == MOVES:
            pointer.learn(shown, now, tight)
        explained = pointer.explains(shown, now, box, mask)
        if spot.moves > MOVES and not explained:
            spot.moves = 0  # by now it is known, and this is something else
        if spot.moves:
            return Verdict(Say.WAIT, "something small moves about")
        return Verdict(Say.LEAVE, "the pointer") if explained else None

    def _trifle(self, spot: Spot, tight: Rect, time: float) -> Verdict | None:
        """A verdict if nothing was written here."""
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        if caret(before, after):
            return Verdict(Say.FORGET, "a caret", gone=True)
        if self._edge_moved(before, after, tight) or self._end_moved(tight):
            return Verdict(Say.FORGET, "an edge moved")
        mark = None if spot.scrolled or spot.letter else self._mark(before, after, tight)
        if mark is not None:
            return self._when_quiet(spot, time, BLOCK, Say.FORGET, mark, tight)
        if erased(before, after) and not self._shortened(tight):
            need = self.options.page if spot.page else self.options.rest
            verdict = self._when_quiet(spot, time, need, Say.FORGET, "text was erased", tight)
            return attrs.evolve(verdict, gone=True)
        if tinted(before, after, self.options.faint) or self._pointed_at(tight):
            verdict = self._when_quiet(spot, time, self.options.rest, Say.LEAVE, "a tint")
            return attrs.evolve(verdict, easy=False)
        if self._lately(tight, time) and sharper(before, after):
            return Verdict(Say.FORGET, "the same, sharper")
        return None

    def _pointed_at(self, tight: Rect) -> bool:
        """Whether it is a tint but for the pointer that came onto it or left."""
        shown, now, faint = self.screen.shown, self.screen.now, self.options.faint
        return self.screen.pointer.is_on_tint(shown, now, tight, faint)

    def _shortened(self, tight: Rect) -> bool:
        """Whether the rest of a number stands right behind what was erased: 1 500 became 0."""
        if not LETTER <= tight.height <= LINE // 2:
            return False
        down, right = tight.slices[0], tight.right
        return not alike_rows(self.screen.now[down, right : right + tight.height // 2])

    def _mark(self, before: Words, after: Words, tight: Rect) -> str | None:
        """What was marked, if nothing but a mark on what stood there changed."""
        if bar(before, after) and not self._turned_red(before, after, tight):
            return "a bar"
        if grows(self.screen.shown, self.screen.now, tight):
            return "a bar of signs"
        if underlined(before, after):
            return "a link that the pointer is on"
        if framed(before, after):
            return "a frame around it"
        return "the same on another ground" if highlighted(before, after) else None

    def _turned_red(self, before: Words, after: Words, tight: Rect) -> bool:
        """Whether all of it is red now, rather than a red bar a piece longer."""
        if not alarms(after) or alarms(before):
            return False
        row = self.screen.now[tight.y + tight.height // 2 :][:1]
        beside = (row[:, max(0, tight.x - 2) :][:, :1], row[:, tight.right + 1 :][:, :1])
        return not any(pixel.size and alarms(pixel) for pixel in beside)

    def _end_moved(self, tight: Rect) -> bool:
        """Whether a bar that lies in this line ends elsewhere now."""
        left, right = tight.x - CLEAR // 2, tight.right + CLEAR // 2
        thick = tight.height > THICK or tight.width > LINE // 2
        if thick or left < 0 or right > self.screen.width:
            return False
        line, changed = (tight.slices[0], slice(left, right)), slice(CLEAR // 2, -CLEAR // 2)
        shown, now = self.screen.shown[line], self.screen.now[line]
        lately = now.copy()  # beside it what was shown may be long past, if it was background
        lately[:, changed] = shown[:, changed]
        return end_moved(shown, now) or end_moved(lately, now)

    def _edge_moved(self, before: Words, after: Words, tight: Rect) -> bool:
        """Whether one colour gave way to the one beside it: a bar that grows, a marker."""
        if not (blank(after) and blank(before)):  # mostly something was written
            return False
        height, width = after.shape
        old, new = before[height // 2, width // 2], after[height // 2, width // 2]
        now, middle = self.screen.now, (tight.y + height // 2, tight.x + width // 2)
        pairs = []
        for off in (2, 1):  # its edge may be smoothed, and what it grows over end right behind it
            across = [(middle[0], tight.x - off), (middle[0], tight.right + off - 1)]
            down = [(tight.y - off, middle[1]), (tight.bottom + off - 1, middle[1])]
            pairs += [across, down]
        for one, other in pairs:
            if min(one) >= 0 and other[0] < self.screen.height and other[1] < self.screen.width:
                colours = {int(now[one]) & 0xFFFFFF, int(now[other]) & 0xFFFFFF}
                if colours == {int(old) & 0xFFFFFF, int(new) & 0xFFFFFF}:
                    return True
        return False


def _is_solid(piece: Blob) -> bool:
    """Whether it was painted over what was there, rather than written anew."""
    return piece.rect.height > LINE // 2 and piece.fills
