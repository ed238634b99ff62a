"""The change detector: one object per monitor, fed with frames, answering with changes."""

from __future__ import annotations

from collections import deque

import attrs
import cv2
import numpy as np

from hud.detector import SLACK
from hud.items import Cause, Change, Fate, Frame, Mark, Scroll
from hud.pixels import Words, words
from hud.rect import Rect
from stages.change.detector.dirty import CELL, Mask
from stages.change.detector.field import WINDOW, Field
from stages.change.detector.intake import Intake
from stages.change.detector.judge import Judge
from stages.change.detector.options import Limits
from stages.change.detector.past import PAGE, Past
from stages.change.detector.patience import BLOCK
from stages.change.detector.pointer import MOVES
from stages.change.detector.regions import LINES, ROW, blobs, clusters, groups, tidy, with_line
from stages.change.detector.screen import Screen, cell_slices
from stages.change.detector.shapes import LINE, changed_colours, differ
from stages.change.detector.spot import Spot, similar
from stages.change.detector.verdict import Say, Verdict

SLOW = 0.15
"""Seconds between two frames from which the steps of a fade look like complete changes."""
POLLED = 0.5
"""Frames that are further apart come when something was drawn, not by the clock."""

EASY = 0.1
"""What waits only for rest and has been quiet this long goes with something that is shown."""
SOON = 0.1
"""What is due so soon is judged at once when something is shown."""

EARLY = 2.0
"""Seconds from the first frame in which nobody knows yet what flickers on a screen that does."""

GLIMPSE = 0.05
"""Share of the screen up to which something is shown with others before it is certain."""
GLIMPSED = "shown before it was certain"

SCROLLS = 256
"""Movements that are remembered; what waited for longer is out of sight."""

WHOLE, SOLID = 0.6, 5
"""Share of a place that rests at once if something stands there; cells that are its least part."""
ALIKE = 0.6
"""Share of its colours that a pointer keeps when the ground below it changes."""

Judged = list[tuple[Spot, Verdict]]


