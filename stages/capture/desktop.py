"""Which part of the desktop is watched, however its pixels are read."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from hud.condition import Condition
from hud.errors import UsageError
from hud.rect import Rect
from hud.stage import between, given, option, silent
from stages.capture.shield import Shielding

T = TypeVar("T")
Boxes = Mapping[int, Rect]
"""Number of the monitor, from 1 → its place in pixels of the whole desktop."""


def _is_monitor(value: int | str) -> str | None:
    if value == "all" or (isinstance(value, int) and value >= 1):
        return None
    return "must be a number from 1, or all"


def _is_region(value: tuple[int, ...]) -> str | None:
    if len(value) == 4 and min(value[:2]) >= 0 and min(value[2:]) >= 16:
        return None
    return "must be [x, y, width, height] inside the monitor, at least 16 pixels wide and high"


def check_option() -> Any:  # noqa: ANN401 - as option
    """How often to make sure that X has told of everything.

    At 1080p it costs 6 ms, and X 2: on a still screen hardly anything else costs anything.
    """
    return option(
        6.0,
        meaning="with X DAMAGE: seconds between two looks at everything, for what X did not report",
        check=between(0.1, 3600),
    )


def rest_option() -> Any:  # noqa: ANN401 - as option
    """How often to look at a still screen."""
    return option(
        10.0,
        meaning="without X DAMAGE: how often to look when nothing has changed for 2 s",
        check=between(0.1, 240),
    )


@attrs.frozen
class Desktop:
    """The options of everything that watches a monitor, a region of it, or all monitors."""

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
    seqs: Iterator[int] = given(attrs.Factory(lambda: itertools.count(1)))
    warn: Callable[[str], None] = given(silent)
    condition: Condition = given(attrs.Factory(Condition))
    shielding: Shielding = given(Shielding())

    @property
    def watched(self) -> str:
        """What is watched, for the user."""
        monitors = "all monitors" if self.monitor == "all" else f"monitor {self.monitor}"
        return f"a part of {monitors}" if self.region else monitors

    def chosen(self, monitors: Boxes) -> Boxes:
        """The watched part of each watched monitor.

        Raises:
            NoMonitorError: there is no such monitor, or the region is not inside it.
        """
        if not monitors:
            raise NoMonitorError("no monitor is switched on")
        if self.monitor == "all":
            boxes = dict(monitors)
        elif self.monitor in monitors:
            boxes = {int(self.monitor): monitors[int(self.monitor)]}
        else:
            there = ", ".join(f"{n} ({box.width}x{box.height})" for n, box in monitors.items())
            raise NoMonitorError(f"there is no monitor {self.monitor}; there are: {there}")
        return {number: self._part(box, number) for number, box in boxes.items()}

    def _part(self, box: Rect, number: int) -> Rect:
        if self.region is None:
            return box
        part = Rect(*self.region)
        if part.right > box.width or part.bottom > box.height:
            raise NoMonitorError(
                f"the region {list(self.region)} is not inside monitor {number}, "
                f"{box.width}x{box.height}"
            )
        return part.moved(box.x, box.y)

    def need_display(self) -> None:
        """Raise UsageError when the screen cannot be watched here, with what to do about it."""
        problem = no_display(self.display)
        if problem is not None:
            raise UsageError(problem)


class NoMonitorError(UsageError):
    """The display has no such monitor, or not such a large one."""


class NoAnswerError(UsageError):
    """The display cannot be opened."""


def cannot_open(display: str | None, reason: object) -> NoAnswerError:
    """The error of a display that does not answer."""
    name = display or os.environ.get("DISPLAY", "")
    return NoAnswerError(f"display {name!r} cannot be opened: {reason}")


def once_more(connect: Callable[[], T]) -> T:
    """Call what connects to a display that has answered before, if need be again.

    An X server whose last client leaves starts anew, and answers nobody meanwhile.
    """
    for wait in (0.1, 0.4):
        try:
            return connect()
        except NoAnswerError:
            time.sleep(wait)
    return connect()


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
