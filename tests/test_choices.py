from __future__ import annotations

import pytest

from hud.choices import Choice, advice, table
from hud.spending import BudgetOptions

CHOICES = [
    Choice((), 1.2, 400),
    Choice(("realtime.model=mini",), 0.2, 400),
    Choice(("change.sensitivity=low",), 0.9, 300),
]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (BudgetOptions(), ""),
        (BudgetOptions(usd_per_hour=2.0), "this fits $2.00 an hour"),
        (BudgetOptions(usd_per_hour=1.0), "--set realtime.model=mini"),
        (BudgetOptions(usd_per_day=8.0), "--set realtime.model=mini"),
        (BudgetOptions(usd_per_day=0.8), "no setting fits $0.10 an hour (the cheapest, realtime"),
    ],
)
def test_the_first_choice_that_fits_is_proposed(budget, said):
    assert said in advice(CHOICES, budget, 8)
    assert bool(said) == bool(advice(CHOICES, budget, 8))


def test_every_choice_is_a_line():
    lines = table(CHOICES).splitlines()
    assert [line.split()[0] for line in lines] == ["as", "realtime.model=mini", CHOICES[2].name]
    assert "$0.20 an hour" in lines[1]
