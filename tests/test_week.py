"""A simulated week of the whole pipeline with faults, a budget and sessions that end.

HUD_WEEK=1 pytest tests/test_week.py runs all of it (a few minutes); the default is some hours.
"""

from __future__ import annotations

import collections
import gc
import os
import random
import resource

import attrs
import pytest
import trio

from hud.items import Fate, NoteDelta, Status
from hud.ledger import Ledger
from hud.realtime.budget import Budget, Step
from hud.realtime.models import MODELS
from hud.spending import BudgetOptions
from stages.send.admission import Admission
from tests import fakes
from tests.faulty import STRANGER, Faulty, at_random
from tests.simulation import Run, Screen, wall

HOUR, DAY = 3600.0, 86_400.0
CHECK_EVERY = 600.0
MOST_TASKS = 40
"""In the steady state; a session that is replaced and the local model's need some for a while."""
CENSUSES = 16
"""Times in one run that the living objects are counted."""
PRICE = MODELS["gpt-realtime-1.5"].price
LIMITS = {"usd_per_hour": 0.35, "usd_per_day": 5.0}
OVER = 0.003
"""Dollars: what one answer may cost beyond its reservation."""


@attrs.frozen
class Size:
    """How long, and how much happens."""

    seconds: float
    faults: int
    least_changes: int


SHORT = Size(2 * HOUR, 20, 2000)
WEEK = Size(7 * DAY, 2000, 200_000)


def rhythm(dice: random.Random, seconds: float) -> list[float]:
    """When the screen changes: in busy minutes; they are far apart after 19 hours of each day."""
    times, now = [], 0.0
    while now < seconds - 400.0:
        night = now % DAY > 19 * HOUR
        pause = dice.expovariate(1 / 1800.0) if night else dice.expovariate(1 / 20.0)
        now += min(pause, HOUR)
        pace = dice.choice([0.5, 1.0, 4.0])
        for _ in range(dice.randrange(5, 120)):
            now += dice.uniform(0.5, 1.5) * pace
            times.append(now)
    return [time for time in times if time < seconds - 400.0]


@attrs.define
class Watchman(fakes.Observer):
    """Checks every ten minutes what must hold at every moment, and counts what lives."""

    run: Run
    budget: Budget
    census_every: float
    spends: collections.deque[tuple[float, float]] = attrs.field(factory=collections.deque)
    objects: list[int] = attrs.field(factory=list)
    tasks: list[int] = attrs.field(factory=list)
    most_in_flight: int = 0
    worst_hour: float = 0.0
    worst_day: float = 0.0
    steps: set[Step] = attrs.field(factory=set)
    checks: int = 0
    notes_seen: int = 0
    last_key: tuple[int, int] = (0, 0)
    texts: collections.Counter[str] = attrs.field(factory=collections.Counter)

    def offered(self, edge, item) -> None:
        if isinstance(item, NoteDelta) and item.usd and item.status is not Status.IN_PROGRESS:
            self.spent(trio.current_time(), item.usd)
        if edge == "ticks→capture":
            if trio.current_time() >= CHECK_EVERY * (self.checks + 1):
                self.checks += 1
                self.check()
            if trio.current_time() >= self.census_every * (len(self.objects) + 1):
                gc.collect()
                self.objects.append(len(gc.get_objects()))

    def spent(self, now: float, usd: float) -> None:
        self.spends.append((now, usd))
        while self.spends[0][0] <= now - DAY:
            self.spends.popleft()
        self.worst_day = max(self.worst_day, sum(usd for _, usd in self.spends))
        hour = sum(usd for at, usd in self.spends if at > now - HOUR)
        self.worst_hour = max(self.worst_hour, hour)

    def check(self) -> None:
        ledger = self.run.ledger
        assert sum(ledger.fates.values()) + ledger.in_flight == ledger.captured
        assert ledger.in_flight <= 8, "frames are forgotten"
        self.most_in_flight = max(self.most_in_flight, ledger.in_flight)
        self.steps.add(self.budget.step)
        self.look_at_notes()
        self.tasks.append(trio.lowlevel.current_statistics().tasks_living)

    def look_at_notes(self) -> None:
        """Notes are looked at once and then let go, so that what grows is the program's."""
        for note in self.run.sink.notes:
            assert note.key > self.last_key, "notes come in order, each once"
            self.last_key = note.key
            assert STRANGER not in note.text
            if note.status is Status.COMPLETED:
                self.texts[note.text] += 1
        self.notes_seen += len(self.run.sink.notes)
        self.run.sink.notes.clear()


