from __future__ import annotations

import gc

import attrs
import pytest

from hud.garbage import Settled
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
