from __future__ import annotations

import itertools
import json
import math

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.realtime.budget import AT_ONCE, PATIENCE, Budget, Limit, Reservation, Step

HOUR = 3600.0


def test_a_limit_is_spread_over_its_period():
    """Whoever always wants more gets the same in each part of the period but the first."""
    limit, now, spends = Limit("hour", 1.0, HOUR), 0.0, []
    while now < 3 * HOUR:
        now += limit.wait(now, 0.005)
        limit.settle(now, 0.0, 0.005)
        spends.append(now)
    per_tenth = [
        0.005 * sum(start <= each < start + HOUR / 10 for each in spends)
        for start in itertools.takewhile(lambda t: t < 3 * HOUR, itertools.count(0, HOUR / 10))
    ]
    assert per_tenth[0] == pytest.approx(AT_ONCE + 0.09, abs=0.011)
    assert all(each == pytest.approx(0.09, abs=0.011) for each in per_tenth[1:])


def test_what_was_not_spent_may_be_spent_later():
    limit = Limit("hour", 1.0, HOUR)
    limit.settle(0.0, 0.0, 0.01)
    spent, now = 0.01, 3000.0
    while limit.wait(now, 0.01) == 0.0:
        limit.settle(now, 0.0, 0.01)
        spent += 0.01
    assert 0.8 < spent <= 1.0


def test_what_is_in_flight_leaves_no_room():
    limit = Limit("hour", 1.0, HOUR)
    limit.settle(0.0, 0.0, 0.05)
    limit.reserve(0.9)
    assert limit.room(0.0) == pytest.approx(0.05)
    assert limit.wait(0.0, 0.2) == math.inf
    limit.reserve(0.2)
    assert limit.room(0.0) == 0.0


def test_a_kept_state_counts_what_is_in_flight_and_what_may_begin_unwritten():
    limit = Limit("hour", 1.0, HOUR)
    limit.reserve(0.1)
    limit.ahead = 0.2
    assert limit.state()["open"] == pytest.approx(0.3)
    again = Limit("hour", 1.0, HOUR)
    again.restore(limit.state(), 0.0)
    assert again.spent(0.0) == pytest.approx(0.3)


def test_a_turn_that_is_dearer_than_the_limit_never_fits():
    assert Limit("hour", 0.01, HOUR).wait(0.0, 0.02) == math.inf


def test_the_limit_of_a_run_is_not_spread_and_does_not_come_back():
    limit = Limit("run", 1.0, math.inf)
    for _ in range(100):
        assert limit.wait(5.0, 0.01) == 0.0
        limit.settle(5.0, 0.0, 0.01)
    assert limit.wait(1e9, 0.01) == math.inf


def test_the_steps_go_down_one_by_one_and_up_again():
    budget = Budget([Limit("hour", 0.5, HOUR)], steps=[Step.SMALLER, Step.WORDS, Step.LOCAL])
    cost = {Step.FULL: 0.005, Step.SMALLER: 0.003, Step.WORDS: 0.002, Step.LOCAL: 0.0}
    needs = {step: Reservation(usd, 0) for step, usd in cost.items()}
    now, seen = 0.0, [Step.FULL]
    for _ in range(400):
        wait = budget.choose(now, needs)
        assert wait < math.inf
        now += wait + 1.0  # the next change comes a second after each answer
        budget.reserve(needs[budget.step])
        budget.settle(now, needs[budget.step], needs[budget.step])
        if budget.step is not seen[-1]:
            seen.append(budget.step)
    assert seen[:3] == [Step.FULL, Step.SMALLER, Step.WORDS]
    assert all(abs(one - other) == 1 for one, other in itertools.pairwise(seen))
    now += HOUR
    for _ in range(4):
        budget.choose(now, needs)
    assert budget.step is Step.FULL


@attrs.frozen
class Work:
    """One turn that somebody wants."""

    pause: float
    expected: float
    actual: float
    """As a factor of the expected cost."""
    lost: bool
    restart: bool


WORKS = st.lists(
    st.builds(
        Work,
        pause=st.floats(0.0, 900.0),
        expected=st.floats(0.0005, 0.02),
        actual=st.floats(0.1, 2.0),
        lost=st.booleans(),
        restart=st.integers(0, 20).map(lambda n: n == 0),
    ),
    min_size=30,
    max_size=150,
)


