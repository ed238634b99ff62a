"""Whether two benchmarks differ, on samples whose truth is known."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from hud.bench.compare import Verdict, compared, interval, unlike
from hud.bench.report import Report, Scene, Screen
from hud.bench.table import sentence


def report(metrics, **changes) -> Report:
    scene = Scene(9.0, 20, 20, 30, 20, 900.0, {}, metrics)
    screen = Screen("1080p", 1920, 1080, "woken", [0.5], 90.0, {"line": scene})
    machine = {"cpu": "one", "cores": "2", "load": "0.1"}
    whole = Report("1", "2026-11-21T10:00:00+00:00", machine, "default.yaml", [], 0.1, 45, [screen])
    return attrs.evolve(whole, **changes)


def times(middle, *, seed=0, count=40):
    return list(np.random.default_rng(seed).gamma(4.0, middle / 4.0, count))


def verdict(before, after, metric="change_to_wire", tolerance=0.05):
    (difference,) = compared(report({metric: before}), report({metric: after}), tolerance)
    return difference.verdict


def test_what_is_the_same_is_not_called_different():
    pairs = [([times(3, seed=n)], [times(3, seed=n + 100)]) for n in range(60)]
    found = [verdict(before, after) for before, after in pairs]
    assert found.count(Verdict.SAME) >= 57


def test_half_as_fast_is_seen_both_ways():
    assert verdict([times(3)], [times(6, seed=1)]) is Verdict.WORSE
    assert verdict([times(6)], [times(3, seed=1)]) is Verdict.BETTER


def test_the_interval_holds_the_difference_and_narrows_with_more_samples():
    few, many = (
        interval([times(3, count=count)], [times(4, seed=1, count=count)]) for count in (20, 2000)
    )
    assert few[0] < many[0] < 4 - 3 < many[1] < few[1]


def test_rounds_that_differ_among_themselves_make_it_doubtful():
    """Each round is precise, but one start of the program is not like the other."""
    before = [[2.0] * 30, [3.0] * 30, [4.0] * 30]
    after = [[2.5] * 30, [3.5] * 30, [4.5] * 30]
    assert verdict(before, after) is Verdict.SAME
    assert verdict([[3.0, 3.1] * 15] * 3, [[3.5, 3.6] * 15] * 3) is Verdict.WORSE


def test_a_difference_that_nobody_feels_does_not_count():
    assert verdict([[1.0] * 30], [[1.05] * 30]) is Verdict.SAME
    assert verdict([[100.0] * 30], [[104.0] * 30]) is Verdict.SAME
    assert verdict([[100.0] * 30], [[104.0] * 30], tolerance=0.01) is Verdict.WORSE


def test_of_few_samples_nothing_is_said():
    assert verdict([[1.0] * 4], [[9.0] * 30]) is Verdict.UNKNOWN


def test_memory_of_few_starts_is_judged_by_the_tolerance_and_says_so():
    before, after = [[100.0], [101.0], [99.0]], [[130.0], [100.0], [128.0]]
    (found,) = compared(report({"memory": before}), report({"memory": after}), 0.05)
    assert found.verdict is Verdict.WORSE
    assert "(+28 %, by the tolerance alone: 3 starts)" in sentence(found)
    assert verdict(after, before, "memory") is Verdict.BETTER
    assert verdict(before, [[104.0]], "memory") is Verdict.SAME
    assert verdict([[100.0]] * 5, [[130.0]] * 5, "memory") is Verdict.WORSE
    (found,) = compared(report({"memory": before * 2}), report({"memory": after * 2}), 0.05)
    assert "alone" not in sentence(found)


def test_cpu_is_compared_by_its_mean():
    """Work that comes in bursts: the median does not see it."""
    calm, bursts = [[0.1] * 30], [[0.1] * 20 + [9.0] * 10]
    assert verdict(calm, bursts, "cpu_hud") is Verdict.WORSE
    assert verdict(calm, bursts, "change_to_wire") is Verdict.SAME


def test_what_only_one_has_is_left_out():
    one, other = report({"cpu_hud": [[1.0] * 9]}), report({"memory": [[90.0] * 9]})
    assert compared(one, other, 0.05) == []
    small = attrs.evolve(one, screens=[attrs.evolve(one.screens[0], size="720p")])
    assert compared(small, one, 0.05) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"machine": {"cpu": "another", "cores": "2", "load": "3.0"}}, "cpu was one, is another"),
        ({"settings": ["capture.max_fps=5"]}, "is default.yaml capture.max_fps=5"),
        ({"answer": 0.5}, "now within 0.5 s"),
        ({"seconds": 9.0}, "now 9 s"),
    ],
)
def test_why_two_runs_may_not_be_comparable_is_said(changes, says):
    (sentence,) = unlike(report({}), report({}, **changes))
    assert says in sentence
