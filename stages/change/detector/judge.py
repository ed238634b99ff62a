"""The decision on one place: certain things at once, doubtful things later, noise never."""

from __future__ import annotations

import enum

import attrs

from hud.items import Rect
from hud.pixels import Words
from stages.change.detector.dirty import Mask, any_in_cells
from stages.change.detector.field import Field
from stages.change.detector.memory import BURST
from stages.change.detector.options import Limits
from stages.change.detector.past import Past
from stages.change.detector.regions import MOST, blobs, bounds
from stages.change.detector.screen import Screen, cell_slices
from stages.change.detector.shapes import (
    LINE,
    blank,
    caret,
    changed_colours,
    ends_in_caret,
    erased,
    palette,
    plain_inside,
    sharper,
    strongest,
    textual,
    tinted,
    without_caret,
    written,
)
from stages.change.detector.spot import Spot

SLACK = 1e-6
BLOCK = 0.12
"""Output of several lines comes in pieces; one more frame shows whether more follows."""
WIDE = 2.5
"""Text this many times wider than high is more than the letters of one frame."""
OBJECT = 32
"""What is higher is a thing and no number."""
CRISP = 100
"""Levels. Text that appears at once is at least this strong; the first step of a fade is not."""

KNOWN = 0.85
"""A place of which this share was seen before shows nothing new."""
WORD = 4
"""Cells that hold less than a word."""
PLAIN = 0.95
"""What has this share of one colour has nothing written on it."""


class Say(enum.Enum):
    """What is to be done with a place."""

    WAIT = "wait"
    """Look again when it is due."""
    FORGET = "forget"
    """It differs no longer, or in nothing that is new."""
    LEAVE = "leave"
    """It differs, but in nothing that is worth waiting for."""
    SPLIT = "split"
    """It is several places: judge each."""
    SHOW = "show"


@attrs.frozen
class Verdict:
    """A decision, its reason, and the rectangles it is about."""

    say: Say
    rule: str
    rects: tuple[Rect, ...] = ()
    due: float | None = None
    easy: bool = False
    """It waits only for rest, and may go with others that are shown now."""
    gone: bool = False
    """Something is no longer there, and what was there before it is back."""


