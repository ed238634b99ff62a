"""The budget at work in a whole pipeline, in simulated time."""

from __future__ import annotations

import errno
import itertools
import json
import math
import os
import pathlib
import re

import attrs
import pytest
import trio

from hud.context import ContextOptions
from hud.errors import UsageError
from hud.items import Fate, Status
from hud.realtime.budget import Reservation
from hud.realtime.memory import SUMMARIZE
from hud.realtime.models import MODELS, cost
from hud.spending import BudgetOptions, Clock, open_account
from stages.send.admission import Admission
from tests.faulty import Faulty
from tests.simulation import Run, counting, wall

PRICE = MODELS["gpt-realtime-1.5"].price
HOUR = 3600.0


def admission(said, *, local=False, **options) -> Admission:
    budget = BudgetOptions(**options).make(words=False, local=local)
    return Admission(budget, PRICE, 300, said, wall=wall)


def dollars(run) -> float:
    return sum(note.usd for note in run.sink.notes)


async def test_every_note_says_what_it_cost(autojump_clock):
    run = Run(Faulty())
    purse = admission(run.said.append)
    await run.go(counting(10.0, 3), 60.0, admission=purse)
    run.check(3)
    for note in run.sink.notes:
        assert note.usd == pytest.approx(cost(note.usage, PRICE)) != 0
    assert purse.spent == pytest.approx(dollars(run))


@pytest.mark.parametrize("per_hour", [0.05, 0.2])
async def test_no_hour_costs_more_and_nothing_is_forgotten(autojump_clock, per_hour):
    run = Run(Faulty())
    purse = admission(run.said.append, usd_per_hour=per_hour)
    await run.go(counting(4.0, 2400), 3.2 * HOUR, admission=purse)
    run.check(2400)
    spends = [(note.done_time, note.usd) for note in run.sink.notes]
    for start, _ in spends:
        inside = sum(usd for at, usd in spends if start <= at < start + HOUR)
        assert inside <= per_hour + 0.001
    assert dollars(run) > 2.2 * per_hour, "the budget was not used"
    assert all(limit.reserved == 0 for limit in purse.budget.limits)
    fates = run.ledger.fates
    assert fates[Fate.SENT] == len(run.sink.notes)
    assert fates[Fate.SENT] + fates[Fate.MERGED] >= 2400
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(spends)]
    assert max(gaps) < 20 * sorted(gaps)[len(gaps) // 2], "it was not spread"


async def test_the_budget_of_a_run_ends_the_asking_but_not_the_run(autojump_clock):
    run = Run(Faulty())
    purse = admission(run.said.append, usd_per_run=0.02)
    await run.go(counting(4.0, 500), 2100.0, admission=purse)
    assert 0.01 < dollars(run) <= 0.02
    (end,) = [line for line in run.said if "nothing more is sent" in line]
    assert re.match(r"budget: \$0\.0[12] of \$0\.02 a run; nothing more is sent", end)
    fates = run.ledger.fates
    assert fates[Fate.WITHHELD_BY_BUDGET] > 300
    assert sum(fates.values()) == run.ledger.captured
    assert {note.status for note in run.sink.notes} == {Status.COMPLETED}


async def test_the_local_model_goes_on_when_the_money_is_spent(autojump_clock):
    run = Run(Faulty())
    purse = admission(run.said.append, usd_per_hour=0.05, local=True)
    # An hour of much, an hour and a half of nothing, then one change.
    screen = counting(4.0, 900)
    late = 2.5 * HOUR
    screen = attrs.evolve(screen, number=lambda t: 901 if t > late else min(900, 1 + int(t / 4.0)))
    await run.go(screen, late + 60, admission=purse)
    run.check(901)
    models = [note.model for note in run.sink.notes]
    assert models[-1] == "gpt-realtime-1.5"
    assert {"local", "gpt-realtime-1.5"} == set(models)
    steps = [line.rpartition("; from now on ")[2] for line in run.said]
    assert steps[:2] == ["fewer and smaller pictures", "the local model only"]
    assert steps[-1] == "pictures as configured"
    assert all(note.usd == 0.0 for note in run.sink.notes if note.model == "local")


async def test_spending_outlives_the_program(autojump_clock, inline_threads, tmp_path):
    """Killed after half an hour and started again: the hour is still the hour."""
    spends = []
    for _ in range(2):
        run = Run(Faulty())
        purse = admission(run.said.append, usd_per_hour=0.05)
        clock = Clock(trio.current_time, "this boot")
        with open_account(purse.budget, tmp_path / "s.json", wall(), clock) as account:
            purse.keeper = account
            start = trio.current_time()
            await run.go(counting(4.0, 10**6), HOUR / 2, admission=purse)
        spends += [note.usd for note in run.sink.notes]
        assert trio.current_time() - start >= HOUR / 2
    assert sum(spends) <= 0.05 + 0.001
    assert oct((tmp_path / "s.json").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("jump", [-86_400.0 * 365, -7200.0, 0.0, 7200.0, 86_400.0 * 365])
@pytest.mark.parametrize("same_boot", [True, False])
def test_a_wall_clock_that_was_set_is_no_licence_to_spend(tmp_path, jump, same_boot):
    """Spent half an hour ago, however the clock was set: it counts for another half."""
    path, start, seconds = tmp_path / "s.json", 1.8e9, [500.0]
    options = BudgetOptions(usd_per_hour=1.0)
    budget = options.make(words=False, local=False)
    with open_account(budget, path, start, Clock(lambda: seconds[0], "one")) as account:
        budget.settle(start, Reservation(0.0, 0.0), Reservation(0.8, 0.0))
        account.save(account.state())
    seconds[0] += HOUR / 2
    later = start + HOUR / 2 + jump
    budget = options.make(words=False, local=False)
    again = Clock(lambda: seconds[0], "one" if same_boot else "another")
    with open_account(budget, path, later, again):
        hour = budget.limits[0]
        # After a start of the machine only a clock that goes back can be noticed.
        if same_boot or jump <= 0:
            assert hour.spent(later) == 0.8
            assert hour.spent(later + HOUR / 2 - 61) == 0.8
        if same_boot:
            assert hour.spent(later + HOUR / 2 + 61) == 0.0


def test_what_a_hanging_disk_left_behind_undoes_nothing(tmp_path):
    path = tmp_path / "s.json"
    budget = BudgetOptions(usd_per_hour=1.0).make(words=False, local=False)
    with open_account(budget, path, 0.0) as account:
        late = account.state()
        budget.settle(0.0, Reservation(0.0, 0.0), Reservation(0.8, 0.0))
        account.save(account.state())
        account.save(late)
    assert json.loads(path.read_text())["limits"]["hour"]["slices"][0][1] == 0.8


@attrs.define
class Disk:
    """A keeper on a disk that is full for a while."""

    full: bool = True
    saved: list[str] = attrs.field(factory=list)

    def state(self):
        return len(self.saved) + 1, "state"

    def save(self, state):
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.saved.append(state)


@pytest.mark.parametrize("strict", [True, False])
async def test_what_cannot_be_kept_is_not_spent_where_a_limit_outlives_the_run(
    autojump_clock, inline_threads, strict
):
    run, disk = Run(Faulty()), Disk()
    purse = admission(run.said.append, usd_per_hour=1.0)
    purse.keeper, purse.strict = disk, strict

    async def make_room():
        await trio.sleep(100)
        assert bool(purse.spent) is not strict
        assert bool(purse.condition.reason) is strict
        disk.full = False

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make_room)
        await run.go(counting(4.0, 60), 300, admission=purse)
    run.check(60)
    assert disk.saved
    assert not purse.condition.reason
    then = "; nothing is sent until it can" if strict else ""
    kept = [line for line in run.said if "spent" in line]
    assert kept == [
        f"what is spent cannot be kept: No space left on device{then}",
        "what is spent is kept again",
    ]


async def test_the_budget_reckons_on_while_the_machine_sleeps(autojump_clock):
    slept = [0.0]
    purse = admission([].append, usd_per_hour=1.0)
    purse.clock = lambda: trio.current_time() + slept[0]
    before = purse.now
    purse.budget.settle(before, Reservation(0.0, 0.0), Reservation(1.0, 0.0))
    assert purse.wait() > HOUR / 2
    assert purse.condition.reason.startswith("$1.00 of $1.00 a hour; again at ")
    slept[0] += 2 * HOUR
    assert purse.now == before + 2 * HOUR
    assert purse.wait() == 0.0
    assert not purse.condition.reason


def test_two_programs_do_not_share_a_file(tmp_path):
    path = tmp_path / "deep" / "s.json"
    budget = BudgetOptions().make(words=False, local=False)
    with (
        open_account(budget, path, 0.0),
        pytest.raises(UsageError, match=r"another hud .* budget\.file"),
        open_account(budget, path, 0.0),
    ):
        pass
    with open_account(budget, path, 0.0):
        pass


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 9}', '{"version": 1}'])
def test_a_damaged_file_is_no_licence_to_spend(tmp_path, damage):
    path = tmp_path / "s.json"
    path.write_text(damage)
    budget = BudgetOptions(usd_per_hour=1.0).make(words=False, local=False)
    with pytest.raises(UsageError, match="move the file away"), open_account(budget, path, 0.0):
        pass


