"""Notes that stand on the watched screen are changes too, of which the next note is made.

Normally the window with the notes is painted over. Where it is not known, the loop shows in time:
a change follows a note, in a place that was still until then, and the note made of it is followed
by a change in the same place. A log that goes on by itself also changes between the notes, which
breaks the chain.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence

import attrs
import trio

from hud.channel import Observer
from hud.items import Change, Fate, Frame, Note, Rect, together
from hud.stage import Stage

ROUNDS = 3
"""Notes in a row, each about the one before it, that are let through."""
FOLLOWS = 0.7
"""Seconds after a note within which what changes may be the note."""
NEAR = 64
"""Pixels: a terminal writes its next line beside the last one."""
REMEMBERED = 256
"""Changes, and notes, of which it is known what led to them."""
RULE = "it is one of our own notes on the screen"
SENTENCE = (
    "the notes are on the watched screen: each became a change of which the next was made. What "
    "changes there right behind a note is left out from now on. Cure: paint their window over, "
    "such as --set 'privacy.mask=[\"title:PART OF ITS TITLE*\"]' (privacy.echo=false sends it)"
)


@attrs.frozen
class _Chain:
    rounds: int = 0
    places: tuple[Rect, ...] = ()


class Echo(Observer):
    """Follows notes to the changes they cause, and leaves those out once they make a loop."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown: collections.deque[tuple[float, int]] = collections.deque(maxlen=REMEMBERED)
        """When a note was last added to on the screen, and of which change it is."""
        self._led_to: collections.OrderedDict[int, _Chain] = collections.OrderedDict()
        self._muted: tuple[Rect, ...] = ()

    def taken(self, edge: str, item: object) -> None:
        """See Observer: a sink is about to show a note."""
        if edge.startswith("sinks→") and isinstance(item, Note):
            self._shown.append((trio.current_time(), item.seq))

    def judge(self, change: Change) -> Change:
        """The change without what is only our own notes, once that goes round in circles."""
        if not change.regions:
            return change
        seq = self._note_before(change.frame.time)
        if seq is None:
            self._remember(change.seq, _Chain())
            return change
        change = self._without(change, self._muted)
        if not change.regions:
            return change
        before = self._led_to.get(seq, _Chain())
        goes_on = any(_near(region, before.places) for region in change.regions)
        rounds = before.rounds + 1 if goes_on else 1
        if rounds <= ROUNDS:
            self._remember(change.seq, _Chain(rounds, change.regions))
            return change
        if not self._muted:
            self._say(SENTENCE)
        self._muted = together([*self._muted, *before.places], NEAR)
        return self._without(change, self._muted)

    def _note_before(self, time: float) -> int | None:
        """Of which change a note was shown shortly before."""
        found = (seq for shown, seq in reversed(self._shown) if 0 <= time - shown <= FOLLOWS)
        return next(found, None)

    def _remember(self, seq: int, chain: _Chain) -> None:
        self._led_to[seq] = chain
        if len(self._led_to) > REMEMBERED:
            self._led_to.popitem(last=False)

    def _without(self, change: Change, places: Sequence[Rect]) -> Change:
        regions = tuple(region for region in change.regions if not _near(region, places))
        if len(regions) == len(change.regions):
            return change
        if not regions:
            return Change(change.frame, (), None, RULE, Fate.NOISE)
        marks = tuple(mark for mark in change.marks if not _near(mark.rect, places))
        return attrs.evolve(change, regions=regions, marks=marks)


def _near(rect: Rect, places: Sequence[Rect]) -> bool:
    reach = Rect(rect.x - NEAR, rect.y - NEAR, rect.width + 2 * NEAR, rect.height + 2 * NEAR)
    return any(reach.intersects(place) for place in places)


@attrs.frozen
class WithoutEcho:
    """A change stage whose changes are judged once more."""

    inner: Stage[Frame, Change]
    judge: Callable[[Change], Change]

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Frame], outbox: trio.abc.SendChannel[Change]
    ) -> None:
        """Run the inner stage."""
        await self.inner.run(inbox, _Judged(outbox, self.judge))


class _Judged(trio.abc.SendChannel[Change]):
    def __init__(
        self, outbox: trio.abc.SendChannel[Change], judge: Callable[[Change], Change]
    ) -> None:
        self._outbox = outbox
        self._judge = judge

    async def send(self, value: Change) -> None:
        await self._outbox.send(self._judge(value))

    async def aclose(self) -> None:
        await self._outbox.aclose()
