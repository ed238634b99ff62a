"""What may be spent, and when: no clock, no file, seconds and amounts are arguments.

A limit holds for every stretch of its period, not only for those that begin at a full hour. It is
spread over the period: credit grows evenly, from a tenth of the limit at the start to all of it.
A turn begins only when its reserved cost fits, so a limit is exceeded by no more than what one
answer costs beyond its reservation.
"""

from __future__ import annotations

import collections
import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

SLICES = 60
"""Parts of a period in which spending is kept; an amount counts until its part has passed whole."""
AT_ONCE = 0.1
"""Part of a limit that may be spent at once in the beginning."""
PATIENCE = 15.0
"""Seconds that a turn may have to wait before the next one is made cheaper."""
SPARE = 3
"""Full turns that the credit must cover before turns become dearer again."""


class Step(enum.IntEnum):
    """How turns are kept within the budget, from dear to cheap."""

    FULL = 0
    SMALLER = 1
    WORDS = 2
    LOCAL = 3

    @property
    def meaning(self) -> str:
        """For the user."""
        return _MEANINGS[self]


_MEANINGS = {
    Step.FULL: "pictures as configured",
    Step.SMALLER: "fewer and smaller pictures",
    Step.WORDS: "words instead of pictures",
    Step.LOCAL: "the local model only",
}


class Limit:
    """At most `most` in any `period` seconds (inf: in the whole run); `most` inf only counts."""

    def __init__(self, name: str, most: float, period: float) -> None:
        self.name = name
        self.most = most
        self.period = period
        self.reserved = 0.0
        self.ahead = 0.0
        """What a kept state counts as spent beyond this, so that turns may begin unwritten."""
        self._slices: collections.deque[tuple[float, float]] = collections.deque()
        """End of each part of the period that counts, and what was spent in it; SLICES + 1."""
        self._credit = 0.0 if math.isinf(most) else AT_ONCE * most
        self._at = -math.inf
        """When the credit was last brought up to date."""

    def spent(self, now: float) -> float:
        """What counts at this moment, reservations aside."""
        while self._slices and self._slices[0][0] + self.period <= now:
            self._slices.popleft()
        return math.fsum(amount for _end, amount in self._slices)

    def wait(self, now: float, amount: float) -> float:
        """Seconds until so much may be spent, inf if it never fits."""
        if math.isinf(self.most):
            return 0.0
        if amount > self.most:
            return math.inf
        excess = self.spent(now) + self.reserved + amount - self.most
        fits = 0.0
        for end, spent in self._slices:
            if excess <= _NOTHING * self.most:
                break
            excess -= spent
            fits = end + self.period - now
        if excess > _NOTHING * self.most:
            return math.inf  # what is in flight alone is too much
        return max(fits, self._until_credit(now))

    def room(self, now: float) -> float:
        """What is left until the limit, however it is spread."""
        if math.isinf(self.most):
            return math.inf
        return max(0.0, self.most - self.spent(now) - self.reserved)

    def reserve(self, amount: float) -> None:
        """Count an amount that may be spent soon."""
        self.reserved += amount

    def settle(self, now: float, reserved: float, amount: float) -> None:
        """Spend an amount in the place of a reserved one."""
        self.reserved = max(0.0, self.reserved - reserved)
        self._update(now)
        self._credit -= amount
        if math.isinf(self.period):
            end = math.inf
        else:
            slice_length = self.period / SLICES
            end = (math.floor(now / slice_length) + 1) * slice_length
        if self._slices and self._slices[-1][0] == end:
            amount += self._slices.pop()[1]
        self._slices.append((end, amount))

    def credit(self, now: float) -> float:
        """What may be spent at once."""
        if math.isinf(self.most):
            return math.inf
        self._update(now)
        return self._credit - self.reserved

    def _until_credit(self, now: float) -> float:
        if math.isinf(self.period):
            return 0.0
        missing = -self.credit(now)
        return 0.0 if missing < 0 else (missing + _NOTHING * self.most) / self._rate

    @property
    def _rate(self) -> float:
        return self.most * (1 - AT_ONCE) / self.period

    def _update(self, now: float) -> None:
        if math.isinf(self._at) or math.isinf(self.most):
            self._at = now
        elif now > self._at and not math.isinf(self.period):
            self._credit = min(self.most, self._credit + self._rate * (now - self._at))
        self._at = max(self._at, now)

    def state(self) -> dict[str, Any]:
        """As plain data; what is reserved counts as spent, for nobody may be left to settle it."""
        slices, opened = [[end, amount] for end, amount in self._slices], self.reserved + self.ahead
        return {"credit": self._credit, "at": self._at, "slices": slices, "open": opened}

    def restore(self, state: Mapping[str, Any], now: float) -> None:
        """Go on from a state that `state` made; times in the future come from another clock.

        Raises:
            ValueError, KeyError, TypeError: it is no such state.
        """
        length = 0.0 if math.isinf(self.period) else self.period / SLICES
        slices = [(min(float(end), now + length), float(spent)) for end, spent in state["slices"]]
        if any(not amount >= 0 for _end, amount in slices):
            raise ValueError(slices)
        self._slices = collections.deque(sorted(slices)[-2 * SLICES :])
        self._credit = min(self.most, float(state["credit"]))
        self._at = min(now, float(state["at"]))
        self._update(now)
        self.settle(now, 0.0, max(0.0, float(state["open"])))


