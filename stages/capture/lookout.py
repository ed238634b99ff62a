"""Goes on looking when there is nothing to look at for a while: no X server, no such monitor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from hud.condition import Condition
from hud.errors import ScreenGoneError, UsageError
from stages.capture.desktop import NoMonitorError

FIRST_WAIT, LONGEST_WAIT = 0.25, 2.0
"""Seconds until the next try; who plugs a monitor in waits no longer than that."""
SILENCE = 10.0
"""Seconds that opening a display may take before the capture counts as stuck."""


@attrs.define(eq=False)
class Lookout:
    """What one capture tells of its looking: once when it ends, once when it begins again."""

    condition: Condition
    warn: Callable[[str], None]
    _told: str = ""

    def looked(self, again_within: float) -> None:
        """The screen was looked at, and will be within so many seconds."""
        self.condition.works(again_within)
        if self._told:
            self._told = ""
            self.warn("the screen is there again")

    def lost(self, error: Exception) -> None:
        """There is nothing to look at."""
        reason = str(error) or type(error).__name__
        self.condition.fails(reason, SILENCE)
        # An X server that is away says so in more than one way.
        kind = reason if isinstance(error, NoMonitorError) else "display"
        if kind != self._told:
            self._told = kind
            self.warn(f"{reason}; looking again until it is there")


async def keep_watching(watch: Callable[[], Awaitable[None]], lookout: Lookout) -> None:
    """Watch, and watch again when that ends, for ever; later and later while nothing is there."""
    wait = FIRST_WAIT
    while True:
        before = lookout.condition.worked
        try:
            await watch()
            continue
        except (OSError, ScreenGoneError, UsageError) as error:
            # It was there before the run began, so it is no mistake of the configuration.
            lookout.lost(error)
        if lookout.condition.worked > before:
            wait = FIRST_WAIT
        await trio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
