"""Keeps the looks of the garbage collector short, and the heap without holes."""

from __future__ import annotations

import gc
import math

import trio

from hud.channel import Observer
from hud.heap import give_back
from hud.items import Note

PAUSE = 10.0
"""Seconds from one clearing up of the heap to the next."""


class Settled(Observer):
    """Spares the garbage collector what is there when the first note is finished.

    Now and then it looks through all objects in one go, while everything else waits: 13 ms for the
    modules of a run alone. By its first note a run has loaded all that it needs.
    """

    def __init__(self) -> None:
        self._settled = False

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if not self._settled and isinstance(item, Note) and item.finished:
            self._settled = True
            gc.freeze()


class ClearingUp(Observer):
    """Gives back what the heap has no use for when a note has ended: 0.4 ms, now and then.

    What is kept of the last hundred turns lies among what each look needs and lets go. Without it
    a run of half an hour holds 6 MB more at its end than after two minutes.
    """

    def __init__(self) -> None:
        self._last = -math.inf

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Note) and item.finished and trio.current_time() >= self._last + PAUSE:
            self._last = trio.current_time()
            give_back()
