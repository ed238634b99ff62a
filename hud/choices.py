"""What other settings would cost, and which of them fits a budget."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from hud.spending import BudgetOptions


@attrs.frozen
class Choice:
    """One way to run, and what an hour of it costs."""

    settings: tuple[str, ...]
    """As for `--set`; () is what is configured."""
    usd_per_hour: float
    turns_per_hour: float

    @property
    def name(self) -> str:
        """For the user."""
        return " ".join(self.settings) or "as configured"


def table(choices: Sequence[Choice]) -> str:
    """One line for each choice."""
    width = max(len(choice.name) for choice in choices)
    return "\n".join(
        f"  {choice.name:{width}}  {choice.turns_per_hour:5.0f} turns  "
        f"${choice.usd_per_hour:.2f} an hour"
        for choice in choices
    )


def advice(choices: Sequence[Choice], budget: BudgetOptions, hours: float) -> str:
    """Which choice fits the budget, the nearest to what is configured first; "" without one.

    `hours` is the length of a day's work.
    """
    limits = [budget.usd_per_hour or math.inf, (budget.usd_per_day or math.inf) / hours]
    most = min(limits)
    if math.isinf(most):
        return ""
    fitting = next((choice for choice in choices if choice.usd_per_hour <= most), None)
    if fitting is None:
        cheapest = min(choices, key=lambda choice: choice.usd_per_hour)
        return (
            f"no setting fits ${most:.2f} an hour (the cheapest, {cheapest.name}, would cost "
            f"${cheapest.usd_per_hour:.2f}): turns will wait and be merged"
        )
    if not fitting.settings:
        return f"this fits ${most:.2f} an hour"
    options = " ".join(f"--set {setting}" for setting in fitting.settings)
    return f"to stay within ${most:.2f} an hour: {options}"
