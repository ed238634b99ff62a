"""What is painted over, remembered for a moment.

What a window leaves behind is not gone at once: the X server does not paint a window that has no
background, so the pixels of what lay above it stay until its program draws again; a compositor
shows the past for some frames. So a place stays covered for a while after its window has left.
"""

from __future__ import annotations

import math

from hud.items import Rect, together
from hud.privacy.stack import Hidden

LINGER = 0.5
"""Seconds."""
FEW = 4
"""Rectangles left behind, beyond which those that touch are covered as one."""
MANY = 64
"""Rectangles left behind, beyond which they are also remembered as one."""


class Cover:
    """Where windows are and were a moment ago that must not be seen."""

    def __init__(self) -> None:
        self._last: dict[Rect, float] = {}
        """Place → when it last had to be covered."""
        self._present: frozenset[Rect] = frozenset()

    def stood(self, hidden: Hidden, time: float) -> None:
        """The windows stood like that at `time`, or until then."""
        self._present = hidden.known
        for rect in hidden.known:
            self._last[rect] = time

    def at(self, time: float) -> frozenset[Rect]:
        """What must be covered in a picture that was taken at `time`, or just before."""
        self._last = {
            rect: last
            for rect, last in self._last.items()
            if rect in self._present or time - last <= LINGER
        }
        left = self._last.keys() - self._present
        if len(left) > MANY:
            ends = max(self._last[rect] for rect in left)
            self._last = {rect: self._last[rect] for rect in self._present}
            self._last |= dict.fromkeys(together(list(left)), ends)
            left = self._last.keys() - self._present
        # Where a window was dragged along is painted once, not once for each step.
        return self._present | frozenset(together(list(left)) if len(left) > FEW else left)

    @property
    def due(self) -> float:
        """When something will be shown again that is covered now; infinite: never by itself."""
        left = (last for rect, last in self._last.items() if rect not in self._present)
        return min(left, default=math.inf) + LINGER
