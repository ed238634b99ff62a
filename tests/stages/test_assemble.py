from __future__ import annotations

import attrs

from hud.items import Status
from hud.realtime.prompt import NOTHING
from stages.assemble import Assemble
from tests import fakes


async def assembled(*deltas):
    return await fakes.through(Assemble(), *deltas)


async def test_a_note_grows_and_ends():
    notes = await assembled(
        fakes.delta(1, "Build ", time=1.0),
        fakes.delta(1, "failed", time=1.5),
        fakes.delta(1, "Build failed.", Status.COMPLETED, time=2.0),
    )
    assert [note.text for note in notes] == ["Build ", "Build failed", "Build failed."]
    last = notes[-1]
    assert (last.first_token_time, last.done_time, last.sent_time) == (1.0, 2.0, 0.5)
    assert last.finished


async def test_nothing_worth_noting_makes_no_note_and_is_never_seen_half():
    pieces = [fakes.delta(1, piece + " ") for piece in NOTHING.split()]
    assert await assembled(*pieces, fakes.delta(1, NOTHING, Status.COMPLETED)) == []


async def test_what_only_begins_like_nothing_is_shown_from_its_difference_on():
    notes = await assembled(
        fakes.delta(1, "Nothing "), fakes.delta(1, "works"), fakes.delta(1, "", Status.COMPLETED)
    )
    assert [note.text for note in notes] == ["Nothing works", "Nothing works"]


async def test_a_failed_answer_is_a_note_that_failed():
    (note,) = await assembled(fakes.delta(1, "", Status.FAILED))
    assert note.status is Status.FAILED


async def test_another_answer_begins_another_note():
    notes = await assembled(fakes.delta(1, "half"), fakes.delta(2, "two", Status.COMPLETED))
    assert [(note.seq, note.text) for note in notes] == [(1, "half"), (2, "two")]


async def test_two_notes_about_one_frame_stay_two():
    first = attrs.evolve(fakes.delta(1, "one", Status.COMPLETED), turn=1)
    second = attrs.evolve(fakes.delta(1, "two", Status.COMPLETED), turn=2)
    notes = await fakes.through(Assemble(), first, second)
    assert [note.text for note in notes] == ["one", "two"]
    assert len({note.key for note in notes}) == len({note.id for note in notes}) == 2
