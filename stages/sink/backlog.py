"""Notes that were taken but not delivered yet: no sink holds up the others, none forgets.

A sink whose target may be away (a full disk, a server that is down) takes every finished note at
once and delivers from the front, several together where the target can take them so. What cannot be
delivered now waits and is tried again, later and later; the user is told once that the target is
away and once that it is back.
"""

from __future__ import annotations

import collections
import random
from collections.abc import Awaitable, Callable, Sequence

import attrs
import trio

from hud.condition import Condition
from hud.errors import PipelineError, unwrapped
from hud.items import Note

MOST = 10_000
"""Notes that wait for a target that is away, about 1 kB each; beyond, the oldest are given up."""
FIRST_WAIT = 0.5
"""Seconds before the second try; each further one waits up to twice as long."""
LAST_TRIES = 5.0
"""Seconds of trying after the last note came; within the pipeline's grace period."""


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


@attrs.frozen
class Target:
    """Where notes are delivered to."""

    name: str
    """What the user is told it is."""
    deliver: Callable[[Sequence[Note]], Awaitable[None]]
    """Hands over some notes in order; raises AwayError when it cannot."""
    warn: Callable[[str], None]
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
    backlog = _Backlog(target)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(backlog.fill, inbox, name="backlog")
            await backlog.empty(outbox)


@attrs.define(eq=False)
class _Backlog:
    target: Target
    notes: collections.deque[Note] = attrs.field(factory=collections.deque)
    given_up: int = 0
    away: bool = False
    arrived: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    ended_time: float = float("inf")

    async def fill(self, inbox: trio.abc.ReceiveChannel[Note]) -> None:
        async for note in inbox:
            if not note.finished:
                continue
            if len(self.notes) == MOST:
                self.give_up_oldest()
            self.notes.append(note)
            self.arrived.set()
        self.ended_time = trio.current_time()
        self.ended.set()
        self.arrived.set()

    def give_up_oldest(self) -> None:
        if not self.given_up:
            self.target.warn(f"{self.target.name}: {MOST} notes wait, now the oldest are given up")
        self.notes.popleft()
        self.given_up += 1

    async def empty(self, outbox: trio.abc.SendChannel[Note]) -> None:
        while notes := await self.next_notes():
            await self.deliver(notes)
            for note in notes:
                await outbox.send(note)

    async def next_notes(self) -> list[Note]:
        """What has come by now, as many as the target takes together; nothing at the end."""
        while not self.notes and not self.ended.is_set():
            self.arrived = trio.Event()
            await self.arrived.wait()
        count = min(len(self.notes), self.target.together)
        return [self.notes.popleft() for _ in range(count)]

    async def deliver(self, notes: Sequence[Note]) -> None:
        """Try until the target has them all."""
        wait = FIRST_WAIT
        while (error := await self.attempt(notes)) is not None:
            if not self.away:
                self.away = True
                self.target.warn(f"{self.target.name}: {error}; the notes wait until it works")
            notes = notes[error.delivered :]
            self.target.condition.fails(str(error))
            # Spread, so that many who lost the same server do not come back in step.
            spread = random.uniform(0.5, 1.0) * wait  # noqa: S311 - no secret
            await self.pause(max(error.wait, spread), len(notes), error)
            wait = min(2 * wait, self.target.longest_wait)
        self.back()

    async def attempt(self, notes: Sequence[Note]) -> AwayError | None:
        try:
            await self.target.deliver(notes)
        except AwayError as error:
            return error
        return None

    async def pause(self, seconds: float, unsent: int, error: AwayError) -> None:
        """Wait before the next try; shorter, and not for ever, once no more notes come."""
        with trio.move_on_after(seconds):
            await self.ended.wait()
            seconds = max(FIRST_WAIT, error.wait)
            if trio.current_time() + seconds > self.ended_time + LAST_TRIES:
                count = unsent + len(self.notes)
                lost = f"{count} note{'s' if count > 1 else ''} could not be delivered"
                raise PipelineError(f"{self.target.name}: {lost}: {error}")
            await trio.sleep(seconds)

    def back(self) -> None:
        self.target.condition.works()
        if self.away:
            lost = f", {self.given_up} older ones are lost" if self.given_up else ""
            self.target.warn(f"{self.target.name}: works again, the notes that waited go out{lost}")
        self.away, self.given_up = False, 0
