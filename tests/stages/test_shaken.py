"""The sender in a whole pipeline against a server that does everything wrong; simulated time."""

from __future__ import annotations

import gc
import itertools

import attrs
import pytest
import trio

from hud.errors import ServiceError
from hud.items import Fate, Status
from tests import fakes
from tests.faulty import FATAL, RECOVERABLE, Faulty, at_random
from tests.simulation import Run, Screen, counting


async def test_nothing_happens(autojump_clock):
    run = Run(Faulty())
    await run.go(counting(10.0, 3), 60.0)
    run.check(3)
    assert run.texts == ["Saw 1", "Saw 2", "Saw 3"]
    assert run.said == []


@pytest.mark.parametrize("conversation", ["none", "auto"])
@pytest.mark.parametrize("fault", RECOVERABLE)
async def test_the_last_state_of_the_screen_is_answered(autojump_clock, fault, conversation):
    run = Run(Faulty(iter(["", fault])))
    await run.go(counting(10.0, 2), 100.0, conversation=conversation)
    run.check(2)
    assert run.server.done == [fault]
    harmless = fault == "stranger"
    assert bool(run.said) is not harmless, "the cause was not told"


async def test_all_of_them_one_after_the_other(autojump_clock):
    faults = [each for fault in RECOVERABLE * 2 for each in ("", fault)]
    run = Run(Faulty(iter(faults)))
    await run.go(counting(60.0, 44), 2840.0)
    run.check(44)
    assert len(run.server.done) == 2 * len(RECOVERABLE)
    # On a screen that changes once a minute, nothing is merged: each state has its note.
    assert run.texts == [f"Saw {number}" for number in range(1, 45)]


async def test_many_faults_in_a_row(autojump_clock):
    run = Run(Faulty(iter(RECOVERABLE)))
    await run.go(counting(2.0, 200), 600.0)
    run.check(200)
    assert run.server.done == RECOVERABLE


@pytest.mark.parametrize("fault", FATAL)
async def test_what_only_the_user_can_cure_ends_the_run(autojump_clock, fault):
    run = Run(Faulty(iter(["", fault])))
    began = trio.current_time()
    with pytest.raises(ServiceError) as caught:
        await run.go(counting(10.0, 2), 100.0)
    assert trio.current_time() - began < 12.0
    assert any(word in str(caught.value) for word in fault.split()[1:])
    assert run.texts == ["Saw 1"]


async def test_a_wrong_key_ends_the_run_without_showing_it(autojump_clock):
    run = Run(Faulty(refusals=[401]))
    with pytest.raises(ServiceError, match=r"HTTP 401: invalid_api_key.*check the key") as caught:
        await run.go(counting(10.0, 1), 30.0)
    assert "wxyz" not in str(caught.value)


@pytest.mark.parametrize(
    "faults", [["error_on_create invalid_value"] * 3, ["failed server_error"] * 20]
)
async def test_a_failed_note_does_not_repeat_the_key(autojump_clock, faults):
    run = Run(Faulty(iter(faults)))
    await run.go(counting(10.0, 1), 1000.0)
    (failed,) = (note for note in run.sink.notes if note.status is Status.FAILED)
    assert "Wrong for" in failed.detail
    assert "wxyz" not in failed.detail
    assert "acme" not in failed.detail


async def test_a_busy_server_is_asked_again_ever_more_slowly(autojump_clock):
    run = Run(Faulty(refusals=[503, 429, 500, 502, 503]))
    await run.go(counting(10.0, 5), 100.0)
    run.check(5)
    assert len(run.server.done) == 5
    assert run.said[-1] == "answers again, after 5 troubles"
    assert sum("HTTP 503" in line for line in run.said) == 1


async def test_a_server_that_always_fails_is_not_hammered(autojump_clock):
    run = Run(Faulty(itertools.repeat("failed server_error")))
    await run.go(counting(10.0, 300), 3000.0)
    assert 20 < len(run.server.done) < 300
    assert run.texts == []
    failed = [note for note in run.sink.notes if note.status is Status.FAILED]
    assert failed
    assert len(run.said) < 120


