"""The file reaches ahead of what is spent: no turn waits for the disk, none is asked uncovered."""

from __future__ import annotations

import json
import math

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.items import Usage
from hud.realtime.models import MODELS
from hud.spending import Account, BudgetOptions, Clock, open_account
from stages.send import admission as admissions
from stages.send.admission import AHEAD, Admission
from tests.simulation import wall

PRICE = MODELS["gpt-realtime-1.5"].price
SIZE = admissions.Size(2500, 323)
LARGER = admissions.Size(4000, 800)
NEED = 0.025
"""Dollars that are more than a turn of SIZE may cost."""


@attrs.define
class SlowDisk:
    """Takes `seconds` for each write, which stands there at once or at its end; can hang."""

    seconds: float = 1.0
    early: bool = False
    text: str | None = None
    writes: int = 0

    async def in_thread(self, save, state) -> None:
        self.writes += 1
        if self.early:
            self.text = state[1]
        await trio.sleep(self.seconds)
        self.text = state[1]


@pytest.fixture
def disk(monkeypatch) -> SlowDisk:
    disk = SlowDisk()
    monkeypatch.setattr(admissions, "in_thread", disk.in_thread)
    return disk


def purse(**options) -> Admission:
    budget = BudgetOptions(**options).make(words=False, local=False)
    lasting = [limit for limit in budget.limits if not math.isinf(limit.period)]
    account = Account("nowhere", lasting, Clock(lambda: 0.0, ""), wall())
    return Admission(
        budget, PRICE, 300, [].append, account, BudgetOptions(**options).needs_past, wall
    )


def in_the_file(disk: SlowDisk, name: str = "hour") -> float:
    """What the next run would count if this one were killed now."""
    if disk.text is None:
        return 0.0
    state = json.loads(disk.text)["limits"][name]
    return math.fsum(amount for _, amount in state["slices"]) + state["open"]


def known(purse: Admission, name: str = "hour") -> float:
    (limit,) = (limit for limit in purse.budget.limits if limit.name == name)
    return limit.spent(purse.now) + limit.reserved


def usage(size, share: float) -> Usage:
    text = int(size.text_tokens * share)
    return Usage(text, int(300 * share), text)


async def timed_turn(purse: Admission, size=SIZE, answer: float = 0.5, share: float = 0.5) -> float:
    """One turn; seconds it had to wait before it was asked."""
    start = trio.current_time()
    booking = await purse.book(size)
    assert booking is not None
    waited = trio.current_time() - start
    await trio.sleep(answer)
    purse.settle(booking, usage(size, share))
    return waited


async def test_turns_in_a_row_do_not_wait_for_a_slow_disk(autojump_clock, disk):
    """A write may take nearly as long as a turn."""
    disk.seconds = 0.45
    mine = purse(usd_per_hour=50.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mine.keep_up)
        await trio.sleep(2)
        waits = [await timed_turn(mine) for _ in range(40)]
        nursery.cancel_scope.cancel()
    assert waits == [0.0] * 40
    assert 10 <= disk.writes <= 42


async def test_a_turn_that_is_not_covered_waits_for_the_disk(autojump_clock, disk):
    mine = purse(usd_per_hour=50.0)
    assert await timed_turn(mine) == 1.0
    assert await timed_turn(mine) == 0.0


async def test_without_limits_nobody_ever_waits(autojump_clock, disk):
    disk.seconds = 1e6
    mine = purse()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mine.keep_up)
        waits = [await timed_turn(mine) for _ in range(20)]
        nursery.cancel_scope.cancel()
    assert waits == [0.0] * 20


async def test_a_limit_of_the_run_alone_waits_for_nothing_either(autojump_clock, disk):
    mine = purse(usd_per_run=5.0)
    assert [await timed_turn(mine) for _ in range(5)] == [0.0] * 5


async def test_a_clean_end_leaves_exactly_what_was_spent(autojump_clock, disk):
    disk.seconds = 0.1
    mine = purse(usd_per_hour=50.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mine.keep_up)
        await trio.sleep(1)
        await timed_turn(mine)
        await trio.sleep(1)
        assert in_the_file(disk) > mine.spent + NEED / 4
        nursery.cancel_scope.cancel()
    assert in_the_file(disk) == pytest.approx(mine.spent, abs=1e-12)


async def test_what_is_held_ahead_takes_nothing_from_a_limit(autojump_clock, disk):
    """The last turn that fits is asked, though the file cannot hold two more."""
    most = 0.2
    mine, alone = purse(usd_per_hour=most), purse(usd_per_hour=most)
    alone.keeper = None

    async def spend(purse: Admission) -> int:
        turns = 0
        while purse.wait() <= 0.0:
            booking = await purse.book(SIZE)
            if booking is None:
                return turns
            turns += 1
            purse.settle(booking, None)
            assert in_the_file(disk) <= most + 1e-9
            await trio.sleep(2)
        return turns

    async with trio.open_nursery() as nursery:
        nursery.start_soon(mine.keep_up)
        await trio.sleep(2)
        # Credit comes with the time; the limit itself is what ends it here.
        for each in (*mine.budget.limits, *alone.budget.limits):
            each._credit = each.most
        assert await spend(mine) == await spend(alone) > 5
        nursery.cancel_scope.cancel()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([SIZE, LARGER]),
        st.sampled_from(["paid", "lost", "cancelled", "open"]),
        st.sampled_from([0.0, 0.3, 1.5, 40.0, 1700.0]),
        st.floats(0.1, 1.0),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(
    steps=STEPS,
    most=st.floats(0.03, 3.0),
    tokens=st.sampled_from([None, 12_000.0]),
    disk=st.builds(SlowDisk, st.sampled_from([0.0, 0.2, 1.0, 30.0]), st.booleans()),
    kept_up=st.booleans(),
)
def test_whoever_is_killed_has_spent_what_was_asked(steps, most, tokens, disk, kept_up):
    """Whenever a turn goes out, the file counts it and all before it, and within the limit."""

    async def main() -> None:
        mine = purse(usd_per_hour=most, tokens_per_minute=tokens)
        async with trio.open_nursery() as nursery:
            if kept_up:
                nursery.start_soon(mine.keep_up)
            for size, end, pause, share in steps:
                if mine.wait() <= 0.0 and (booking := await mine.book(size)) is not None:
                    assert in_the_file(disk) >= known(mine) - 1e-12
                    assert in_the_file(disk, "minute") >= known(mine, "minute") - 1e-6
                    assert in_the_file(disk) <= most + 1e-9
                    await trio.sleep(pause)
                    if end == "cancelled":
                        mine.cancel(booking)
                    elif end != "open":
                        mine.settle(booking, usage(size, share) if end == "paid" else None)
                await trio.sleep(pause / 3)
            nursery.cancel_scope.cancel()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admissions, "in_thread", disk.in_thread)
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_a_killed_run_costs_the_next_one_two_turns_at_most(
    autojump_clock, inline_threads, tmp_path
):
    path, options = tmp_path / "s.json", BudgetOptions(usd_per_hour=5.0)
    mine = purse(usd_per_hour=5.0)
    with open_account(mine.budget, path, wall()) as account:
        mine.keeper = account
        for _ in range(4):
            await timed_turn(mine)
        spent = mine.spent
    budget = options.make(words=False, local=False)
    with open_account(budget, path, wall()):
        counted = budget.limits[0].spent(wall())
    assert spent <= counted <= spent + (AHEAD + 1) * NEED
