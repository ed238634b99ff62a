"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 0.5
LONGEST = 30.0


class Backoff:
    """Waits that double, each shortened by chance so that many clients do not return at once.

    Only a finished answer resets them: a server that accepts everybody and then fails is not
    asked any faster for having accepted. `chance` gives numbers in [0, 1).
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self.tries = 0
        """Waits since the last finished answer."""

    def next(self) -> float:
        """Seconds to wait now: half of the full wait to all of it."""
        full = min(LONGEST, FIRST * 2.0 ** min(self.tries, 16))
        self.tries += 1
        return full * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """An answer was finished."""
        self.tries = 0
