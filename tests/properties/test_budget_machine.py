"""A budget under turns that overlap, are dear, are lost, and under programs that are killed."""

from __future__ import annotations

import json
import math

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hud.realtime.budget import Budget, Limit, Reservation, Step
from hud.realtime.cover import Cover
from tests.properties import books

HOUR, DAY = 3600.0, 86_400.0
COSTS = {Step.FULL: 0.01, Step.SMALLER: 0.006, Step.WORDS: 0.003, Step.LOCAL: 0.0}
TOKENS = 400_000.0
"""Per dollar, in this world."""


class BudgetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1.8e9
        self.open: list[Reservation] = []
        self.excess = 0.0
        """By how much one answer was dearer than its reservation, at most."""

    @initialize(
        per_hour=st.floats(0.02, 1.0),
        per_day=st.floats(0.1, 5.0),
        per_minute=st.sampled_from([math.inf, 8000.0, 40_000.0]),
        steps=st.sets(st.sampled_from([Step.SMALLER, Step.WORDS, Step.LOCAL])),
    )
    def begin(self, per_hour, per_day, per_minute, steps) -> None:
        self.most = {"hour": per_hour, "day": per_day, "run": 2 * per_day, "minute": per_minute}
        self.steps = steps
        self.books = books.Books()
        self.budget, self.cover = self._fresh(), Cover()
        self._write(0.0)

    def _write(self, turns: float) -> None:
        """The file is replaced, and holds so many full turns ahead."""
        ahead = turns * COSTS[Step.FULL]
        held = self.budget.look_ahead(self.now, Reservation(ahead, ahead * TOKENS))
        self.file = json.dumps({each.name: each.state() for each in self.budget.limits})
        self.cover.wrote(self.cover.writing(held))

    def _fresh(self) -> Budget:
        most = self.most
        usd = [Limit("hour", most["hour"], HOUR), Limit("day", most["day"], DAY)]
        usd.append(Limit("run", most["run"], math.inf))
        return Budget(usd, [Limit("minute", most["minute"], 60.0)], sorted(self.steps))

    @rule(seconds=st.sampled_from([0.0, 0.3, 2.0, 31.0, 600.0, 3599.0, 40_000.0]))
    def time_passes(self, seconds) -> None:
        self.now += seconds

    @precondition(lambda self: len(self.open) < 3)
    @rule(share=st.floats(0.2, 3.0))
    def begin_turn(self, share) -> None:
        needs = {
            step: Reservation(share * usd, share * usd * TOKENS) for step, usd in COSTS.items()
        }
        before = self.budget.step
        wait = self.budget.choose(self.now, needs)
        allowed = [Step.FULL, *sorted(self.steps)]
        places = [allowed.index(before), allowed.index(self.budget.step)]
        assert abs(places[0] - places[1]) <= 1, "steps are taken one by one"
        assert wait >= 0.0
        need = needs[self.budget.step]
        if math.isinf(wait):
            return
        # Whoever waits as long as he was told, may begin.
        again = self.budget.wait(self.now + wait, need)
        assert again < 1e-3, "told to come too early"
        if wait > 2 * DAY:
            raise AssertionError("starved")
        self.now += wait + again
        self.budget.reserve(need)
        self.cover.add(need)
        if not self.cover.holds:
            self._write(0.0)
        self.open.append(need)

    @precondition(lambda self: self.open)
    @rule(factor=st.sampled_from([0.0, 0.4, 1.0, 1.5]), which=st.integers(0, 9))
    def end_turn(self, factor, which) -> None:
        need = self.open.pop(which % len(self.open))
        spent = Reservation(need.usd * factor, need.tokens * factor)
        self.excess = max(self.excess, spent.usd - need.usd)
        self.excess_tokens = spent.tokens - need.tokens
        self.budget.settle(self.now, need, spent)
        self.cover.add(spent, need)
        if factor > 1.0:
            self._write(0.0)
        self.books.spend(self.now, spent.usd, spent.tokens)

    @rule(turns=st.sampled_from([0.0, 1.0, 2.0, 5.0]))
    def written_ahead(self, turns) -> None:
        self._write(turns)

    @rule()
    def killed_and_started_again(self) -> None:
        """What the file holds counts as spent; the run's own limit begins anew."""
        states = json.loads(self.file)
        self.budget = self._fresh()
        for limit in self.budget.limits:
            if not math.isinf(limit.period):
                limit.restore(states[limit.name], self.now)
        for need in self.open:
            self.books.spend(self.now, need.usd, need.tokens)
        self.open.clear()
        self.books.begin_run()
        self.cover = Cover()
        self._write(0.0)

    @invariant()
    def no_limit_is_passed(self) -> None:
        if not hasattr(self, "books"):
            return
        room = 3 * self.excess + 1e-9
        assert self.books.worst(HOUR) <= self.most["hour"] + room
        assert self.books.worst(DAY) <= self.most["day"] + room
        assert self.books.of_run <= self.most["run"] + room
        assert self.books.worst_tokens(60.0) <= self.most["minute"] + TOKENS * room

    @invariant()
    def what_is_reserved_is_what_is_open(self) -> None:
        if not hasattr(self, "books"):
            return
        for limit in self.budget.limits:
            tokens = limit.name == "minute"
            there = math.fsum(each.tokens if tokens else each.usd for each in self.open)
            assert math.isclose(limit.reserved, there, abs_tol=1e-6)
            assert len(limit._slices) <= 2 * 60 + 1, "memory grows"


TestBudget = BudgetMachine.TestCase
TestBudget.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
