"""Grabs monitors through mss, once for every tick."""

from __future__ import annotations

import itertools
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping

import attrs
import mss
import mss.exception
import numpy as np
import trio

from hud.errors import UsageError
from hud.items import Frame, Pixels, Rect, Tick
from hud.pixels import dirty_bands, words
from hud.stage import between, given, option

Box = Mapping[str, int]
"""left, top, width, height in pixels of the whole desktop."""


def _is_monitor(value: int | str) -> str | None:
    if value == "all" or (isinstance(value, int) and value >= 1):
        return None
    return "must be a number from 1, or all"


def _is_region(value: tuple[int, ...]) -> str | None:
    if len(value) == 4 and min(value[:2]) >= 0 and min(value[2:]) >= 16:
        return None
    return "must be [x, y, width, height] inside the monitor, at least 16 pixels wide and high"


Damage = tuple[Rect, ...] | None
RESTS_AFTER = 2.0
"""Seconds."""


@attrs.define
class Activity:
    """When a watched screen last changed, on trio's clock."""

    last: float = -math.inf


@attrs.frozen
class Screen:
    """Watches a monitor, a region of it, or all monitors, each with frames of its own."""

    monitor: int | str = option(
        1, meaning="number of the monitor, from 1, or all", check=_is_monitor
    )
    region: tuple[int, ...] | None = option(
        None, meaning="only this part of the monitor: [x, y, width, height]", check=_is_region
    )
    max_fps: float = option(
        30.0, meaning="how often to look, at most, per second", check=between(0.1, 240)
    )
    display: str | None = option(
        None, meaning="X display such as :1 (default: the variable DISPLAY)"
    )
    rest_fps: float = option(
        10.0, meaning="how often to look when nothing has changed for 2 s", check=between(0.1, 240)
    )
    seqs: Iterator[int] = given(attrs.Factory(lambda: itertools.count(1)))
    activity: Activity = given(attrs.Factory(Activity))

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
            self._boxes(source)

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Tick], outbox: trio.abc.SendChannel[Frame]
    ) -> None:
        """Grab every watched monitor at each tick."""
        with self._open() as source:
            boxes = self._boxes(source)
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
        problem = no_display(self.display)
        if problem is not None:
            raise UsageError(problem)
        try:
            return mss.MSS() if self.display is None else mss.MSS(display=self.display)
        except mss.exception.ScreenShotError as error:
            name = self.display or os.environ.get("DISPLAY", "")
            raise UsageError(f"display {name!r} cannot be opened: {error}") from None

    def _boxes(self, source: mss.MSS) -> dict[int, Box]:
        monitors = dict(enumerate(source.monitors[1:], 1))
        if self.monitor == "all":
            chosen = {number: _box(monitor) for number, monitor in monitors.items()}
        elif self.monitor in monitors:
            chosen = {int(self.monitor): _box(monitors[int(self.monitor)])}
        else:
            there = ", ".join(f"{n} ({m['width']}x{m['height']})" for n, m in monitors.items())
            raise UsageError(f"there is no monitor {self.monitor}; there are: {there}")
        if self.region is None:
            return chosen
        return {number: self._inside(box, number) for number, box in chosen.items()}

    def _inside(self, box: Box, number: int) -> Box:
        assert self.region is not None
        x, y, width, height = self.region
        if x + width > box["width"] or y + height > box["height"]:
            size = f"{box['width']}x{box['height']}"
            raise UsageError(
                f"the region {list(self.region)} is not inside monitor {number}, {size}"
            )
        return {"left": box["left"] + x, "top": box["top"] + y, "width": width, "height": height}


def grab(source: mss.MSS, box: Box, before: Pixels | None = None) -> tuple[Pixels, Damage]:
    """Read the pixels of a part of the desktop, and where they differ from `before`.

    When nothing differs the result is `before` itself; without it the damage is unknown.
    """
    shot = source.grab(dict(box))
    height, width = shot.size.height, shot.size.width
    pixels = np.frombuffer(shot.raw, dtype=np.uint8).reshape(height, width, 4)
    if before is None or before.shape != pixels.shape:
        return pixels, None
    bands = dirty_bands(words(pixels), words(before))
    damage = tuple(Rect(0, top, width, bottom - top) for top, bottom in bands)
    return (pixels, damage) if damage else (before, ())


def no_display(name: str | None) -> str | None:
    """Why the screen cannot be watched here and what to do, or None when it can."""
    if name is not None or not sys.platform.startswith("linux"):
        return None
    if os.environ.get("WAYLAND_DISPLAY") or os.environ.get("XDG_SESSION_TYPE") == "wayland":
        return (
            "this is a Wayland session, where programs may not read the screen (they see black). "
            "Possible: log in to an X11 session ('on Xorg'), watch an X server of its own such as "
            "Xvfb with --set capture.display=:1, or play a recording with --source replay:DIR"
        )
    if not os.environ.get("DISPLAY"):
        return (
            "there is no display: the variable DISPLAY is not set. Start an X session, name a "
            "display with --set capture.display=:1, or play a recording with --source replay:DIR"
        )
    return None


def _box(monitor: Mapping[str, int]) -> Box:
    return {side: int(monitor[side]) for side in ("left", "top", "width", "height")}
