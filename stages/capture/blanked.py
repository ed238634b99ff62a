"""Whether an X server shows its screen to anybody."""

from __future__ import annotations

import functools
import struct
from typing import Any

import xcffib

from hud.privacy.rules import Identity
from hud.privacy.seeded import LOCKERS
from hud.privacy.stack import Stack
from hud.rect import Rect
from stages.capture.xcb import awaited, extension

LOCKER = 0.8
"""Share of the desktop that a locker covers."""
LEVEL = 8
"""Offset of the power level and whether it is used at all in what DPMS answers."""


class Blanked:
    """The screen saver, the monitors' sleep, and lockers."""

    def __init__(self, connection: Any, root: int) -> None:  # noqa: ANN401 - as xcffib has it
        """Ask how it stands, which blocks for some round trips.

        Raises:
            xcffib.ConnectionException: the server does not answer.
        """
        self._connection = connection
        self._sleeping = False
        self._saving = False
        self._dpms = extension(connection, xcffib.dpms)
        saver = extension(connection, xcffib.screensaver)
        if saver is not None:
            saver.SelectInput(root, xcffib.screensaver.Event.NotifyMask)
            self._saving = saver.QueryInfo(root).reply().state == xcffib.screensaver.State.On

    async def ask(self) -> int:
        """Learn whether monitors sleep; the answer comes behind all that was told before.

        Returns the number of the request.
        """
        asks = self._connection.core.GetInputFocus if self._dpms is None else self._dpms.Info
        asked = asks()
        answer = await awaited(self._connection, asked)
        if self._dpms is not None:
            level, enabled = struct.unpack_from("=HB", answer, LEVEL)
            self._sleeping = bool(enabled and level)
        return int(asked.sequence)

    def take(self, event: xcffib.screensaver.NotifyEvent) -> None:
        """The screen saver began, or has ended."""
        self._saving = event.state == xcffib.screensaver.State.On

    @property
    def dark(self) -> bool:
        """Whether the screen shows nothing of its windows."""
        return self._sleeping or self._saving


def is_locked(stack: Stack, desktop: Rect) -> bool:
    """Whether a locker covers the windows."""
    least = LOCKER * desktop.area
    large = (w for w in stack if w.rect.width * w.rect.height >= least and w.visible)
    return any(_locks(window.identity) for window in large if window.identity)


@functools.lru_cache(maxsize=64)
def _locks(identity: Identity) -> bool:
    """Whether it is a locker; the same few windows are looked at after every change."""
    return any(rule.names(identity) for rule in LOCKERS)
