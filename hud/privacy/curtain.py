"""What was seen before a pause or a lock is not sent during it, nor afterwards as it was.

A change waits where it is, held by its edge, until a frame from after the pause is united with it:
what still stands on the screen is then shown as it stands then, what is gone is not. Of a request
that had begun before the pause the rest follows, and its answer comes; what has left is not
recalled.
"""

from __future__ import annotations

import math

import attrs

from hud.items import Change, Frame
from hud.privacy.pause import Pause


@attrs.define(eq=False)
class Curtain:
    """Which changes are older than the last time that nobody might look.

    Of a locked or dark screen it learns as everybody does: from frames that are withheld.
    """

    pause: Pause = attrs.field(factory=Pause)
    _withheld: dict[int, float] = attrs.field(factory=dict)
    """Monitor → when its last withheld frame was captured, on trio's clock."""
    _dark: dict[int, bool] = attrs.field(factory=dict)
    """Monitor → whether its last frame was withheld."""

    def saw(self, frame: Frame) -> None:
        """Learn of every captured frame."""
        self._dark[frame.monitor] = frame.withheld
        if frame.withheld:
            self._withheld[frame.monitor] = frame.time

    def hides(self, change: Change) -> bool:
        """Whether nobody may be shown the change with the frame that it has."""
        last = max(self.pause.since, self._withheld.get(change.monitor, -math.inf))
        return self.pause.paused or change.frame.time <= last

    @property
    def closed(self) -> bool:
        """Whether nothing at all may be sent now."""
        return self.pause.paused or (bool(self._dark) and all(self._dark.values()))