@settings(max_examples=200, deadline=None)
@given(works=WORKS, per_hour=st.floats(0.05, 2.0), per_day=st.floats(0.2, 10.0))
def test_no_hour_and_no_day_ever_costs_more(works, per_hour, per_day):
    """Dearer answers than reserved, lost usage, restarts: the limit and one answer's error."""

    def fresh() -> Budget:
        return Budget([Limit("hour", per_hour, HOUR), Limit("day", per_day, 24 * HOUR)])

    budget, now, spends, error = fresh(), 1.8e9, [], 0.0
    for work in works:
        now += work.pause
        need = Reservation(work.expected, 0.0)
        wait = budget.wait(now, need)
        if wait == math.inf:
            continue
        assert wait <= 24 * HOUR, "starved"
        now += wait
        assert budget.wait(now, need) < 1e-3, "the wait was too short"
        budget.reserve(need)
        spent = work.expected * work.actual
        error = max(error, spent - work.expected)
        spends.append((now, spent))
        if work.restart:
            # Killed in flight: the reservation was written down, the usage never came.
            budget, old = fresh(), json.loads(json.dumps([each.state() for each in budget.limits]))
            for limit, state in zip(budget.limits, old, strict=True):
                limit.restore(state, now)
            spends[-1] = now, work.expected
        elif work.lost:
            spends[-1] = now, work.expected
            budget.settle(now, need, need)
        else:
            budget.settle(now, need, Reservation(spent, 0.0))
    for most, period in ((per_hour, HOUR), (per_day, 24 * HOUR)):
        for start, _ in spends:
            inside = sum(usd for at, usd in spends if start <= at < start + period)
            assert inside <= most + error + 1e-6


