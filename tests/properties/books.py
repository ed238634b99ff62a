"""What was spent and when, kept the simplest way."""

from __future__ import annotations

import attrs


@attrs.define
class Books:
    spends: list[tuple[float, float, float]] = attrs.field(factory=list)
    of_run: float = 0.0

    def spend(self, now: float, usd: float, tokens: float) -> None:
        self.spends.append((now, usd, tokens))
        self.of_run += usd

    def begin_run(self) -> None:
        self.of_run = 0.0

    def worst(self, period: float) -> float:
        return self._worst(period, 1)

    def worst_tokens(self, period: float) -> float:
        return self._worst(period, 2)

    def _worst(self, period: float, column: int) -> float:
        return max(
            (
                sum(each[column] for each in self.spends if start <= each[0] < start + period)
                for start, _, _ in self.spends
            ),
            default=0.0,
        )
