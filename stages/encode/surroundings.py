"""When close-ups alone do not tell where they are."""

from __future__ import annotations

from hud.items import Cause, Change
from hud.rect import Rect

PAUSE = 300.0
"""Seconds without a picture after which the model is shown the whole screen again."""
LARGE = 1 / 8
"""Of the screen: what a new window or another page covers at least."""
MOST_KNOWN = 16


class Surroundings:
    """What the model has seen of one monitor."""

    def __init__(self) -> None:
        self._shown_at: float | None = None
        self._known: list[Rect] = []
        """Large places that changed since the whole screen was shown."""

    def are_missing(self, change: Change) -> bool:
        """Whether a change needs the whole screen around it; takes it as shown."""
        now, before = change.frame.time, self._shown_at
        self._shown_at = now
        if change.cause is Cause.FIRST:
            self._known.clear()
            return False
        least = LARGE * change.frame.whole.area
        large = (rect for rect in change.regions if rect.area >= least)
        strange = [rect for rect in large if not any(map(rect.lies_mostly_in, self._known))]
        self._known = [*self._known, *strange][-MOST_KNOWN:]
        return bool(strange) or (before is not None and now - before > PAUSE)