def test_a_state_of_another_clock_or_of_nobody():
    limit = Limit("hour", 1.0, HOUR)
    limit.settle(5000.0, 0.0, 0.9)
    state = limit.state()
    back = Limit("hour", 1.0, HOUR)
    back.restore(state, 1000.0)  # the clock was set back
    assert back.wait(1000.0, 0.2) > 0
    assert back.spent(1000.0 + HOUR + 60.0) == 0.0
    for rubbish in ({}, {"slices": "x"}, {"slices": [[1, -5]], "credit": 1, "at": 1, "open": 0}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            Limit("hour", 1.0, HOUR).restore(rubbish, 0.0)
    with pytest.raises(ValueError, match=r"-5\.0"):  # which the user is shown
        Limit("hour", 1.0, HOUR).restore(rubbish, 0.0)


def test_patience_is_what_it_says():
    budget = Budget([Limit("hour", 3.6, HOUR)], steps=[Step.SMALLER])
    needs = {Step.FULL: Reservation(0.02, 0), Step.SMALLER: Reservation(0.01, 0)}
    budget.settle(0.0, Reservation(0, 0), Reservation(0.36 + 0.0009 * (PATIENCE - 1), 0))
    assert budget.choose(0.0, needs) < PATIENCE
    assert budget.step is Step.FULL
    budget.settle(0.0, Reservation(0, 0), Reservation(0.002, 0))
    budget.choose(0.0, needs)
    assert budget.step is Step.SMALLER


def test_amounts_that_only_count_are_never_waited_for():
    limit = Limit("run", math.inf, math.inf)
    assert limit.state()["credit"] == 0.0, "JSON knows no infinity"
    limit.settle(5.0, 0.0, 1e9)
    assert limit.wait(5.0, 1e9) == 0.0
    assert limit.credit(5.0) == math.inf
    assert limit.spent(5.0) == 1e9
    assert Budget([]).wait(5.0, Reservation(1.0, 1.0)) == 0.0


def test_a_turn_that_costs_just_the_limit_fits_once():
    limit = Limit("hour", 1.0, HOUR)
    assert limit.wait(0.0, 1.0) == 0.0
    limit.settle(0.0, 0.0, 1.0)
    assert limit.wait(30.0, 1.0) == pytest.approx(HOUR + 30.0), "until its minute has passed whole"
    assert limit.spent(HOUR + 59.0) == 1.0
    assert limit.spent(HOUR + 60.0) == 0.0


def test_what_is_spent_in_one_part_of_the_period_is_kept_as_one():
    limit = Limit("hour", 1.0, HOUR)
    for now in (1.0, 30.0, 59.0, 60.0, 119.0, 120.0):
        limit.settle(now, 0.0, 0.01)
    assert limit.state()["slices"] == [
        [60.0, pytest.approx(0.03)],
        [120.0, pytest.approx(0.02)],
        [180.0, pytest.approx(0.01)],
    ]


def test_credit_grows_evenly_and_a_reservation_takes_it():
    limit = Limit("hour", 1.0, HOUR)
    assert limit.credit(0.0) == AT_ONCE
    assert limit.credit(HOUR / 3) == pytest.approx(AT_ONCE + 0.3)
    limit.reserve(0.5)
    assert limit.credit(HOUR / 3) == pytest.approx(AT_ONCE + 0.3 - 0.5)
    # A tenth is missing, and 0.9 of the limit comes in an hour.
    assert limit.wait(HOUR / 3, 0.01) == pytest.approx(HOUR / 9)
    limit.settle(HOUR / 3, 0.5, 0.2)
    assert limit.reserved == 0.0
    assert limit.credit(HOUR / 3) == pytest.approx(AT_ONCE + 0.1)
    assert limit.credit(9 * HOUR) == 1.0, "never more than the limit"
    assert limit.credit(0.0) == 1.0, "a clock that is set back takes nothing"


def test_the_wait_for_credit_is_long_enough_and_not_longer():
    limit = Limit("day", 10.0, 24 * HOUR)
    limit.settle(0.0, 0.0, 1.5)
    wait = limit.wait(0.0, 0.1)
    assert wait == pytest.approx(0.5 / (9.0 / (24 * HOUR)), rel=1e-6)
    assert limit.wait(wait - 1.0, 0.1) == pytest.approx(1.0, rel=1e-3)
    assert limit.wait(wait, 0.1) == 0.0


def test_the_credit_of_a_run_does_not_grow():
    limit = Limit("run", 1.0, math.inf)
    limit.settle(0.0, 0.0, 0.05)
    assert limit.credit(1e6) == pytest.approx(AT_ONCE - 0.05)


def test_a_state_goes_on_with_what_was_open_as_spent():
    limit = Limit("hour", 1.0, HOUR)
    limit.settle(100.0, 0.0, 0.03)
    limit.reserve(0.04)
    back = Limit("hour", 1.0, HOUR)
    back.restore(json.loads(json.dumps(limit.state())), 130.0)
    assert back.reserved == 0.0
    assert back.spent(130.0) == pytest.approx(0.07)
    assert back.credit(130.0) == pytest.approx(AT_ONCE - 0.07 + 30.0 * 0.9 / HOUR)
    # The part of the period in which it was spent is still the same one.
    assert back.state()["slices"] == [[120.0, 0.03], [180.0, 0.04]]
    assert back.spent(HOUR + 119.0) == pytest.approx(0.07)


def test_a_state_from_the_future_counts_from_now_on():
    limit = Limit("hour", 1.0, HOUR)
    limit.settle(9e6, 0.0, 0.5)
    back = Limit("hour", 1.0, HOUR)
    back.restore(limit.state(), 1000.0)
    assert back.spent(1000.0 + HOUR) == 0.5
    assert back.spent(1000.0 + HOUR + 60.0) == 0.0


def test_a_state_is_bounded_whoever_wrote_it():
    slices = [[float(end), 1e-6] for end in range(9999)]
    limit = Limit("hour", 1.0, HOUR)
    limit.restore({"slices": slices, "credit": 99.0, "at": 0.0, "open": -5.0}, 9000.0)
    assert len(limit.state()["slices"]) == 2 * 60
    assert limit.credit(9000.0) == 1.0
    assert limit.spent(9000.0) == pytest.approx(120e-6)


@pytest.mark.parametrize(
    ("usd", "tokens", "step"),
    [
        (0.4, 40.0, Step.FULL),  # three of 0.1 and of 10 fit
        (0.29, 40.0, Step.SMALLER),  # three do not quite fit in dollars
        (0.4, 29.0, Step.SMALLER),  # nor here in tokens
    ],
)
def test_turns_become_dearer_only_when_several_fit_each_limit(usd, tokens, step):
    budget = Budget(
        [Limit("hour", 10.0, HOUR)], [Limit("minute", 1000.0, 60.0)], [Step.SMALLER, Step.WORDS]
    )
    needs = {Step.FULL: Reservation(0.1, 10.0), Step.SMALLER: Reservation(0.0, 0.0)}
    nothing = Reservation(0.0, 0.0)
    budget.step = Step.SMALLER
    left = Reservation(AT_ONCE * 10.0 - usd, AT_ONCE * 1000.0 - tokens)
    budget.settle(0.0, nothing, left)
    budget.choose(0.0, needs)
    assert budget.step is step


def test_a_turn_dearer_than_the_limit_is_not_gone_back_to():
    budget = Budget([Limit("hour", 1.0, HOUR)], steps=[Step.WORDS])
    budget.step = Step.WORDS
    needs = {Step.FULL: Reservation(0.5, 0), Step.WORDS: Reservation(0.0, 0)}
    budget.choose(0.0, needs)
    budget.choose(9 * HOUR, needs)
    assert budget.step is Step.WORDS, "three of them never fit an hour"


def test_half_of_a_limit_is_credit_enough_to_go_back():
    budget = Budget([Limit("hour", 1.0, HOUR)], steps=[Step.WORDS])
    budget.step = Step.WORDS
    needs = {Step.FULL: Reservation(0.3, 0), Step.WORDS: Reservation(0.0, 0)}
    budget.choose(0.0, needs)  # with a credit of 0.1
    budget.choose(HOUR / 3, needs)  # of 0.4
    assert budget.step is Step.WORDS
    budget.choose(HOUR * 2 / 3, needs)  # of 0.7, though three turns cost 0.9
    assert budget.step is Step.FULL


def test_what_is_lost_in_rounding_is_not_waited_for():
    limit = Limit("run", 1e6, math.inf)
    limit.settle(0.0, 0.0, 5e5)
    assert limit.wait(0.0, 5e5 + 1e-4) == 0.0
    assert limit.wait(0.0, 5e5 + 1.0) == math.inf
