"""Notes that stand on the watched screen are changes too, of which the next note is made.

Normally the window with the notes is painted over. Where it is not known, the loop shows in time:
a change follows a note, in a place that was still until then, and the note made of it is followed
by a change in the same place. A log that writes a line whenever the model has answered looks alike.
So what is suspected is held back for a moment: a log goes on though no note was shown, and then all
of it is passed on; our own notes do not.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Iterable

import attrs
import trio

from hud.channel import Observer
from hud.detector import Detector
from hud.items import Cause, Change, Fate, Frame, Note
from hud.rect import Rect, together

ROUNDS = 2
"""Notes in a row, each about the one before it, that are let through without suspicion."""
TRIALS = 3
"""As many more are let through after each was held back: on a lively board a change also comes near
the last one and right behind its note by accident, now and then four or five times in a row."""
FOLLOWS = 0.7
"""Seconds after a note within which what changes may be the note."""
QUIET = 2.0
"""Seconds for which a suspected change is held back, to see what comes without a note."""
TRUST = 10.0
"""Seconds for which a place is not suspected after it went on by itself."""
NEAR = 64
"""Pixels: a terminal writes its next line beside the last one."""
REMEMBERED = 256
"""Changes, and notes, of which it is known what led to them."""
RULE = "it is one of our own notes on the screen"
HELD = "perhaps one of our own notes: held back to see what comes without one"
SENTENCE = (
    "the notes are on the watched screen: each became a change of which the next was made. What "
    "changes there right behind a note is left out, until something changes there without one. "
    "Cure: paint their window over, such as --set 'privacy.mask=[\"title:PART OF ITS TITLE*\"]' "
    "(privacy.echo=false sends it)"
)


@attrs.frozen
class _Chain:
    rounds: int = 0
    monitor: int = 0
    places: tuple[Rect, ...] = ()


@attrs.frozen
class _Held:
    """A suspected change, the notes that led to it, and until when it is held back."""

    change: Change
    chain: _Chain
    due: float


class Echo(Observer):
    """Knows when notes were shown, and which changes followed them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown: collections.deque[tuple[float, int]] = collections.deque(maxlen=REMEMBERED)
        """When a note was last added to on the screen, and of which change it is."""
        self._led_to: collections.OrderedDict[int, _Chain] = collections.OrderedDict()

    def taken(self, edge: str, item: object) -> None:
        """See Observer: a sink is about to show a note."""
        if edge.startswith("sinks→") and isinstance(item, Note):
            self._shown.append((trio.current_time(), item.seq))

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """See Observer: what is shown with another frame is no less an answer to a note."""
        if isinstance(older, Change) and isinstance(into, Change):
            chains = (self._led_to.get(change.seq, _Chain()) for change in (older, into))
            self.remember(into.seq, max(chains, key=lambda chain: chain.rounds))

    def say(self, sentence: str, time: float, note: int) -> None:
        """Tell the user, perhaps on the watched screen: then it is as much ours as the note."""
        self._shown.append((time, note))
        self._say(sentence)

    def note_before(self, time: float) -> int | None:
        """Of which change a note was shown shortly before."""
        # A copy: detectors look in threads.
        shown = reversed(tuple(self._shown))
        return next((seq for then, seq in shown if 0 <= time - then <= FOLLOWS), None)

    def behind(self, note: int, change: Change) -> _Chain:
        """The chain of notes that a change would be the next link of."""
        before = self._led_to.get(note, _Chain())
        same = before.monitor == change.monitor
        # What else changed has nothing to do with it.
        places = tuple(r for r in change.regions if same and _near(r, before.places))
        if not places:
            return _Chain(1, change.monitor, change.regions)
        return _Chain(before.rounds + 1, change.monitor, places)

    def remember(self, seq: int, chain: _Chain) -> None:
        """What led to a change of which a note may be made."""
        self._led_to[seq] = chain
        if len(self._led_to) > REMEMBERED:
            self._led_to.popitem(last=False)


