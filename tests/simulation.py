"""A whole pipeline around the sender in simulated time: a screen that shows a number."""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
from collections.abc import Callable

import attrs
import numpy as np
import trio
import trio.testing

from hud.channel import Observers
from hud.errors import unwrapped
from hud.items import Cause, Change, Fate, Mark, Picture, Shot, Status, View
from hud.ledger import Ledger
from hud.pipeline import Pipeline, Unanswered, run_pipeline
from hud.rect import Rect
from stages.assemble import Assemble
from stages.send.realtime import Realtime
from stages.send.troubles import Troubles
from tests import fakes
from tests.faulty import STRANGER, Faulty

BOX = Rect(0, 0, 4, 4)


@attrs.frozen
class Screen:
    """A capture that shows a number, which depends on the time."""

    number: Callable[[float], int]
    period: float = 1.0
    seqs: itertools.count = attrs.field(factory=lambda: itertools.count(1))

    async def run(self, inbox, outbox) -> None:
        async for tick in inbox:
            pixels = picture(self.number(tick.time))
            await outbox.send(fakes.frame(next(self.seqs), time=tick.time, pixels=pixels))


def counting(every: float, last: int, period: float = 1.0) -> Screen:
    """Counts from 1 to `last`, one more each `every` seconds."""
    return Screen(lambda time: min(last, 1 + int(time / every)), period)


def picture(number: int) -> np.ndarray:
    pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 4), np.uint8)
    pixels.reshape(-1)[:4] = np.array([number], np.int32).view(np.uint8)
    return pixels


def shown(frame) -> int:
    return int(frame.pixels.reshape(-1)[:4].view(np.int32)[0])


@attrs.define
class Detector:
    """Passes on a frame whose number was never seen before, with what was there before."""

    seen: set[int] = attrs.field(factory=set)
    before: np.ndarray | None = None

    def __call__(self, frame) -> Change:
        before, self.before = self.before, frame.pixels
        if shown(frame) in self.seen:
            return Change(frame, (), None, "known", Fate.UNCHANGED)
        self.seen.add(shown(frame))
        marks = () if before is None else (Mark(BOX, before),)
        return Change(frame, (BOX,), Cause.CONTENT, "new", marks=marks)


def as_shot(change) -> Shot:
    return Shot(
        change, (Picture(View((BOX,), (8, 8)), str(shown(change.frame)).encode()),), "caption"
    )


@attrs.define
class Kept:
    """A sink."""

    notes: list = attrs.field(factory=list)

    async def run(self, inbox, outbox) -> None:
        async for note in inbox:
            if note.finished:
                self.notes.append(note)


@attrs.define
class Run:
    """One run and everything there is to see of it."""

    server: Faulty
    local: Faulty = attrs.field(factory=Faulty)
    """The local model's server, for when the money is spent."""
    said: list[str] = attrs.field(factory=list)
    sink: Kept = attrs.field(factory=Kept)
    ledger: Ledger = attrs.field(factory=Ledger)
    observers: list = attrs.field(factory=list)

    async def go(self, screen: Screen, seconds: float, **options) -> None:
        self.server.wall = wall
        stop = trio.Event()
        with unwrapped():
            async with trio.open_nursery() as nursery:
                sender = Realtime(
                    url="wss://remote.example/v1/realtime",
                    key="sk-very-secret-wxyz",
                    troubles=Troubles(self.said.append, "sk-very-secret-wxyz"),
                    dial=functools.partial(self._dial, nursery),
                    open_local=_nowhere,
                    stop=stop,
                    wall=wall,
                    **options,
                )
                nursery.start_soon(_set_after, seconds, stop)
                await self._run(screen, sender, stop)
                nursery.cancel_scope.cancel()

    async def _run(self, screen, sender, stop) -> None:
        unanswered = Unanswered()
        pipeline = Pipeline(
            screen,
            fakes.Map(Detector()),
            fakes.Map(as_shot),
            attrs.evolve(sender, give_back=unanswered.give),
            Assemble(),
            {"kept": self.sink},
            unanswered=unanswered,
            curtain=sender.curtain,
        )
        try:
            observer = Observers([self.ledger, *self.observers])
            await run_pipeline(pipeline, stop=stop, observer=observer)
        finally:
            self.ledger.close()

    async def _dial(self, nursery, url):
        ours, theirs = trio.testing.memory_stream_pair()
        server = self.server if "remote" in url else self.local
        nursery.start_soon(server.serve, theirs)
        return ours

    @property
    def texts(self) -> list[str]:
        return [note.text for note in self.sink.notes if note.status is Status.COMPLETED]

    def check(self, last: int) -> None:
        """What must hold after whatever happened."""
        assert self.server.invalid == []
        assert self.texts[-1] == f"Saw {last}"
        assert max(collections.Counter(self.texts).values()) == 1
        assert not any(STRANGER in note.text for note in self.sink.notes)
        numbers = [int(text.removeprefix("Saw ")) for text in self.texts]
        assert numbers == sorted(numbers)
        assert self.ledger.fates[Fate.FAILED] == 0
        assert sum(self.ledger.fates.values()) == self.ledger.captured
        told = [*self.said, *(note.detail for note in self.sink.notes)]
        assert not any(secret in each for each in told for secret in ("wxyz", "acme"))


@contextlib.asynccontextmanager
async def _nowhere():
    yield "ws://localhost/v1/realtime", "key"


def wall() -> float:
    return 1.8e9 + trio.current_time()


async def _set_after(seconds, event) -> None:
    await trio.sleep(seconds)
    event.set()
