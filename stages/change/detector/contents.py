"""What a small change is: a value, writing, what a scroll brought, background that stopped."""

from __future__ import annotations

import attrs
import numpy as np

from hud.detector import SLACK
from hud.rect import Rect
from stages.change.detector.dirty import Mask
from stages.change.detector.patience import BLOCK, Patience
from stages.change.detector.screen import cell_slices
from stages.change.detector.shapes import (
    DIALOG,
    LINE,
    by_line,
    fills,
    found_in,
    lettered,
    on_a_line,
    one_word,
    palette,
    plain_inside,
    sheet,
    strongest,
    textual,
    vacant,
    without_caret,
    written,
)
from stages.change.detector.spot import Spot
from stages.change.detector.verdict import Say, Verdict

WIDE = 2.5
"""Text this many times wider than high is more than the letters of one frame."""
CAPTION, PITCH = 5, 3
"""In heights of a line: one that rolls up is as wide at least, and came from no farther below."""
OBJECT = 32
"""What is higher is a thing and no number."""
FOREIGN = 0.2
"""Share of a film that has the colour of its ground at least."""
SLIDE = 3.0
"""Seconds in which the words of a slide come up, and do not stand in a film by themselves."""
CRISP = 100
"""Levels. Text that appears at once is at least this strong; the first step of a fade is not."""

KNOWN = 0.85
"""A place of which this share was seen before shows nothing new."""
STILL = 20.0
"""Seconds at most, after those it used to take, until a value has taken its last state."""
FEW = 2
"""So few letters do not say how fast somebody types."""
AGAIN, TWICE = 60.0, 2
"""Within so many seconds, what came and went so often is expected to come again."""
WORD = 4
"""Cells that hold less than a word."""


