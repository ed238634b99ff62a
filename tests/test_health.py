"""Health: what is told of a run comes from what passed, and from what its parts say."""

from __future__ import annotations

import contextlib

import attrs
import pytest
import trio
import trio.testing

from hud.channel import open_edge
from hud.commands.run import _patience
from hud.config import build
from hud.document import parse
from hud.health import BUDGET, CAPTURE, SESSION, SIGHT, STALLED, Health
from hud.items import Status
from hud.pipeline import edges
from hud.privacy.pause import Pause
from stages.registry import SECTIONS
from tests import fakes
from tests.stages.sinking import NOTE

DONE = attrs.evolve(NOTE, status=Status.COMPLETED)


@pytest.fixture
def said():
    return []


@pytest.fixture
def health(said):
    return Health(Pause(), said.append, {"send": 30.0}, trio.current_time)


def words(health):
    return [finding.word for finding in health.findings]


def is_healthy(health):
    return health.record()["healthy"]


@contextlib.asynccontextmanager
async def kept(health):
    async with health.kept():
        await trio.testing.wait_all_tasks_blocked()
        yield


async def test_what_does_its_work_is_healthy(health, autojump_clock):
    health.of(CAPTURE).works(3.0)
    assert health.findings == []
    assert is_healthy(health)
    assert health.line() == health.word() == "watching"


async def test_each_part_that_says_so_is_named_and_the_gravest_first(health, autojump_clock):
    health.of("notes.db").fails("No space left on device")
    health.of(BUDGET).fails("$3.00 of $3.00 a day")
    health.of(SESSION).fails("closed 1006")
    health.of(CAPTURE).fails("the X server has ended")
    assert words(health)[:2] == ["capture lost", "session down"]
    assert set(words(health)[2:]) == {"sink notes.db down", "budget spent"}
    assert not is_healthy(health)
    assert health.word().startswith("capture lost since ")
    assert health.word().endswith("the X server has ended and 3 more")
    for name in ("notes.db", BUDGET, SESSION, CAPTURE):
        health.of(name).works()
    assert is_healthy(health)


@pytest.mark.parametrize("harmless", [True, False])
async def test_what_the_user_wants_is_no_illness(health, harmless, autojump_clock):
    health.of(SIGHT).fails("the screen is locked", harmless=harmless)
    assert words(health) == ["nothing to see"]
    assert is_healthy(health) is harmless


async def test_paused_is_healthy_and_its_time_is_known(health, autojump_clock):
    await trio.sleep(5)
    health._pause.turn(paused=True)
    await trio.sleep(7)
    assert words(health) == ["paused"]
    assert is_healthy(health)
    assert health.record()["findings"][0]["seconds"] == pytest.approx(7)


async def test_a_still_screen_that_is_looked_at_is_not_stalled(health, said, autojump_clock):
    async with kept(health):
        for _ in range(100):
            health.of(CAPTURE).works(3.0)
            await trio.sleep(3.0)
            assert health.findings == []
        assert health.ages()["looked"] == 3.0
        await trio.sleep(STALLED + 3)
        assert words(health) == ["capture stalled"]
        assert health.is_stuck
        assert not is_healthy(health)
        health.of(CAPTURE).works(3.0)
        await trio.sleep(2.1)
    assert [line.partition(" since")[0] for line in said] == ["capture stalled", "capture goes on"]


@pytest.mark.parametrize(
    ("edge", "item", "patience"),
    [
        ("capture→change", fakes.frame(1), 0.0),
        ("change→encode", fakes.always(fakes.frame(1)), 0.0),
        ("encode→send", fakes.shot(1), 30.0),
    ],
)
async def test_a_stage_that_keeps_one_item_is_stalled_until_it_hands_on(
    health, edge, item, patience, autojump_clock
):
    stage = edge.partition("→")[2]
    health.taken(edge, item)
    await trio.sleep(STALLED + patience - 0.1)
    assert health.findings == []
    await trio.sleep(0.2)
    assert words(health) == [f"{stage} stalled"]
    health.offered(f"{stage}→next", item)
    assert health.findings == []


async def test_who_waits_for_a_session_or_for_money_is_not_stalled(health, autojump_clock):
    health.taken("encode→send", fakes.shot(1))
    for name in (SESSION, BUDGET):
        health.of(name).fails("away")
        await trio.sleep(1000)
        assert len(words(health)) == 1
        assert not health.is_stuck
        health.of(name).works()
        await trio.sleep(STALLED + 29)
        assert not health.is_stuck
    await trio.sleep(2)
    assert health.is_stuck


async def test_an_answer_that_streams_is_not_stalled(health, autojump_clock):
    health.taken("encode→send", fakes.shot(1))
    for _ in range(10):
        await trio.sleep(STALLED)
        health.offered("send→assemble", fakes.delta(1, "word"))
        assert not health.is_stuck
    health.offered("send→assemble", fakes.delta(1, "word", Status.COMPLETED))
    await trio.sleep(1000)
    assert not health.is_stuck