async def live(size: Size, seed: int) -> tuple[Run, Watchman, Admission, int, int]:
    """One run; how often the screen was seen to change, and the last number on it."""
    dice = random.Random(seed)
    times = rhythm(dice, size.seconds)
    upcoming = iter([*times, float("inf")])
    count, following, visible = 1, next(upcoming), 0

    def number(time: float) -> int:
        nonlocal count, following, visible
        visible += time >= following
        while time >= following:
            count, following = count + 1, next(upcoming)
        return count

    said = collections.deque[str](maxlen=1000)
    server = Faulty(at_random(seed, 0.05, size.faults), lifetime=HOUR, answered=_Nothing())
    run = Run(server, ledger=Ledger())
    run.local.answered = _Nothing()
    run.said = said  # type: ignore[assignment] - bounded
    budget = BudgetOptions(**LIMITS).make(words=False, local=True)
    admission = Admission(budget, PRICE, 300, said.append, wall=wall)
    watchman = Watchman(run, budget, size.seconds / (CENSUSES + 0.5))
    run.observers.append(watchman)
    await run.go(Screen(number, 0.5), size.seconds, admission=admission)
    watchman.look_at_notes()
    return run, watchman, admission, visible, count


class _Nothing(list):
    def append(self, _seen) -> None:
        return


def grown(counts: list[int]) -> int:
    """What the living objects of the last quarter have over those of the second."""
    quarter = len(counts) // 4
    return max(counts[-quarter:]) - max(counts[quarter : 2 * quarter])


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(SHORT, id="hours"),
        pytest.param(
            WEEK,
            id="week",
            marks=pytest.mark.skipif("HUD_WEEK" not in os.environ, reason="HUD_WEEK is not set"),
        ),
    ],
)
async def test_a_week_of_work(autojump_clock, inline_threads, size, record_property):
    run, watchman, admission, changes, last = await live(size, 11)
    fates, ledger = run.ledger.fates, run.ledger
    figures = {
        "changes": changes,
        "frames": ledger.captured,
        "fates": {fate.value: count for fate, count in fates.items()},
        "notes": watchman.notes_seen,
        "sessions": run.server.sessions,
        "faults": len(run.server.done),
        "worst_hour_usd": round(watchman.worst_hour, 5),
        "worst_day_usd": round(watchman.worst_day, 5),
        "steps": sorted(step.name for step in watchman.steps),
        "objects": watchman.objects[:3] + watchman.objects[-3:],
        "tasks": sorted(set(watchman.tasks)),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }
    for name, value in figures.items():
        record_property(name, value)
    print(figures)  # noqa: T201 - pytest -s shows the figures
    assert changes >= size.least_changes
    assert len(run.server.done) >= size.faults
    assert run.server.sessions >= size.seconds / HOUR
    assert run.server.invalid == []
    # Every frame has one fate, and none is lost but to the faults' own limit of tries.
    assert sum(fates.values()) == ledger.captured
    assert ledger.in_flight == 0
    assert fates[Fate.FAILED] == 0
    assert fates[Fate.WITHHELD_BY_BUDGET] == 0
    assert fates[Fate.SENT] + fates[Fate.MERGED] + fates[Fate.REPLACED] >= changes
    # Each note once; the last state of the screen has one.
    assert set(watchman.texts.values()) == {1}
    assert f"Saw {last}" in watchman.texts
    # The budget holds in every stretch of its period, and was used.
    assert watchman.worst_hour <= LIMITS["usd_per_hour"] + OVER
    assert watchman.worst_day <= LIMITS["usd_per_day"] + OVER
    assert watchman.worst_hour > 0.8 * LIMITS["usd_per_hour"]
    assert len(watchman.steps) >= 2
    assert all(limit.reserved == 0 for limit in admission.budget.limits)
    # No task and no object is left behind.
    assert max(watchman.tasks) <= MOST_TASKS
    assert len(watchman.objects) == CENSUSES
    assert grown(watchman.objects) < 1000, watchman.objects