class Detector:
    """Decides which frames of ONE monitor carry something new.

    `frame.time` is the only clock. Frames may come at any rate, or only when something was drawn;
    then `due()` says when to call `wake`, so that what came to rest is passed on in time. Pixels
    are copied where they changed: a capture may draw the next frame into the same buffer.
    """

    def __init__(self, options: Limits | None = None) -> None:
        self.options = options or Limits()
        self._frame: Frame | None = None
        self._intervals: deque[float] = deque(maxlen=8)
        self._screen: Screen | None = None
        self._rest_due: float | None = None
        self._scrolls: tuple[Scroll, ...] = ()

    def look(self, frame: Frame) -> Change:
        """Judge a frame. Without regions the change goes no further, and `fate` says why."""
        new = words(frame.pixels)
        screen = self._screen
        interval = frame.time - self._frame.time if self._frame is not None else POLLED + 1
        if interval <= POLLED and not frame.woken:
            self._intervals.append(interval)
        self._frame = frame
        if screen is None or (screen.height, screen.width) != new.shape:
            return self._begin(frame, new)
        moved = screen.difference.compare(new, screen.now, frame.damage)
        if not moved:
            screen.show(new)
        else:
            self._intake.take(new, frame.time, woken=frame.woken)
            self._rest_due = screen.rest_due()
            came = (Scroll(frame.seq, rect, down) for rect, down in self._intake.scrolled)
            self._scrolls = (*self._scrolls, *came)[-SCROLLS:]
        return self._answer(screen, frame, frame.time, moved=moved)

    def wake(self, time: float) -> Change | None:
        """Decide what was due by `time` though no frame came; the change holds the last frame."""
        if self._screen is None or self._frame is None:
            return None
        change = self._answer(self._screen, self._frame, time, moved=False)
        return change if change.regions else None

    def due(self) -> float | None:
        """When `wake` should be called if no frame comes before; None: never."""
        if self._screen is None:
            return None
        times = [spot.due for spot in self._intake.spots if spot.due is not None]
        times += [due for due in (self._rest_due, self._field.due) if due is not None]
        return max(min(times), self._next_frame()) if times else None

    def _next_frame(self) -> float:
        """When the next frame of a slow capture comes; nothing is complete before it was seen."""
        interval = min(self._intervals, default=0.0)
        assert self._frame is not None
        return self._frame.time + (1.1 * interval if interval > SLOW else 0.0)

    def _begin(self, frame: Frame, new: Words) -> Change:
        screen = self._screen = Screen(new, frame.time, self.options)
        self._scrolls = ()
        self._field, self._past = Field(), Past()
        self._intake = Intake(screen, self.options, self._field, self._past)
        self._judge = Judge(screen, self.options, self._field, self._past)
        self._rest_due = None
        self._accepted: list[Rect] = []
        whole = Rect(0, 0, screen.width, screen.height)
        return Change(frame, (whole,), Cause.FIRST, "the first frame")

    def _decide(self, spot: Spot, time: float, *, split: bool = True) -> Judged:
        verdict = self._judge.decide(spot, time, self._intake.painted_at, split=split)
        if verdict.say is not Say.SPLIT:
            return [(spot, verdict)]
        assert self._screen is not None
        touched = self._screen.rates.touched
        parts = [spot.part(rect, float(touched[cell_slices(rect)].max())) for rect in verdict.rects]
        self._intake.spots.remove(spot)
        self._intake.spots.extend(parts)
        return [pair for part in parts for pair in self._decide(part, time, split=False)]

    def _answer(self, screen: Screen, frame: Frame, time: float, *, moved: bool) -> Change:
        screen.remember(time)
        self._intake.unite_twins()
        self._wake_background(screen, time)
        for rect, changed in self._field.cleared(time):
            self._wait_for(Spot(rect, changed, changed, changed, whole=rect, value=True, due=time))
        ready = [
            spot
            for spot in self._intake.spots
            if (moved and spot.touched == time)
            or (spot.due is not None and spot.due <= time + SLACK)
        ]
        judged = [pair for spot in ready for pair in self._decide(spot, time)]
        judged = self._with_siblings(_pointer(screen, judged, time), time)
        judged = self._once_known(screen, judged, time)
        shown = [done for spot, verdict in judged for done in self._carry_out(spot, verdict, time)]
        if not shown:
            self._accept(screen)
            fate, rule = self._nothing(judged, moved=moved)
            return Change(frame, (), None, rule, fate, scrolls=self._scrolls)
        shown += self._companions(time, {spot.born for spot, _ in judged})
        rects = [rect for rect, _ in shown]
        born = [spot.born for spot, verdict in judged if verdict.say is Say.SHOW]
        rects += self._glimpses(time, set(born)) + self._past.left(time, born)
        regions = tidy(rects, screen.width, screen.height)
        marks = tuple(Mark(rect, screen.shown_before(rect)) for rect in regions)
        self._accept(screen)
        rule = "; ".join(dict.fromkeys(rule for _, rule in shown))
        drawn = max(
            (spot.touched for spot, verdict in judged if verdict.say is Say.SHOW), default=None
        )
        return Change(
            frame,
            regions,
            Cause.CONTENT,
            rule,
            marks=marks,
            drawn=drawn,
            scrolls=self._scrolls,
        )

    def _wake_background(self, screen: Screen, time: float) -> None:
        """Judge background that came to rest while what surrounds it goes on: a caption."""
        if self._rest_due is None or time < self._rest_due - SLACK:
            return
        waiting, due = np.zeros_like(screen.owing), []
        for rect in groups(screen.rates.background(time)):
            at = cell_slices(rect)
            if rect.height > LINE or not screen.owing[at].any():
                continue
            stops = screen.rates.stops_at(at, time)
            if stops <= time + SLACK:
                screen.owing[at] = False
                self._rests(rect, time, captioned=False)
            else:
                waiting[at] = True
                due.append(stops)
        rested = screen.rested(time, waiting)
        if rested.any():
            pixels = np.repeat(np.repeat(rested, CELL, 0), CELL, 1)
            for blob in blobs(pixels, rested):
                if self._surrounded(screen, blob.rect, time):
                    for rect in _still(blob.rect, rested):
                        self._rests(rect, time, captioned=True)
                else:
                    screen.accept(blob.rect, pixels[blob.rect.slices])
        rest = screen.rest_due(waiting)
        self._rest_due = min(due if rest is None else [*due, rest], default=None)

    def _rests(self, rect: Rect, time: float, *, captioned: bool) -> None:
        spot = Spot(rect, time, time, time, rested=True, changes=2, due=time)
        spot.captioned = captioned
        self._wait_for(spot)

    def _wait_for(self, spot: Spot) -> None:
        """Judge a place that did not change just now, unless something is waited for there."""
        waiting = [other.rect for other in self._intake.spots if other.due is not None]
        over = (rect for rect in waiting if rect.intersects(spot.rect))
        if not any(4 * rect.area >= spot.rect.area for rect in over):
            self._intake.spots.append(spot)

    def _surrounded(self, screen: Screen, rect: Rect, time: float) -> bool:
        """Whether it is text inside something as large as a film that goes on."""
        if rect.height < 12 or rect.width < 40 or not screen.rates.film(cell_slices(rect)):
            return False
        around = rect.padded(96, screen.width, screen.height)
        films = [box for box in clusters(screen.rates.background(time)) if box.intersects(around)]
        return any(box.union(rect).area >= 0.015 * screen.area for box in films)

    def _with_siblings(self, judged: Judged, time: float) -> Judged:
        """Wait for what appeared at the same time and is still being painted."""
        waits = {id(spot): verdict for spot, verdict in judged if verdict.say is Say.WAIT}
        busy = [
            spot
            for spot in self._intake.spots
            if time - spot.touched < self._painting(spot) - SLACK
            and (spot.due or 0) > time
            and (id(spot) not in waits or waits[id(spot)].easy)
        ]
        result: Judged = []
        for spot, verdict in judged:
            near = [b for b in busy if b is not spot and abs(b.born - spot.born) <= PAGE]
            near = [b for b in near if spot.rested or not b.rested]
            if verdict.say is Say.SHOW and near and time - spot.born < 0.5:
                due = min(other.touched + self._painting(other) for other in near)
                verdict = Verdict(Say.WAIT, "its surroundings are still being painted", due=due)  # noqa: PLW2901
            elif self._goes_at_once(spot, verdict, time) and self._is_part(spot, judged):
                due = time + self.options.confirm
                verdict = Verdict(Say.WAIT, "what appeared with it is not complete", due=due)  # noqa: PLW2901
            result.append((spot, verdict))
        return result

    def _once_known(self, screen: Screen, judged: Judged, time: float) -> Judged:
        """What changed first on a screen full of values waits until their rhythms are known."""
        known = screen.begun + WINDOW
        if time >= known - SLACK or not self._field.crowded(time):
            return judged
        rule = "values change all over the screen"
        return [
            (spot, attrs.evolve(verdict, say=Say.WAIT, rule=rule, due=known, easy=True))
            if verdict.say is Say.SHOW and spot.born < screen.begun + EARLY
            else (spot, verdict)
            for spot, verdict in judged
        ]

    def _painting(self, spot: Spot) -> float:
        """For how long after it changed last it may be part of what is still being painted."""
        return self.options.page if self._judge.paints(spot) else BLOCK

    @staticmethod
    def _goes_at_once(spot: Spot, verdict: Verdict, time: float) -> bool:
        return verdict.say is Say.SHOW and spot.woken and spot.touched == time

    def _is_part(self, spot: Spot, judged: Judged) -> bool:
        """Whether it appeared together with something that is not shown yet: one line is whole."""
        done = {id(other) for other, verdict in judged if verdict.say is not Say.WAIT}
        return any(
            id(other) not in done and abs(other.born - spot.born) <= PAGE
            for other in self._intake.spots
            if other is not spot
        )

    def _carry_out(self, spot: Spot, verdict: Verdict, time: float) -> list[tuple[Rect, str]]:
        spot.due, spot.rule = verdict.due, verdict.rule
        spot.likely = verdict.easy or verdict.likely
        if verdict.say is Say.WAIT:
            return []
        assert self._screen is not None
        self._intake.spots.remove(spot)
        if verdict.say is Say.LEAVE:
            return []
        if spot.covers and verdict.say is Say.SHOW:
            self._screen.rates.calm(cell_slices(spot.rect), spot.born)
        if verdict.say is not Say.FORGET or not self._holds_an_end(spot):
            self._accepted.append(spot.rect)
        if verdict.say is Say.FORGET:
            for rect in verdict.rects or (spot.rect,):
                self._past.leave(time, spot.born, rect)
            return []
        rects = [self._region(spot, rect) for rect in verdict.rects]
        for rect in verdict.rects:
            self._past.add(time, rect)
            self._screen.passed[cell_slices(rect)] = time
        return [] if spot.was_shown else [(rect, verdict.rule) for rect in rects]

    def _holds_an_end(self, spot: Spot) -> bool:
        """Whether a line in it is about to be judged that changed as its bar went."""
        return any(s.ended and s.rect.intersects(spot.rect) for s in self._intake.spots)

    def _accept(self, screen: Screen) -> None:
        """What was judged counts as shown from now on."""
        for rect in self._accepted:
            screen.accept(rect)
        self._accepted.clear()

    def _companions(self, time: float, born: set[float]) -> list[tuple[Rect, str]]:
        """What waits only for rest, and came at the same moment or was quiet since, goes along."""
        shown: list[tuple[Rect, str]] = []
        spots = self._intake.spots
        for spot in [
            s for s in spots if time - s.touched >= EASY - SLACK or s.born in born or s.follows
        ]:
            for part, verdict in self._decide(spot, self._judged_at(spot, time, born)):
                if verdict.say is Say.SHOW and spot.due is not None:
                    shown += self._carry_out(part, verdict, time)
                    continue
                sibling = part.born in born and bool(verdict.rects) and not verdict.gone
                if (verdict.easy or sibling) and part.size is not None:
                    along = Verdict(Say.SHOW, verdict.rule, (part.size,))
                    shown += self._carry_out(part, along, time)
        return shown

    def _glimpses(self, time: float, born: set[float]) -> list[Rect]:
        """What may be news and is not certain yet: this frame shows it all the same.

        If it stays as it is, nothing more is said of it; if it changes, it is shown again.
        """
        assert self._screen is not None
        rects = []
        for spot in self._intake.spots:
            if (spot.likely or spot.born in born) and self._worth_a_glimpse(spot, time):
                spot.glimpsed = time
                rects.append(self._region(spot, spot.rect))
        return rects

    def _worth_a_glimpse(self, spot: Spot, time: float) -> bool:
        assert self._screen is not None
        if spot.due is None or spot.moves or spot.rect.area > GLIMPSE * self._screen.area:
            return False
        return not (self._goes_on(spot) or self._field.flickers(spot.rect, time))

    def _goes_on(self, spot: Spot) -> bool:
        """Whether it came into view in a list that goes on: where that rests nobody knows yet."""
        return spot.scrolled and self._past.flood(spot.rect) is not None

    def _region(self, spot: Spot, rect: Rect) -> Rect:
        """What to show close up of a place, for a difference in `rect`: the line it is in."""
        assert self._screen is not None
        most = LINES if spot.scrolled else ROW
        return with_line(self._screen.now, spot.region(rect), most)

    def _judged_at(self, spot: Spot, time: float, born: set[float]) -> float:
        """The time of judgement: that at which it is due, if that is near or nothing comes before.

        What would be shown a moment later would be a request of its own, about what is seen in
        this frame already.
        """
        if spot.due is None or (spot.laid and self._judge.stirs(spot, time)):
            return time
        near = spot.due - time <= SOON + SLACK
        return spot.due if near or (spot.born in born and self._painted(spot, time)) else time

    def _painted(self, spot: Spot, time: float) -> bool:
        """Whether it is part of a page that has been painted, and is only watched for a while."""
        rests = time - spot.touched >= self.options.page - SLACK
        return spot.page and rests and not self._goes_on(spot)

    def _nothing(self, judged: Judged, *, moved: bool) -> tuple[Fate, str]:
        """What becomes of a frame that is not passed on, and by which rule."""
        shown = [verdict.say is Say.SHOW for _, verdict in judged]
        said = (GLIMPSED if yes else v.rule for yes, (_, v) in zip(shown, judged, strict=True))
        rules = "; ".join(dict.fromkeys(said))
        if any(shown) or any(spot.due is not None for spot in self._intake.spots):
            return Fate.MERGED, rules or "something comes to rest"
        if moved or rules:
            return Fate.NOISE, rules or "background or a caret"
        return Fate.UNCHANGED, "not a pixel changed"


