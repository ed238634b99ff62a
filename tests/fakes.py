"""Stand-ins for the world: frames out of nothing, stages of a few lines."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import trio

from hud.channel import Observer
from hud.items import Cause, Change, Fate, Frame, NoteDelta, Picture, Shot, Status, Tick, View
from hud.rect import Rect

BOX = Rect(0, 0, 8, 8)


def frame(seq: int = 1, *, monitor: int = 1, time: float = 0.0, pixels=None) -> Frame:
    if pixels is None:
        pixels = np.zeros((64, 64, 4), np.uint8)
    return Frame(seq, monitor, time, 1000.0 + time, pixels)


def change(seq: int = 1, *regions: Rect, monitor: int = 1, cause: Cause | None = None) -> Change:
    return Change(frame(seq, monitor=monitor), regions, cause or Cause.CONTENT, "test")


def shot(seq: int = 1) -> Shot:
    return Shot(
        change(seq, BOX), (Picture(View((BOX,), (8, 8)), b"jpeg"),), "14:03:20, screen 1 (64x64)"
    )


def delta(seq: int, text: str, status: Status = Status.IN_PROGRESS, time: float = 1.0) -> NoteDelta:
    return NoteDelta(shot(seq), text, time, 0.5, status, session="sess", model="m")


@attrs.frozen
class Count:
    """A capture that makes one frame a tick."""

    period: float = 0.1
    most: int = 10**9
    seqs: Any = attrs.field(factory=lambda: itertools.count(1))

    async def run(self, inbox, outbox) -> None:
        async for tick in inbox:
            assert isinstance(tick, Tick)
            seq = next(self.seqs)
            if seq > self.most:
                return
            await outbox.send(frame(seq, time=tick.time))


@attrs.frozen
class Map:
    """A stage that applies a function; None sends nothing, `work` seconds pass."""

    function: Callable[[Any], Any]
    work: float = 0.0

    async def run(self, inbox, outbox) -> None:
        async for item in inbox:
            await trio.sleep(self.work)
            result = self.function(item)
            if result is not None:
                await outbox.send(result)


def always(frame: Frame) -> Change:
    return Change(frame, (BOX,), Cause.CONTENT, "test")


def every_third(frame: Frame) -> Change:
    if frame.seq % 3 == 0:
        return always(frame)
    return Change(frame, (), None, "test", Fate.UNCHANGED)


def as_shot(change: Change) -> Shot:
    return Shot(change, (Picture(View((BOX,), (8, 8)), b"jpeg"),), "caption")


def answered(shot: Shot) -> NoteDelta:
    now = trio.current_time()
    return NoteDelta(shot, f"note {shot.seq}", now, now, Status.COMPLETED)


@attrs.define
class Events(Observer):
    """Remembers what happened at the edges, as (step, edge, seq)."""

    seen: list[tuple[str, str, int]] = attrs.field(factory=list)
    crashes: list[tuple[str, str, float]] = attrs.field(factory=list)

    def offered(self, edge, item) -> None:
        self._note("offered", edge, item)

    def taken(self, edge, item) -> None:
        self._note("taken", edge, item)

    def dropped(self, edge, item) -> None:
        self._note("dropped", edge, item)

    def merged(self, edge, older, newer, into) -> None:
        self._note("merged", edge, older)

    def returned(self, edge, item) -> None:
        self._note("returned", edge, item)

    def ignored(self, edge, item) -> None:
        self._note("ignored", edge, item)

    def crashed(self, stage, error, retry_in) -> None:
        self.crashes.append((stage, str(error), retry_in))

    def _note(self, step, edge, item) -> None:
        self.seen.append((step, edge, getattr(item, "seq", 0)))


async def through(stage, *items):
    """Run a stage on some items; everything it sends on."""
    before, inbox = trio.open_memory_channel(len(items) + 1)
    outbox, after = trio.open_memory_channel(999)
    with before:
        for item in items:
            await before.send(item)
    with outbox, trio.fail_after(10):
        await stage.run(inbox, outbox)
    return [item async for item in after]