@attrs.frozen
class Judge:
    """Looks at one place of the screen and decides."""

    screen: Screen
    options: Limits
    field: Field
    past: Past

    def decide(self, spot: Spot, time: float, painted_at: float, *, split: bool = True) -> Verdict:
        """What is to be done with this place now; `painted_at`: when much changed at once last."""
        page = spot.page or spot.rect.area >= self.options.large * self.screen.area
        if page and (due := self._page_due(spot, painted_at)) > time + SLACK:
            return Verdict(Say.WAIT, "much of the screen is being painted", due=due)
        without = None if spot.rested else self.screen.rates.background(time)
        box, mask, masked = self.screen.outstanding(spot.rect, without)
        if masked > 0.5:
            self.screen.owes(box, time)
            return Verdict(Say.LEAVE, "it has become background")
        tight = bounds(mask)
        if tight is None:
            return Verdict(Say.LEAVE, "back to what was shown before", gone=True)
        if masked and self._ground(box, mask):
            return Verdict(Say.FORGET, "the ground of something that moves")
        tight = attrs.evolve(tight, x=tight.x + box.x, y=tight.y + box.y)
        parts = blobs(mask, any_in_cells(mask), (box.x, box.y)) if split else []
        big = tight.height > 4 * LINE or tight.area > 0.03 * self.screen.area
        if big and not (parts and spot.value):
            return self._big(spot, box, mask, time)
        if 1 < len(parts) <= MOST:
            return Verdict(Say.SPLIT, "several places", tuple(part.rect for part in parts))
        return self._small(spot, box, mask, tight, time)

    def _ground(self, box: Rect, mask: Mask) -> bool:
        """Whether what differs is now as blank as most of its surroundings were."""
        after, before = (
            palette(self.screen.now[box.slices][mask]),
            palette(self.screen.shown[box.slices]),
        )
        return bool(after.max() >= PLAIN and before[after.argmax()] >= 0.3)

    def _page_due(self, spot: Spot, painted_at: float) -> float:
        quiet = max(spot.touched, painted_at) + self.options.page
        return min(quiet, spot.began + self.options.page_bound)

    def _big(self, spot: Spot, box: Rect, mask: Mask, time: float) -> Verdict:
        """A page, a dialog, a block of text: without the parts that were seen before."""
        need = self.options.page if spot.changes > 1 or spot.page else BLOCK
        if spot.ticks or spot.born - self.screen.begun < self.options.young:
            need = self.options.doubt
        if not spot.scrolled:
            passes = self.past.count(spot.rect, time - 6)
            need = max(need, (0.0, 2 * self.options.rest, self.options.doubt)[min(passes, 2)])
        due = min(spot.touched + need, spot.began + self.options.page_bound)
        if time < due - SLACK:
            return Verdict(Say.WAIT, "it is still being painted", due=due)
        known, _ = self._known(box, mask)
        if known >= KNOWN:
            return Verdict(Say.FORGET, "seen before in this place")
        cells, before = self.screen.seen(box, mask)
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
        return rect.area > LINE * LINE or not (caret(before, after) or erased(before, after))

    def _small(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        spot.follow(tight)
        if spot.small and spot.born == time:
            spot.colours = changed_colours(
                self.screen.shown[tight.slices], self.screen.now[tight.slices]
            )
        if spot.moves:
            return Verdict(Say.WAIT, "something small moves about")
        trifle = self._trifle(spot, tight, time)
        return trifle or self._content_of(spot, box, mask, tight, time)

    def _trifle(self, spot: Spot, tight: Rect, time: float) -> Verdict | None:
        """A verdict if nothing was written here."""
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        if caret(before, after):
            return Verdict(Say.FORGET, "a caret", gone=True)
        if self._edge_moved(before, after, tight):
            return Verdict(Say.FORGET, "an edge moved")
        if erased(before, after):
            need = self.options.page if spot.page else self.options.rest
            verdict = self._when_quiet(spot, time, need, Say.FORGET, "text was erased", tight)
            return attrs.evolve(verdict, gone=True)
        if tinted(before, after, self.options.faint):
            verdict = self._when_quiet(spot, time, self.options.rest, Say.LEAVE, "a tint")
            return attrs.evolve(verdict, easy=False)
        if self._lately(tight, time) and sharper(before, after):
            return Verdict(Say.FORGET, "the same, sharper")
        return None

    def _edge_moved(self, before: Words, after: Words, tight: Rect) -> bool:
        """Whether one colour gave way to the one beside it: a bar that grows, a marker."""
        if not (blank(before) and blank(after)):
            return False
        height, width = after.shape
        old, new = before[height // 2, width // 2], after[height // 2, width // 2]
        now, middle = self.screen.now, (tight.y + height // 2, tight.x + width // 2)
        across = [(middle[0], tight.x - 2), (middle[0], tight.right + 1)]
        down = [(tight.y - 2, middle[1]), (tight.bottom + 1, middle[1])]
        for one, other in (across, down):
            if min(one) >= 0 and other[0] < self.screen.height and other[1] < self.screen.width:
                colours = {int(now[one]) & 0xFFFFFF, int(now[other]) & 0xFFFFFF}
                if colours == {int(old) & 0xFFFFFF, int(new) & 0xFFFFFF}:
                    return True
        return False

    def _content_of(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        if spot.scrolled:
            return self._came_into_view(spot, box, mask, tight, time)
        if spot.rested:
            return self._rested(spot, tight, time)
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        if written(before, after) and tight.height <= 2 * LINE:
            solid = bool(mask.sum() >= 0.6 * tight.area)
            return self._writing(spot, tight, time, solid=solid)
        return self._value(spot, box, mask, tight, time)

    def _crisp(self, tight: Rect) -> bool:
        return strongest(self.screen.shown[tight.slices], self.screen.now[tight.slices]) >= CRISP

    def _watched(self, spot: Spot, tight: Rect, time: float) -> float:
        """For how long to watch what looks complete: not at all where all was quiet before.

        What follows in the same burst goes together when it pauses; only its first line goes alone.
        """
        single = spot.woken and not spot.page and tight.height <= LINE / 2
        if not single or not self.options.at_once:
            return self.options.confirm
        around = tight.padded(LINE, self.screen.width, self.screen.height)
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        if self.past.touches(around, spot.touched - BURST):
            return BLOCK
        return self.options.confirm if ends_in_caret(before, after) else 0.0

    def _known(self, box: Rect, mask: Mask) -> tuple[float, int]:
        """How much of what differs, blank ground aside, was seen before in this place.

        The share, and the number of cells that are new.
        """
        cells, before = self.screen.seen(box, mask)
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

    def _rested(self, spot: Spot, tight: Rect, time: float) -> Verdict:
        """Inside background: a value of a strange kind, or a line of text that stands still."""
        if spot.value:
            need = self.options.confirm
            return self._when_quiet(spot, time, need, Say.SHOW, "a value unlike the others", tight)
        if not spot.captioned:
            return self._stopped(spot, tight, time)
        shown = self.past.count(tight, time - 2 * self.options.bound)
        line = tight.width >= 40 and 12 <= tight.height <= 2 * LINE
        if line and self._crisp(tight) and not shown and textual(self.screen.now[tight.slices]):
            return Verdict(Say.SHOW, "text stands still inside a film", (tight,))
        return Verdict(Say.FORGET, "background at rest")

    def _stopped(self, spot: Spot, tight: Rect, time: float) -> Verdict:
        """Background that stands still for longer than it used to: what it stopped at is news."""
        box, mask, _ = self.screen.outstanding(tight, None)
        if not self.screen.strange(self.screen.now, tight, tight):
            return Verdict(Say.FORGET, "background at rest")
        if self.field.flickers(tight, time) or self._known(box, mask)[0] > 0.5:
            return Verdict(Say.FORGET, "seen before in this place")
        return Verdict(Say.SHOW, "what was moving has come to rest", (tight,))

    def _writing(self, spot: Spot, tight: Rect, time: float, *, solid: bool) -> Verdict:
        """Something on blank ground: a letter, a growing line, or a line that came at once."""
        after, crisp = self.screen.now[tight.slices], self._crisp(tight)
        width = without_caret(after)
        dot = tight.width <= 2 * tight.height and plain_inside(after)
        filled = solid and width == tight.width and tight.height >= 12
        if spot.changes == 1 and (width > WIDE * tight.height or filled) and not dot:
            need = BLOCK if tight.height > LINE / 2 else self._watched(spot, tight, time)
            sudden = crisp and not spot.again
            return self._complete(spot, tight, time, need if sudden else self.options.rest)
        if spot.paused:
            return Verdict(Say.SHOW, "a word was finished", (tight,))
        grows = spot.grown and not spot.page
        if grows and time - spot.began >= self.options.bound - SLACK:
            return Verdict(Say.SHOW, "writing goes on for long", (tight,))
        need = 2 * self.options.word
        if spot.caret:
            need = self.options.word
        elif self.past.goes_on(tight, time - 6):
            need = self.options.doubt
        elif spot.changes > 1 and spot.first is not None and tight.width <= spot.first.width + 4:
            need = self.options.rest  # it faded in where it is
        need = max(need, self._restlessness(spot, tight, time))
        if grows:
            need = min(need, spot.began + self.options.bound - spot.touched)
        return self._when_quiet(spot, time, need, Say.SHOW, "writing came to rest", tight)

    def _complete(self, spot: Spot, tight: Rect, time: float, need: float) -> Verdict:
        need = max(need, self._restlessness(spot, tight, time))
        return self._when_quiet(spot, time, need, Say.SHOW, "new content", tight)

    def _restlessness(self, spot: Spot, tight: Rect, time: float) -> float:
        """The rest asked of a place that changes often, or used to."""
        if spot.scrolled:
            return 0.0
        once = self.screen.rates.restless_at[cell_slices(tight)].max()
        if time - once < 60:
            return self.options.doubt
        passes = self.past.count(tight, time - 6)
        return (0.0, 2 * self.options.rest, self.options.doubt)[min(passes, 2)]

    def _value(self, spot: Spot, box: Rect, mask: Mask, tight: Rect, time: float) -> Verdict:
        """Something in place of something else: a number, a state, or a clock."""
        painted = self.screen.rates.painted[cell_slices(tight)].max()
        new = spot.born - painted < 2 * self.options.young
        if not spot.rested and self.field.flickers(tight, time, new=new):
            colours = palette(self.screen.now[tight.slices])
            if not self.field.strange(tight, colours, spot.born):
                return Verdict(Say.FORGET, "one of many flickering values")
        cells, before = self.screen.seen(box, mask)
        if before.sum() >= 0.9 * cells.sum() and not self._returned(tight, time):
            return Verdict(Say.FORGET, "seen before in this place", gone=True)
        complete = spot.changes == 1 and not spot.again and self._crisp(tight)
        need = self.options.rest
        if complete:  # something larger than a line may be the first step of a movement
            need = self._watched(spot, tight, time) if tight.height <= OBJECT else BLOCK
        if spot.follows:
            return Verdict(Say.WAIT, "changes with every key", easy=True)
        if spot.born - painted < self.options.young or spot.ticks:
            need = self.options.doubt
        need = max(need, self._restlessness(spot, tight, time))
        if time - spot.born >= 3 * self.options.bound:
            need = min(need, self.options.rest)
        if self.field.refreshed(tight, time):
            need = self.options.doubt + self.options.rest
        return self._when_quiet(spot, time, need, Say.SHOW, "changed content", tight)

    def _returned(self, tight: Rect, time: float) -> bool:
        """A value that was passed on here and has stood for a while went back: that is news."""
        passed = self.screen.passed[cell_slices(tight)].max()
        return tight.height <= LINE and passed > 0 and time - passed >= 1.5

    def _when_quiet(
        self, spot: Spot, time: float, need: float, say: Say, rule: str, *rects: Rect
    ) -> Verdict:
        if time - spot.touched >= need - SLACK:
            return Verdict(say, rule, rects)
        waiting = f"{rule}, not yet certain"
        easy = say is Say.SHOW and need < self.options.doubt
        return Verdict(Say.WAIT, waiting, rects, spot.touched + need, easy)