def _still(rect: Rect, rested: Mask) -> list[Rect]:
    """What came to rest as a whole: a line, or what is solid; in the rest of it things go by."""
    if rect.height <= LINE:
        return [rect]
    inside = np.zeros(rested.shape, np.uint8)
    inside[cell_slices(rect)] = rested[cell_slices(rect)]
    solid = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((SOLID, SOLID), np.uint8))
    return [core for core in clusters(solid.view(bool)) if solid[cell_slices(core)].mean() >= WHOLE]


def _pointer(screen: Screen, judged: Judged, time: float) -> Judged:
    """Something small that went from one place and came up in another is a pointer."""
    gone = [spot for spot, verdict in judged if verdict.gone and spot.small]
    result: Judged = []
    for spot, verdict in judged:
        fresh = not (verdict.gone or spot.rested) and spot.size and spot.born == time
        from_there = [old for old in gone if fresh and _same_thing(screen, old, spot)]
        if from_there:
            spot.moves += 1 + max(old.moves for old in from_there)
            if spot.moves >= MOVES and spot.size is not None:
                screen.pointer.learn(screen.shown, screen.now, spot.size)
            verdict = Verdict(Say.WAIT, "something small moves about")  # noqa: PLW2901
        result.append((spot, verdict))
    return result


def _same_thing(screen: Screen, old: Spot, new: Spot) -> bool:
    """Whether what left one place has the size and the colours of what came up in another."""
    was, now = old.size or old.rect, new.size or new.rect
    if not similar(was, now) or not _same_shape(screen, was, now):
        return False
    came = changed_colours(screen.shown[now.slices], screen.now[now.slices])
    left = changed_colours(screen.now[was.slices], screen.shown[was.slices])
    seen = [left] if old.colours is None else [left, old.colours]
    return any(float(np.minimum(colours, came).sum()) >= ALIKE for colours in seen)


def _same_shape(screen: Screen, was: Rect, now: Rect) -> bool:
    """Whether what went has the outline of what came; a plural's s is no digit that moved.

    What went back to what was shown before left none.
    """
    one, other = (
        differ(screen.shown[rect.slices], screen.now[rect.slices], 32) for rect in (was, now)
    )
    if not one.any():
        return True
    height, width = min(was.height, now.height), min(was.width, now.width)
    one, other = one[:height, :width], other[:height, :width]
    return bool(4 * np.count_nonzero(one & other) >= 3 * np.count_nonzero(one | other))
