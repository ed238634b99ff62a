"""Tells the user what goes wrong, once, and counts the rest."""

from __future__ import annotations

import collections
from collections.abc import Callable

import trio

from hud.errors import ServiceError
from hud.realtime.scrub import scrub
from hud.realtime.trouble import ADVICE, Cure, Trouble
from hud.stage import silent

QUIET = 60.0
"""Seconds for which a trouble of the same code is only counted."""


class Troubles:
    """What went wrong in one run; outlives restarts of the sender."""

    def __init__(self, say: Callable[[str], None] = silent, key: str = "") -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._say = say
        self._key = key
        self._told: dict[str, float] = {}
        """Code → when it was told last, on trio's clock. Codes are few: the rest is `other`."""
        self._open = 0
        """Troubles since the last finished answer."""
        self._failed_turns: collections.Counter[bool] = collections.Counter()
        """Whether the server called them wrong → how many in a row."""

    def tell(self, trouble: Trouble, then: str = "") -> None:
        """Say what happened and what is done about it, unless that was said a moment ago."""
        code = scrub(trouble.code, self._key)[:80] or "error"
        if code not in self.counts and len(self.counts) >= 100:
            code = "other"
        self.counts[code] += 1
        self._open += 1
        now = trio.current_time()
        if now - self._told.get(code, -QUIET) >= QUIET:
            self._told[code] = now
            self._say(f"{self.scrubbed(trouble)}; {then or trouble.cure.value}")

    def scrubbed(self, trouble: Trouble) -> str:
        """In words, without the key."""
        return scrub(str(trouble), self._key)

    def turn_failed(self, trouble: Trouble) -> int:
        """Count a turn without an answer; how many of its kind there were in a row."""
        self._failed_turns[trouble.is_refusal] += 1
        return self._failed_turns[trouble.is_refusal]

    def finished(self) -> None:
        """An answer was finished: what was wrong is over."""
        if self._open:
            self._say(f"answers again, after {_times(self._open)}")
        self._open = 0
        self._failed_turns.clear()
        self._told.clear()

    def final(self, trouble: Trouble) -> ServiceError:
        """The error that ends the program for this trouble."""
        assert trouble.cure is Cure.STOP
        said = self.scrubbed(trouble)
        codes = [trouble.code, trouble.kind, trouble.message.partition(":")[0]]
        advice = next((ADVICE[code] for code in codes if code in ADVICE), "")
        return ServiceError(f"{said}; {advice}" if advice else said)

    def summary(self) -> str:
        """The counts as `2 x closed 1006, 1 x session_expired`, "" for none."""
        return ", ".join(f"{count} x {code}" for code, count in self.counts.most_common())


def _times(count: int) -> str:
    return "one trouble" if count == 1 else f"{count} troubles"
