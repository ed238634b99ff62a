"""Notes that were taken but not delivered yet: no sink holds up the others, none forgets.

A sink whose target may be away (a full disk, a server that is down) takes every finished note at
once and delivers from the front, several together where the target can take them so. What cannot be
delivered now waits and is tried again, later and later; the user is told once that the target is
away and once that it is back. What waits outlives a crash of the sink.
"""

from __future__ import annotations

import collections
import random
from collections.abc import Awaitable, Callable, Sequence

import attrs
import trio

from hud.condition import Condition
from hud.errors import PipelineError, cause, lacks_resources, unwrapped
from hud.items import Note

MOST = 10_000
"""Notes that wait for a target that is away, about 1 kB each; beyond, the oldest are given up."""
FIRST_WAIT = 0.5
"""Seconds before the second try; each further one waits up to twice as long."""
LAST_TRIES = 5.0
"""Seconds of trying after the last note came; within the pipeline's grace period."""


MOST_CRASHES = 5
"""Over one note, before it is given up: it may be what the sink cannot bear."""


class AwayError(Exception):
    """The target cannot take notes now.

    Attributes:
        delivered: how many of the notes, from the first, it has taken all the same.
        wait: seconds the target asked us to stay away.
    """

    def __init__(self, reason: str, *, delivered: int = 0, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.delivered = delivered
        self.wait = wait


@attrs.define(eq=False)
class Backlog:
    """What a sink has taken and not delivered, which it finds again when it is restarted."""

    notes: collections.deque[Note] = attrs.field(factory=collections.deque)
    in_hand: list[Note] = attrs.field(factory=list)
    """Those that are being delivered, before all others."""
    given_up: int = 0
    away: bool = False
    crashes: int = 0
    """In a row, over the first note in hand."""
    suspects: int = 0
    """Notes from the front that are delivered one by one, for one of them may be to blame."""

    def next(self, together: int) -> list[Note]:
        """Take so many into the hand, at most, unless some are in it already."""
        if not self.in_hand:
            count = min(len(self.notes), 1 if self.suspects else together)
            self.in_hand += [self.notes.popleft() for _ in range(count)]
        return self.in_hand

    def let_go(self, count: int) -> list[Note]:
        """So many from the hand, which are done with."""
        done, self.in_hand[:count] = self.in_hand[:count], []
        self.suspects = max(0, self.suspects - count)
        self.crashes = 0
        return done

    def suspect(self) -> None:
        """The sink crashes over what is in the hand: only the first of it stays there."""
        self.suspects = max(self.suspects, len(self.in_hand))
        self.crashes += 1
        self.notes.extendleft(reversed(self.in_hand[1:]))
        del self.in_hand[1:]


@attrs.frozen
class Target:
    """Where notes are delivered to."""

    name: str
    """What the user is told it is."""
    deliver: Callable[[Sequence[Note]], Awaitable[None]]
    """Hands over some notes in order; raises AwayError when it cannot."""
    warn: Callable[[str], None]
    backlog: Backlog = attrs.field(factory=Backlog)
    together: int = 1
    """Notes in one delivery, at most."""
    longest_wait: float = 15.0
    """Seconds between two tries, at most."""
    condition: Condition = attrs.field(factory=Condition)
    """Told whether the target is there."""


async def deliver_all(
    target: Target, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
) -> None:
    """Deliver every finished note, in order; sends on what was delivered.

    Raises:
        PipelineError: the inbox ended and the target stayed away.
    """
    delivery = _Delivery(target, target.backlog)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(delivery.fill, inbox, name="backlog")
            await delivery.empty(outbox)


@attrs.define(eq=False)
class _Delivery:
    target: Target
    backlog: Backlog
    arrived: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    ended_time: float = float("inf")

    async def fill(self, inbox: trio.abc.ReceiveChannel[Note]) -> None:
        async for note in inbox:
            if not note.finished:
                continue
            if len(self.backlog.notes) >= MOST:
                self.give_up_oldest()
            self.backlog.notes.append(note)
            self.arrived.set()
        self.ended_time = trio.current_time()
        self.ended.set()
        self.arrived.set()

    def give_up_oldest(self) -> None:
        if not self.backlog.given_up:
            self.target.warn(f"{self.target.name}: {MOST} notes wait, now the oldest are given up")
        self.backlog.notes.popleft()
        self.backlog.given_up += 1

    async def empty(self, outbox: trio.abc.SendChannel[Note]) -> None:
        while notes := await self.next_notes():
            if self.backlog.crashes < MOST_CRASHES:
                await self.deliver(notes, outbox)
            else:
                self.target.warn(f"{self.target.name}: a note is given up: it cannot be delivered")
                self.backlog.let_go(1)

    async def next_notes(self) -> list[Note]:
        """What has come by now, as many as the target takes together; nothing at the end."""
        while not (notes := self.backlog.next(self.target.together)) and not self.ended.is_set():
            self.arrived = trio.Event()
            await self.arrived.wait()
        return notes

    async def deliver(self, notes: Sequence[Note], outbox: trio.abc.SendChannel[Note]) -> None:
        """Try until the target has them all."""
        wait = FIRST_WAIT
        while (error := await self.attempt(notes)) is not None:
            if not self.backlog.away:
                self.backlog.away = True
                self.target.warn(f"{self.target.name}: {error}; the notes wait until it works")
            await self.pass_on(error.delivered, outbox)
            self.target.condition.fails(str(error))
            # Spread, so that many who lost the same server do not come back in step.
            spread = random.uniform(0.5, 1.0) * wait  # noqa: S311 - no secret
            await self.pause(max(error.wait, spread), len(notes), error)
            wait = min(2 * wait, self.target.longest_wait)
        self.back()
        await self.pass_on(len(notes), outbox)

    async def pass_on(self, count: int, outbox: trio.abc.SendChannel[Note]) -> None:
        for note in self.backlog.let_go(count):
            await outbox.send(note)

    async def attempt(self, notes: Sequence[Note]) -> AwayError | None:
        try:
            await self.target.deliver(notes)
        except AwayError as error:
            return error
        except Exception as error:
            if lacks_resources(cause(error)):
                return AwayError(str(cause(error)))
            self.backlog.suspect()
            raise
        return None

    async def pause(self, seconds: float, unsent: int, error: AwayError) -> None:
        """Wait before the next try; shorter, and not for ever, once no more notes come."""
        with trio.move_on_after(seconds):
            await self.ended.wait()
            seconds = max(FIRST_WAIT, error.wait)
            if trio.current_time() + seconds > self.ended_time + LAST_TRIES:
                count = unsent + len(self.backlog.notes)
                lost = f"{count} note{'s' if count > 1 else ''} could not be delivered"
                raise PipelineError(f"{self.target.name}: {lost}: {error}")
            await trio.sleep(seconds)

    def back(self) -> None:
        backlog = self.backlog
        self.target.condition.works()
        if backlog.away:
            lost = f", {backlog.given_up} older ones are lost" if backlog.given_up else ""
            self.target.warn(f"{self.target.name}: works again, the notes that waited go out{lost}")
        backlog.away, backlog.given_up = False, 0
