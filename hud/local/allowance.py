"""Tokens per minute, as OpenAI enforces them: cached tokens count in full, output is reserved."""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs

_MINUTE = 60.0


@attrs.define(eq=False)
class Allowance:
    """Tokens spent in the last minute, against a limit."""

    limit: int
    spent: deque[tuple[float, int]] = attrs.field(factory=deque)

    def used(self, now: float) -> int:
        """Tokens of the last minute."""
        while self.spent and self.spent[0][0] <= now - _MINUTE:
            self.spent.popleft()
        return sum(tokens for _, tokens in self.spent)

    def wait(self, requested: int, now: float) -> float:
        """Seconds until so many tokens are allowed; 0 if they are."""
        excess, delay = self.used(now) + requested - self.limit, 0.0
        for time, tokens in self.spent:
            if excess <= 0:
                return delay
            excess -= tokens
            delay = time + _MINUTE - now
        return delay if excess <= 0 else _MINUTE

    def spend(self, tokens: int, now: float) -> None:
        """Count tokens."""
        self.spent.append((now, tokens))

    def wire(self, now: float) -> list[dict[str, Any]]:
        """As it stands in `rate_limits.updated`."""
        used = self.used(now)
        reset = self.spent[0][0] + _MINUTE - now if self.spent else 0.0
        remaining = max(0, self.limit - used)
        tokens = {"name": "tokens", "limit": self.limit, "remaining": remaining}
        return [{**tokens, "reset_seconds": round(reset, 3)}]