_NOTHING = 1e-9
"""Part of a limit that is lost in rounding."""


@attrs.frozen
class Reservation:
    """What one turn may cost."""

    usd: float
    tokens: float


class Budget:
    """All limits together, and how turns are kept within them."""

    def __init__(
        self, usd: Sequence[Limit], tokens: Sequence[Limit] = (), steps: Sequence[Step] = ()
    ) -> None:
        self.step = Step.FULL
        self._usd = tuple(usd)
        self._tokens = tuple(tokens)
        self._steps = sorted({Step.FULL, *steps})

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Those in dollars, then those in tokens."""
        return self._usd + self._tokens

    def wait(self, now: float, need: Reservation) -> float:
        """Seconds until a turn of this cost fits, inf if it never will."""
        usd = [limit.wait(now, need.usd) for limit in self._usd]
        tokens = [limit.wait(now, need.tokens) for limit in self._tokens]
        return max(usd + tokens, default=0.0)

    def choose(self, now: float, needs: Mapping[Step, Reservation]) -> float:
        """Choose the step for the next turn; seconds until it may begin.

        `needs` has the likely cost of a turn at each step. One step down when a turn would have to
        wait for long, one up when there is credit for several full turns.
        """
        full = needs[Step.FULL]
        lower = [step for step in self._steps if step > self.step]
        higher = [step for step in self._steps if step < self.step]
        wait = self.wait(now, needs[self.step])
        if higher and self._has_spare(now, full):
            self.step = higher[-1]
            return self.wait(now, needs[self.step])
        if wait > PATIENCE and lower:
            self.step = lower[0]
            return self.wait(now, needs[self.step])
        return wait

    def _has_spare(self, now: float, full: Reservation) -> bool:
        several = Reservation(SPARE * full.usd, SPARE * full.tokens)
        pairs = [(limit, several.usd) for limit in self._usd]
        pairs += [(limit, several.tokens) for limit in self._tokens]
        return all(limit.credit(now) > min(need, limit.most / 2) for limit, need in pairs) and (
            self.wait(now, several) == 0.0
        )

    def reserve(self, need: Reservation) -> None:
        """Begin a turn."""
        for limit in self._usd:
            limit.reserve(need.usd)
        for limit in self._tokens:
            limit.reserve(need.tokens)

    def look_ahead(self, now: float, wanted: Reservation) -> Reservation:
        """Let the kept state hold so much more than what is reserved, or what is left if less."""
        usd = min([wanted.usd, *(limit.room(now) for limit in self._usd)])
        tokens = min([wanted.tokens, *(limit.room(now) for limit in self._tokens)])
        for limit in self._usd:
            limit.ahead = usd
        for limit in self._tokens:
            limit.ahead = tokens
        return Reservation(usd, tokens)

    def settle(self, now: float, reserved: Reservation, spent: Reservation) -> None:
        """End a turn that was reserved."""
        for limit in self._usd:
            limit.settle(now, reserved.usd, spent.usd)
        for limit in self._tokens:
            limit.settle(now, reserved.tokens, spent.tokens)