async def test_a_stop_while_the_server_is_away_ends_soon_and_says_so(autojump_clock):
    run = Run(Faulty(refusals=[503] * 999))
    await run.go(counting(10.0, 5), 60.0)
    assert trio.current_time() < 70.0
    assert run.texts == []
    assert "not answered" in run.said[-1]
    assert sum(run.ledger.fates.values()) == run.ledger.captured


async def test_a_session_is_replaced_before_its_end(autojump_clock):
    run = Run(Faulty(lifetime=600.0))
    await run.go(counting(7.0, 500), 3550.0)
    run.check(500)
    assert run.said == []
    assert run.server.sessions == 8  # every 480 s, 120 s before the end
    assert len({note.session for note in run.sink.notes}) == 8
    assert run.texts == [f"Saw {number}" for number in range(1, 501)]


def toast(time: float) -> int:
    """1, then 2 for three seconds, then 1 again."""
    return 2 if 10.0 <= time < 13.0 else 1


@pytest.mark.parametrize(("refusals", "texts"), [(0, ["Saw 1", "Saw 2"]), (6, ["Saw 1"])])
async def test_what_came_and_went_while_the_server_was_away(autojump_clock, refusals, texts):
    """The way back of a change leads over the present."""
    run = Run(Faulty(iter(["", "cut"]), away=[503] * refusals))
    await run.go(Screen(toast), 100.0)
    assert run.texts == texts
    assert run.ledger.fates[Fate.FAILED] == 0
    assert sum(run.ledger.fates.values()) == run.ledger.captured


@pytest.mark.parametrize("conversation", ["none", "auto"])
@pytest.mark.parametrize("match", ["metadata", "order"])
async def test_every_event_of_every_mode_is_valid(autojump_clock, conversation, match):
    server = Faulty(iter(["", "stuck", "half", "", "failed server_error"]), keep_requests=True)
    run = Run(server)
    options = {"model": "gpt-realtime-2.1", "reasoning": "low", "conversation": conversation}
    await run.go(counting(40.0, 6), 300.0, match_answers=match, **options)
    run.check(6)
    kinds = {request["type"] for request in server.requests}
    wanted = {"session.update", "response.create", "response.cancel"}
    if conversation == "auto":
        wanted |= {"conversation.item.create", "conversation.item.delete"}
    assert kinds == wanted
    assert all(request["event_id"] for request in server.requests)
    creates = [request for request in server.requests if request["type"] == "response.create"]
    assert all(("metadata" in each["response"]) == (match == "metadata") for each in creates)


@pytest.mark.parametrize(("conversation", "times"), [("auto", 1), ("none", 3)])
async def test_a_new_session_is_told_the_notes_so_far(autojump_clock, conversation, times):
    """In the conversation they are told once; a turn that stands alone brings them each time."""
    server = Faulty(iter(["", "", "cut"]), keep_requests=True)
    await Run(server).go(counting(10.0, 4), 60.0, conversation=conversation)
    told = [each for each in server.requests if "Saw 1" in str(each) and "Saw 2" in str(each)]
    assert len(told) == times


@attrs.define
class Census(fakes.Observer):
    """Counts the living objects each simulated hour."""

    counts: list[int] = attrs.field(factory=list)

    def offered(self, edge, item) -> None:
        if edge == "ticks→capture" and trio.current_time() >= 3600 * (len(self.counts) + 1):
            gc.collect()
            self.counts.append(len(gc.get_objects()))


async def test_a_working_day_with_two_hundred_faults(autojump_clock):
    day = 8 * 3600.0
    run = Run(Faulty(at_random(5, 0.15, 200), lifetime=1200.0))
    census = Census()
    run.observers.append(census)
    changes = int(day / 12) - 20
    await run.go(counting(12.0, changes, period=6.0), day)
    run.check(changes)
    assert len(run.server.done) == 200
    assert run.server.sessions >= 24
    # What was passed on was answered, or merged into a later one that was.
    fates = run.ledger.fates
    assert fates[Fate.SENT] + fates[Fate.MERGED] + fates[Fate.REPLACED] >= changes
    assert len(run.texts) == fates[Fate.SENT]
    # Notes are kept by the test's own sink; all else stays what it was after the second hour.
    grown = census.counts[-1] - census.counts[1]
    assert grown < 3 * len(run.sink.notes), census.counts
