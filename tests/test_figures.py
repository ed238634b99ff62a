"""The status line: what it counts, and what it leaves out where there is no room."""

from __future__ import annotations

import math

import attrs
import pytest

from hud.figures import Figures, fullest
from hud.items import Change, Fate, Status, Usage
from hud.ledger import Ledger
from hud.realtime.budget import Limit
from tests import fakes
from tests.stages.sinking import NOTE


@pytest.fixture
def figures():
    ledger = Ledger()
    figures = Figures(ledger)
    for seq in range(1, 31):
        ledger.offered("capture→change", fakes.frame(seq))
        if seq % 10:
            same = Change(fakes.frame(seq), (), None, "test", Fate.UNCHANGED)
            ledger.ignored("change→encode", same)
        else:
            end = attrs.evolve(
                fakes.delta(seq, "note", Status.COMPLETED),
                usage=Usage(2000, output_tokens=10),
                usd=0.01,
            )
            for observer in (ledger, figures):
                observer.offered("send→assemble", end)
            figures.offered("assemble→sinks", attrs.evolve(NOTE, done_time=10.0 + seq / 100))
    return figures


def test_everything_that_fits(figures):
    line = figures.line(100)
    assert line.startswith("hud: watching · 30 frames · 3 sent · 27 ignored")
    assert line.endswith("p50 0.20 s · 6030 tokens · $0.0300")


@pytest.mark.parametrize("width", [*range(13, 90, 7)])
def test_it_fits_into_any_width_and_money_stays_longest(figures, width):
    line = figures.line(width)
    assert len(line) <= width
    assert line.startswith("hud: watching")
    assert "$0.03" in line or width < len("hud: watching · $0.0300")


def test_how_the_run_is_stands_first_and_stays_longest():
    figures = Figures(Ledger(), state=lambda: "capture lost since 14:03:20")
    assert figures.line(100) == "hud: capture lost since 14:03:20 · 0 frames"
    assert figures.line(30) == "hud: capture lost since 14:03:2"[:30]


def test_what_is_not_known_is_not_said():
    assert Figures(Ledger()).line(80) == "hud: watching · 0 frames"


def test_what_is_spent_of_the_budget_stands_in_the_place_of_the_dollars():
    hour, day = Limit("hour", 0.5, 3600.0), Limit("day", 3.0, 86_400.0)
    limits = [hour, day, Limit("run", math.inf, math.inf), Limit("minute", 5.0, 60.0)]
    figures = Figures(Ledger(), lambda: fullest(limits, 0.0))
    day.settle(0.0, 0.0, 1.5)
    assert figures.line(80).endswith("$1.50 of $3.00 a day")
    hour.settle(0.0, 0.0, 0.4)
    assert figures.line(80).endswith("$0.40 of $0.50 an hour")
    assert fullest(limits[2:], 0.0) == ""


def test_what_is_watched_and_where_it_goes_stands_behind_how_the_run_is():
    figures = Figures(Ledger(), flow="monitor 1 → api.openai.com")
    assert figures.line(80) == "hud: watching · monitor 1 → api.openai.com · 0 frames"
    assert figures.line(45) == "hud: watching · monitor 1 → api.openai.com"