class Guarded:
    """The detector of one monitor without what is only our own notes."""

    def __init__(self, inner: Detector, echo: Echo) -> None:
        self._inner = inner
        self._echo = echo
        self._last: Change | None = None
        """What the detector said of the newest frame."""
        self._held: _Held | None = None
        self._muted: tuple[Rect, ...] = ()
        self._told = False
        self._trusted: tuple[Rect, ...] = ()
        self._trusted_until = -math.inf

    def look(self, frame: Frame) -> Change:
        """See Detector."""
        self._last = self._inner.look(frame)
        return self._judge(self._last, frame.time)

    def wake(self, time: float) -> Change | None:
        """See Detector."""
        change = self._inner.wake(time)
        if change is not None:
            change = self._judge(change, time)
        elif self._held is not None and time >= self._held.due:
            change = self._release(self._held, time)
        return change if change is not None and change.regions else None

    def due(self) -> float | None:
        """See Detector."""
        due = self._inner.due()
        held = None if self._held is None else self._held.due
        return min((time for time in (due, held) if time is not None), default=None)

    def _judge(self, change: Change, now: float) -> Change:
        if not change.regions or change.cause is not Cause.CONTENT:
            return change
        drawn = change.frame.time if change.drawn is None else change.drawn
        note = self._echo.note_before(drawn)
        if note is None:
            return self._by_itself(change, now)
        change = self._without(change, self._muted)
        if not change.regions:
            return change
        if now < self._trusted_until and _all_near(change.regions, self._trusted):
            self._echo.remember(change.seq, _Chain())
            return change
        held = self._held
        if held is not None and _all_near(change.regions, held.change.regions):
            self._held = attrs.evolve(held, change=change.absorb(held.change))
            return _merged(change)
        chain = self._echo.behind(note, change)
        if chain.rounds > ROUNDS and held is None:
            self._held = _Held(change, chain, now + QUIET)
            return _merged(change)
        self._echo.remember(change.seq, chain)
        return change

    def _by_itself(self, change: Change, now: float) -> Change:
        """No note came before it, so the place goes on without us: what is held was none."""
        self._muted = tuple(each for each in self._muted if not _near(each, change.regions))
        held = self._held
        if held is not None and any(_near(rect, held.change.regions) for rect in change.regions):
            self._held = None
            change = change.absorb(held.change)
            self._trusted, self._trusted_until = change.regions, now + TRUST
        self._echo.remember(change.seq, _Chain())
        return change

    def _release(self, held: _Held, now: float) -> Change | None:
        """Nothing came without a note: let it through once more, or leave it out for good."""
        self._held = None
        assert self._last is not None
        change = _merged(self._last).absorb(held.change)
        if held.chain.rounds > ROUNDS + TRIALS:
            if not self._told:
                self._echo.say(SENTENCE, now, change.seq)
                self._told = True
            self._muted = together([*self._muted, *held.chain.places], NEAR)
            return self._without(change, self._muted)
        self._echo.remember(change.seq, held.chain)
        return change

    def _without(self, change: Change, places: Iterable[Rect]) -> Change:
        regions = tuple(region for region in change.regions if not _near(region, places))
        if len(regions) == len(change.regions):
            return change
        if not regions:
            return Change(change.frame, (), None, RULE, Fate.NOISE, scrolls=change.scrolls)
        marks = tuple(mark for mark in change.marks if not _near(mark.rect, places))
        return attrs.evolve(change, regions=regions, marks=marks)


def _merged(change: Change) -> Change:
    return Change(change.frame, (), None, HELD, Fate.MERGED, scrolls=change.scrolls)


def _near(rect: Rect, places: Iterable[Rect]) -> bool:
    reach = rect.grown(NEAR)
    return any(reach.intersects(place) for place in places)


def _all_near(rects: Iterable[Rect], places: Iterable[Rect]) -> bool:
    return all(_near(rect, places) for rect in rects)