async def test_a_sink_that_neither_delivers_nor_complains_is_stalled(health, autojump_clock):
    first, second = attrs.evolve(DONE, seq=1), attrs.evolve(DONE, seq=2)
    health.taken("sinks→notes.db", first)
    health.taken("sinks→notes.db", second)
    await trio.sleep(STALLED + 1)
    assert words(health) == ["sink notes.db stalled"]
    health.of("notes.db").fails("No space left on device")
    assert words(health) == ["sink notes.db down"]
    health.of("notes.db").works()
    # The first one was given up meanwhile.
    health.offered("notes.db→", second)
    await trio.sleep(1000)
    assert health.findings == []


async def test_who_gave_a_turn_up_and_waits_for_a_better_time_is_not_stalled(
    health, autojump_clock
):
    """A rate limit: the change waits before the encoder again, and nobody works on it."""
    outbox, inbox = open_edge("change→encode", edges({})["encode"], health)
    await outbox.send(fakes.always(fakes.frame(1)))
    change = await inbox.receive()
    health.offered("encode→send", fakes.shot(1))
    health.taken("encode→send", fakes.shot(1))
    assert inbox.give_back(change)
    await trio.sleep(86)
    assert health.findings == []
    health.taken("encode→send", fakes.shot(1))
    await trio.sleep(STALLED + 31)
    assert words(health) == ["send stalled"]


async def test_a_slow_sink_that_works_is_not_stalled(health, autojump_clock):
    """A note every 5 s, 9 s a delivery: more and more wait, and none is forgotten."""

    async def come():
        for seq in range(100):
            health.taken("sinks→slow", attrs.evolve(DONE, seq=seq))
            await trio.sleep(5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come)
        for seq in range(50):
            await trio.sleep(9)
            assert health.findings == []
            health.offered("slow→", attrs.evolve(DONE, seq=seq))
        await trio.sleep(STALLED + 1)
        assert words(health) == ["sink slow stalled"]
        nursery.cancel_scope.cancel()


async def test_a_sink_may_take_as_long_as_its_options_say(said, autojump_clock):
    health = Health(Pause(), said.append, {"command": 30.0})
    health.taken("sinks→command", DONE)
    await trio.sleep(STALLED + 29)
    assert health.findings == []
    await trio.sleep(2)
    assert health.is_stuck


async def test_a_sink_that_waits_for_its_restart_is_not_stalled(health, autojump_clock):
    health.taken("sinks→file", DONE)
    await trio.sleep(STALLED - 1)
    health.crashed("file", OSError("gone"), 30.0)
    await trio.sleep(STALLED + 29)
    assert words(health) == ["file restarting"]
    await trio.sleep(2)
    assert words(health) == ["sink file stalled", "file restarting"]


def test_each_is_given_the_time_that_its_options_give_it():
    document = parse(
        "capture: {use: replay, path: x}\n"
        "realtime: {url: local, answer_timeout: 40}\n"
        "privacy: {redact: [api-keys], read_within: 60}\n"
        "sinks: [{use: command, argv: [cat], timeout: 50}, {use: terminal}]\n",
        "",
    )
    patience = _patience(build(document, SECTIONS))
    assert patience == {"send": 40.0, "encode": 60.0, "command": 52.0, "terminal": 0.0}


async def test_a_stage_that_raised_is_named_until_it_hands_on_again(health, autojump_clock):
    health.crashed("encode", OSError("gone"), 1.0)
    assert words(health) == ["encode restarting"]
    assert health.findings[0].reason == "OSError: gone"
    health.offered("encode→send", fakes.shot(1))
    assert health.findings == []


async def test_who_was_silent_because_nothing_ran_is_not_blamed(said, autojump_clock):
    """A clock beside trio's that goes on while the machine sleeps."""
    slept, woken = [0.0], []
    health = Health(Pause(), said.append, clock=lambda: trio.current_time() + slept[0])
    health.of(CAPTURE).works(3.0)
    health.taken("change→encode", fakes.always(fakes.frame(1)))

    async def wait():
        await health.wait_woken()
        woken.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        async with kept(health):
            await trio.sleep(19.5)
            slept[0] += 8 * 3600
            await trio.sleep(4)
            assert health.findings == []
            await trio.sleep(STALLED)
            assert health.is_stuck
    assert len(woken) == 1
    assert said[0].startswith("nothing ran for 288")


async def test_who_waits_is_told_of_every_turn(health, autojump_clock):
    turns = []

    async def count():
        while True:
            await health.wait_turned()
            turns.append(health.word().partition(" since")[0])

    async with trio.open_nursery() as nursery, kept(health):
        nursery.start_soon(count)
        for turn in (
            lambda: health.of(CAPTURE).fails("gone"),
            lambda: health.of(CAPTURE).fails("gone"),
            lambda: health.of(CAPTURE).works(3.0),
            lambda: health.of(CAPTURE).works(3.0),
            lambda: health._pause.turn(paused=True),
            lambda: health.crashed("encode", ValueError("x"), 1.0),
        ):
            await trio.testing.wait_all_tasks_blocked()
            turn()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert turns == ["capture lost", "watching", "paused", "encode restarting"]


async def test_a_sinks_memory_is_bounded(health, autojump_clock):
    for seq in range(5000):
        health.taken("sinks→file", attrs.evolve(DONE, seq=seq))
    assert len(health._undelivered["file"]) == 1000
