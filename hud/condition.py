"""What one part of a program says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import trio


def _nobody() -> None:
    return


@attrs.define(eq=False)
class Condition:
    """Whether a part can do its work, and when it last did. Times are on trio's clock."""

    changed: Callable[[], None] = _nobody
    """Told whenever it begins to fail, begins to work, or fails for another reason."""
    reason: str = ""
    """Why it cannot work, "" while it can."""
    harmless: bool = False
    """Whether that is as somebody wants it."""
    since: float = -math.inf
    """When it last began to fail, or to work."""
    worked: float = -math.inf
    """When it last did its work."""
    due: float = math.inf
    """By when it speaks again unless it is stuck; inf: whenever it has something to say."""

    def works(self, again_within: float = math.inf) -> None:
        """It did its work just now, and will speak again within so many seconds."""
        self.worked = trio.current_time()
        self.due = self.worked + again_within
        self._turn("", harmless=False)

    def fails(self, reason: str, again_within: float = math.inf, *, harmless: bool = False) -> None:
        """It cannot do its work now; it tries again, and speaks again within so many seconds."""
        self.due = trio.current_time() + again_within
        self._turn(reason, harmless=harmless)

    def _turn(self, reason: str, *, harmless: bool) -> None:
        if (reason, harmless) == (self.reason, self.harmless) and self.since > -math.inf:
            return
        if bool(reason) != bool(self.reason) or self.since == -math.inf:
            self.since = trio.current_time()
        self.reason, self.harmless = reason, harmless
        self.changed()