@attrs.frozen
class Contents(Patience):
    """The verdict on something small in which something is written."""

    def _content_of(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        if spot.scrolled:
            return self._came_into_view(spot, box, mask, tight, time)
        if spot.rested and not (spot.laid or spot.covers):
            return self._rested(spot, mask, tight, time)
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        typed = spot.letter and not spot.value and tight.height <= LINE  # where a caret stood
        if self._rolled_up(tight):
            return Verdict(Say.FORGET, "a line that moved up")
        if (typed or written(before, after)) and tight.height <= 2 * LINE:
            return self._writing(spot, box, mask, tight, time)
        return self._value(spot, box, mask, tight, time)

    def _rolled_up(self, tight: Rect) -> bool:
        """Whether the line was shown below and went from there: captions that roll up in grey.

        What stands there still is another row that reads alike.
        """
        height = tight.height
        if not LINE // 6 <= height <= LINE // 2 or tight.width < CAPTION * height:
            return False
        reach = min(PITCH * height, self.screen.height - tight.bottom)
        below = attrs.evolve(tight, y=tight.bottom, height=reach)
        before, after = self.screen.shown[below.slices], self.screen.now[below.slices]
        if np.array_equal(before, after):  # soon told: nothing went from below most lines
            return False
        line = self.screen.now[tight.slices]
        return found_in(line, before) and not found_in(line, after)

    def _crisp(self, tight: Rect) -> bool:
        return strongest(self.screen.shown[tight.slices], self.screen.now[tight.slices]) >= CRISP

    def _known(self, box: Rect, mask: Mask) -> tuple[float, int]:
        """How much of what differs, blank ground aside, was seen before in this place.

        The share, and the number of cells that are new.
        """
        return self._share(box, *self.screen.seen(box, mask))

    def _share(self, box: Rect, cells: Mask, before: Mask) -> tuple[float, int]:
        """The same of cells that differ, of which some were seen before."""
        if not before.any():
            return 0.0, int(np.count_nonzero(cells))
        ink = cells & self.screen.inked(box)
        told = ink if ink.any() else cells
        count, old = int(told.sum()), int((before & told).sum())
        return old / max(1, count), count - old

    def _came_into_view(
        self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float
    ) -> Verdict:
        known, new = self._known(box, mask)
        if known >= KNOWN and new <= WORD:
            return Verdict(Say.FORGET, "seen before in this place")
        if tight.area < 150 or min(tight.width, tight.height) < 5:
            return Verdict(Say.FORGET, "an edge of something that moved")
        ebb = self._ebb(tight, time)
        if ebb is not None and time < ebb - SLACK:
            return Verdict(Say.WAIT, "a list goes on without a pause", due=ebb)
        if tight.height <= LINE / 2 and tight.width <= 2.5 * tight.height:
            rule, need = "a trifle beside something that moved", self.options.doubt
            return attrs.evolve(
                self._when_quiet(spot, time, need, Say.SHOW, rule, tight), easy=True
            )
        rule = "new content came into view"
        need = max(BLOCK, self._watched(spot, tight, time))
        if spot.again or spot.changes > 1:  # it slides into view, or much is written at once
            need = min(self.options.page, spot.began + self.options.bound - spot.touched)
        return self._when_quiet(spot, time, need, Say.SHOW, rule, tight)

    def _ebb(self, rect: Rect, time: float) -> float | None:
        """Until when the list in which this is may go on; None: nothing goes on."""
        return self.past.flood(rect, soon=self.field.crowded(time))

    def _rested(self, spot: Spot, mask: Mask, tight: Rect, time: float) -> Verdict:
        """Inside background: a value of a strange kind, or a line of text that stands still."""
        if spot.value:
            need = self.options.confirm
            return self._when_quiet(spot, time, need, Say.SHOW, "a value unlike the others", tight)
        if not spot.captioned:
            return self._stopped(spot, tight, time)
        if self.past.was_cut(tight, time - SLIDE):
            return Verdict(Say.FORGET, "it came with a slide of an advertisement")
        shown = self.past.count(tight, time - 2 * self.options.bound)
        line = tight.width >= 40 and 12 <= tight.height <= 2 * LINE
        if line and self.field.flickers(tight, time):
            return Verdict(Say.FORGET, "one of many flickering values")
        now = self.screen.now[tight.slices]
        if line and self._crisp(tight) and not shown and textual(now) and on_a_line(now):
            return Verdict(Say.SHOW, "text stands still inside a film", (tight,))
        if min(tight.width, tight.height) >= LINE / 2 and fills(mask, tight) and sheet(now):
            before = palette(self.screen.shown[tight.slices])
            if before[palette(now).argmax()] < FOREIGN:
                return Verdict(Say.SHOW, "something was laid over a film", (tight,))
        return Verdict(Say.FORGET, "background at rest")

    def _stopped(self, spot: Spot, tight: Rect, time: float) -> Verdict:
        """Background that stands still for longer than it used to: what it stopped at is news.

        At once if it is of another kind, as the text in place of a shimmer, or its bar went; else
        when it has stood so long that it will not go on: the last state of a value is never lost.
        """
        box, mask, _ = self.screen.outstanding(tight, None)
        lines = _lines(box, mask, tight)
        among = all(self.field.flickers(e, time, soon=self.field.lasts(e, time)) for e in lines)
        if among or self._known(box, mask)[0] > 0.5:
            return Verdict(Say.FORGET, "seen before in this place")
        rule = "what was moving has come to rest"
        changed = float(self.screen.rates.touched[cell_slices(tight)].max())
        goes_on = changed > spot.born + SLACK
        if spot.ended and goes_on:
            return Verdict(Say.LEAVE, "background that goes on")
        if spot.ended or self.screen.strange(self.screen.now, tight, tight):
            rests = changed + self.options.rest
            if time >= rests - SLACK:
                return Verdict(Say.SHOW, rule, (tight,))
            return Verdict(Say.WAIT, f"{rule}, not yet certain", (tight,), rests)
        if goes_on or self.field.goes_on(tight, time):
            return Verdict(Say.FORGET, "background that goes on")
        if tight.height > LINE or not lettered(self.screen.now[tight.slices]):
            return Verdict(Say.FORGET, "background at rest")
        need = min(STILL, 4 * self.screen.rates.patience(cell_slices(tight)))
        return attrs.evolve(self._when_quiet(spot, time, need, Say.SHOW, rule, tight), easy=True)

    def _writing(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        """Something on blank ground: a letter, a growing line, or a line that came at once."""
        if self.past.count(tight, time - AGAIN) >= TWICE and self._known(box, mask)[0] >= KNOWN:
            return Verdict(Say.FORGET, "it comes and goes", gone=True)
        after, crisp = self.screen.now[tight.slices], self._crisp(tight)
        width = without_caret(after)
        if spot.letter and spot.first is not None and 2 * width < spot.first.width:
            # What went with the first letter said what to write there, and grows no more.
            spot.first = attrs.evolve(spot.first, width=width)
        dot = tight.width <= 2 * tight.height and plain_inside(after)
        bare = width == tight.width and tight.height >= 12
        solid = fills(mask, tight)
        continues = self.past.goes_on(tight, time - 6)
        upright = continues or 2 * tight.width < tight.height  # a letter
        filled = solid and not upright and (bare or sheet(after))
        if spot.changes == 1 and (width > WIDE * tight.height or filled) and not dot:
            need = self._watched(spot, tight, time)
            if tight.height > LINE / 2:
                need = self._painting(spot, tight, solid=solid)
            sudden = crisp and not spot.again
            return self._complete(spot, tight, time, need if sudden else self.options.rest)
        if spot.paused:
            return Verdict(Say.SHOW, "a word was finished", (tight,))
        grows = spot.grown and not spot.page
        bound = self.options.bound * (2 if one_word(after) else 1)
        if grows and time - spot.began >= bound - SLACK:
            return Verdict(Say.SHOW, "writing goes on for long", (tight,))
        need = 2 * self.options.word
        if spot.caret:
            need = self.options.word
        elif continues:
            need = self._pause(spot)
        elif spot.changes > 1 and spot.first is not None and tight.width <= spot.first.width + 4:
            need = self.options.rest  # it faded in where it is
        need = max(need, self._restlessness(spot, tight, time))
        if grows:
            need = min(need, spot.began + bound - spot.touched)
        return self._when_quiet(spot, time, need, Say.SHOW, "writing came to rest", tight)

    def _pause(self, spot: Spot) -> float:
        """How long a pause ends what is typed: longer than the pauses between its letters."""
        if spot.changes <= FEW:
            return self.options.doubt
        pace = (spot.touched - spot.began) / (spot.changes - 1)
        return min(self.options.doubt, max(self.options.word, 3 * pace))

    def _value(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        """Something in place of something else: a number, a state, or a clock."""
        painted = self.screen.rates.painted[cell_slices(tight)].max()
        # A block on blank ground stands in nobody's place: it is no value of a table.
        block = vacant(self.screen.shown[tight.slices]) or self._laid_over(mask, tight, spot.born)
        if not (block or spot.rested):
            lines = _lines(box, mask, tight)
            new = spot.born - painted < 2 * self.options.young
            if all(self._flickers(line, spot, time, new) for line in lines):
                self.field.doubt(lines, spot.touched, time)
                return Verdict(Say.LEAVE, "one of many flickering values")
        cells, before = self.screen.seen(box, mask)
        if before.sum() >= 0.9 * cells.sum() and not self._returned(tight, time):
            return Verdict(Say.FORGET, "seen before in this place", gone=True)
        complete = spot.changes == 1 and not spot.again and self._crisp(tight)
        need = self.options.rest
        if complete:
            need = self._watched(spot, tight, time)
            if tight.height > OBJECT:
                need = self._painting(spot, tight, solid=fills(mask, tight))
        if spot.follows:
            need = self._pause(spot)
            return self._when_quiet(spot, time, need, Say.SHOW, "changes with every key", tight)
        if spot.born - painted < 1.5 * self.options.young or spot.ticks:
            need = self.options.doubt
        need = max(need, self._restlessness(spot, tight, time))
        if time - spot.born >= 3 * self.options.bound:
            need = min(need, self.options.rest)
        if self.field.refreshed(tight, time):
            need = self.options.doubt + self.options.rest
        if tight.height <= LINE / 2:
            need = max(need, self.past.beat(tight, spot.touched))
        return self._when_quiet(spot, time, need, Say.SHOW, "changed content", tight)

    def _flickers(self, line: Rect, spot: Spot, time: float, new: bool) -> bool:
        """Whether a value is one of many that change, and in none but their colours."""
        soon = new or self.field.lasts(line, time)
        if not self.field.flickers(line, time, soon=soon):
            return False
        return not self.field.strange(line, palette(self.screen.now[line.slices]), spot.born)

    def _laid_over(self, mask: Mask, tight: Rect, born: float) -> bool:
        """Whether something as large as a dialog hides what was there.

        Rows that light up are smaller, or did so before.
        """
        side = min(tight.width, tight.height)
        if tight.area < DIALOG or side < LINE / 2:
            return False
        if side < LINE and self.field.had_large(tight, born):
            return False
        return fills(mask, tight) and sheet(self.screen.now[tight.slices])

    def _returned(self, tight: Rect, time: float) -> bool:
        """A value that was passed on here and has stood for a while went back: that is news."""
        passed = self.screen.passed[cell_slices(tight)].max()
        return tight.height <= LINE and passed > 0 and time - passed >= 1.5


def _lines(box: Rect, mask: Mask, tight: Rect) -> list[Rect]:
    """The values of one column in a place: `mask` says what of `box` around it changed."""
    place = tight.moved(-box.x, -box.y)
    return by_line(mask[place.slices], tight)
