"""What was seen before a pause or a lock is not sent during it, nor afterwards as it was."""

from __future__ import annotations

import itertools

import attrs
import pytest
import trio

from hud.items import Fate, Status
from hud.privacy.curtain import Curtain
from hud.realtime.memory import Memory
from tests import fakes
from tests.faulty import Faulty
from tests.simulation import Run, picture

LATE = 12.0
"""When the screen shows 2, for the first time."""
SHUT, OPEN = 15.0, 40.0
"""When the pause, or the lock, begins and ends."""


@attrs.frozen
class Screen:
    """Shows 1, then 2, and `last` from the middle of the pause on."""

    curtain: Curtain
    last: int
    lock: bool
    period: float = 1.0
    seqs: itertools.count = attrs.field(factory=lambda: itertools.count(1))

    async def run(self, inbox, outbox) -> None:
        start = trio.current_time()
        async for tick in inbox:
            time = tick.time - start
            number = 1 if time < LATE else 2 if time < 30.0 else self.last
            frame = fakes.frame(next(self.seqs), time=tick.time, pixels=picture(number))
            unseen = SHUT <= time < OPEN if self.lock else self.curtain.pause.paused
            await outbox.send(attrs.evolve(frame, withheld=unseen))


async def go(server, *, last, lock, seconds=100.0, think=0.2, **options) -> tuple[Run, float]:
    server.think, curtain, start = think, Curtain(), trio.current_time()
    run = Run(server)

    async def turn() -> None:
        await trio.sleep_until(start + SHUT)
        curtain.pause.turn(paused=True)
        await trio.sleep_until(start + OPEN)
        curtain.pause.turn(paused=False)

    async with trio.open_nursery() as nursery:
        if not lock:
            nursery.start_soon(turn)
        await run.go(Screen(curtain, last, lock), seconds, curtain=curtain, **options)
        nursery.cancel_scope.cancel()
    assert run.server.invalid == []
    assert sum(run.ledger.fates.values()) == run.ledger.captured
    return run, start


def is_kept(run: Run, start: float) -> None:
    """Nothing began to be sent while it was shut, and nothing from before it after it."""
    for note in run.sink.notes:
        sent, captured = note.sent_time - start, note.captured_time - start
        assert not SHUT < sent < OPEN
        assert sent < SHUT or captured >= OPEN


CASES = {
    # The change waits behind an answer that takes its time: asked at 0, there at 20 s.
    "an answer": {"think": 20.0},
    # Or for a server that is away from the first turn on.
    "no session": {"faults": ["cut"], "away": [503] * 6},
}


@pytest.mark.parametrize("lock", [False, True])
@pytest.mark.parametrize("waits", CASES)
@pytest.mark.parametrize(("last", "texts"), [(3, ["Saw 1", "Saw 3"]), (2, ["Saw 1", "Saw 2"])])
async def test_what_waits_is_shown_as_it_stands_after_the_pause(
    autojump_clock, waits, lock, last, texts
):
    case = CASES[waits]
    server = Faulty(iter(case.get("faults", [])), away=case.get("away", []))
    run, start = await go(server, last=last, lock=lock, think=case.get("think", 0.2))
    is_kept(run, start)
    assert run.texts in (texts, texts[1:])  # cut off, the first one is not answered by itself
    assert run.ledger.fates[Fate.FAILED] == 0


async def test_what_is_gone_after_the_pause_is_never_shown(autojump_clock):
    run, start = await go(Faulty(), last=1, lock=False, think=20.0)
    is_kept(run, start)
    assert run.texts == ["Saw 1"]


async def test_a_run_that_ends_in_the_pause_sends_nothing_more(autojump_clock):
    run, start = await go(Faulty(), last=3, lock=False, seconds=35.0, think=20.0)
    assert all(note.sent_time - start < SHUT for note in run.sink.notes)
    assert [note.status for note in run.sink.notes] == [Status.COMPLETED]
    assert run.ledger.fates[Fate.WITHHELD_BY_PRIVACY] > 20
    assert run.ledger.fates[Fate.FAILED] == 0


@pytest.mark.parametrize(("seconds", "requests"), [(35.0, 2), (100.0, 3)])
async def test_notes_are_not_summed_up_in_a_pause(autojump_clock, seconds, requests):
    server = Faulty(keep_requests=True)
    memory = Memory(keep=1, most=2, summarizes=True)  # full at 12 s, to be summed up at 15 s
    await go(server, last=2, lock=False, seconds=seconds, memory=memory)
    assert [each["type"] for each in server.requests].count("response.create") == requests
