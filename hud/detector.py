"""What a detector does, whatever it looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hud.items import Change, Frame

SLACK = 1e-6
"""Seconds by which times differ that are meant to be one."""
SHORTEST_NAP = 0.02
"""Seconds between two calls of `wake`, whatever the detector wishes."""
AFTERMATH = 1.5
"""Seconds behind the end in which what is awaited may come to rest. What takes longer to believe,
such as a film or a list that has stopped, has only ended with the capture."""


class Detector(Protocol):
    """Judges the frames of one monitor, with `frame.time` as its only clock."""

    def look(self, frame: Frame) -> Change:
        """Judge a frame; without regions the change goes no further."""

    def wake(self, time: float) -> Change | None:
        """Pass on what was due by `time` though no frame came."""

    def due(self) -> float | None:
        """When to call `wake` if no frame comes before; None: never."""


Guard = Callable[[Detector], Detector]
"""Puts something around each detector that judges its changes once more."""


def unguarded(detector: Detector) -> Detector:
    """The detector as it is."""
    return detector
