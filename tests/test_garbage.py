from __future__ import annotations

import gc

import attrs
import pytest
import trio

from hud import garbage
from hud.garbage import ClearingUp, Settled
from hud.items import Note, Status, Usage

NOTE = Note(
    seq=1,
    text="",
    status=Status.IN_PROGRESS,
    monitor=1,
    regions=(),
    captured_wall_time=0.0,
    captured_time=0.0,
    sent_time=0.0,
    first_token_time=None,
    done_time=None,
    usage=Usage(),
)


@pytest.fixture
def thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_is_there_at_the_first_finished_note_is_not_looked_through_again(thawed):
    settled, ended = Settled(), attrs.evolve(NOTE, status=Status.COMPLETED)
    settled.offered("assemble→sinks", NOTE)
    assert gc.get_freeze_count() == 0
    settled.offered("assemble→sinks", ended)
    assert gc.get_freeze_count() > 10_000
    gc.unfreeze()
    settled.offered("assemble→sinks", ended)
    assert gc.get_freeze_count() == 0


async def test_the_heap_is_cleared_up_after_a_note_but_not_after_each(autojump_clock, monkeypatch):
    given = []
    monkeypatch.setattr(garbage, "give_back", lambda: given.append(trio.current_time()))
    clearing, ended = ClearingUp(), attrs.evolve(NOTE, status=Status.COMPLETED)
    clearing.offered("assemble→sinks", NOTE)
    assert not given
    begin = trio.current_time()
    for _ in range(25):
        clearing.offered("assemble→sinks", ended)
        await trio.sleep(1)
    assert [round(when - begin) for when in given] == [0, 10, 20]
