"""Grabs monitors through mss, once for every tick."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import attrs
import numpy as np
import trio

from hud.items import Frame, Pixels, Rect, Tick
from hud.pixels import dirty_bands, words
from hud.stage import given
from stages.capture.desktop import Boxes, Desktop, cannot_open, once_more, rest_option

if TYPE_CHECKING:
    import mss

Damage = tuple[Rect, ...] | None
RESTS_AFTER = 2.0
"""Seconds."""


@attrs.define
class Activity:
    """When a watched screen last changed, on trio's clock."""

    last: float = -math.inf


@attrs.frozen
class Screen(Desktop):
    """Looks at the screen again and again, each monitor with frames of its own."""

    rest_fps: float = rest_option()
    activity: Activity = given(attrs.Factory(Activity))

    @property
    def manner(self) -> str:
        """How the screen is watched, for the user."""
        return f"looking {min(self.rest_fps, self.max_fps):g} to {self.max_fps:g} times a second"

    @property
    def period(self) -> float:
        """Seconds until the next tick: waking up costs more than looking, so less often at rest."""
        at_rest = trio.current_time() - self.activity.last > RESTS_AFTER
        return 1 / (min(self.rest_fps, self.max_fps) if at_rest else self.max_fps)

    def preflight(self) -> None:
        """Check that there is a display with such a monitor.

        Raises:
            UsageError: there is none, and what to do about it.
        """
        with self._open() as source:
            self.chosen(monitors(source))

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Tick], outbox: trio.abc.SendChannel[Frame]
    ) -> None:
        """Grab every watched monitor at each tick."""
        with once_more(self._open) as source:
            boxes = self.chosen(monitors(source))
            before: dict[int, Pixels] = {}
            async for _tick in inbox:
                for monitor, box in boxes.items():
                    moment, wall = trio.current_time(), time.time()
                    last = before.get(monitor)
                    pixels, damage = await trio.to_thread.run_sync(grab, source, box, last)
                    if damage != ():
                        before[monitor], self.activity.last = pixels, moment
                    await outbox.send(Frame(next(self.seqs), monitor, moment, wall, pixels, damage))

    def _open(self) -> mss.MSS:
        import mss  # noqa: PLC0415 - seldom needed, where X says what is drawn
        import mss.exception  # noqa: PLC0415

        self.need_display()
        try:
            return mss.MSS() if self.display is None else mss.MSS(display=self.display)
        except mss.exception.ScreenShotError as error:
            raise cannot_open(self.display, error) from None


def monitors(source: mss.MSS) -> Boxes:
    """The monitors as mss counts them; the first of its list is all of them together."""
    return {
        number: Rect(*(int(monitor[side]) for side in ("left", "top", "width", "height")))
        for number, monitor in enumerate(source.monitors[1:], 1)
    }


def grab(source: mss.MSS, box: Rect, before: Pixels | None = None) -> tuple[Pixels, Damage]:
    """Read the pixels of a part of the desktop, and where they differ from `before`.

    When nothing differs the result is `before` itself; without it the damage is unknown.
    """
    place = {"left": box.x, "top": box.y, "width": box.width, "height": box.height}
    shot = source.grab(place)
    height, width = shot.size.height, shot.size.width
    pixels = np.frombuffer(shot.raw, dtype=np.uint8).reshape(height, width, 4)
    if before is None or before.shape != pixels.shape:
        return pixels, None
    bands = dirty_bands(words(pixels), words(before))
    damage = tuple(Rect(0, top, width, bottom - top) for top, bottom in bands)
    return (pixels, damage) if damage else (before, ())