def test_where_it_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert BudgetOptions().path == tmp_path / "hud" / "spending.json"
    assert BudgetOptions(file="~/x").path == pathlib.Path("~/x").expanduser()


def test_without_limits_nothing_waits():
    budget = BudgetOptions().make(words=False, local=False)
    assert all(math.isinf(limit.most) for limit in budget.limits)


async def test_notes_are_summed_up_when_there_is_time(autojump_clock):
    """The summary is asked for between two changes, is paid for, and is no note."""
    run = Run(Faulty(iter(["", "cut", "", "", "", "half"]), keep_requests=True))
    purse = admission(run.said.append)
    memory = ContextOptions(keep=3, most=6).make(can_summarize=True)
    await run.go(counting(10.0, 30), 400.0, admission=purse, memory=memory)
    run.check(30)
    sums = [each for each in run.server.requests if SUMMARIZE[:40] in str(each)]
    assert len(sums) >= 7
    assert all(limit.reserved == 0 for limit in purse.budget.limits)
    assert purse.spent > dollars(run)
    assert memory.text().startswith("Earlier: ")
    assert len(memory.text().splitlines()) <= 7


@attrs.define
class Full:
    """A keeper whose disk is full from the third to the sixth time."""

    times: int = 0

    def state(self) -> str:
        return "{}"

    def save(self, state) -> None:
        self.times += 1
        if 3 <= self.times <= 6:
            raise OSError(28, "No space left on device")


async def test_spending_that_cannot_be_written_stops_nothing(autojump_clock, inline_threads):
    run = Run(Faulty())
    purse = admission(run.said.append, usd_per_hour=5.0)
    purse.keeper = Full()
    await run.go(counting(10.0, 6), 90.0, admission=purse)
    run.check(6)
    assert len(run.texts) == 6
    failed, works = run.said
    assert failed == "what is spent cannot be kept: No space left on device"
    assert works == "what is spent is kept again"
