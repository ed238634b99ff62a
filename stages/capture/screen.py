"""Grabs monitors through mss, once for every tick."""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs
import numpy as np
import trio

from hud.errors import ScreenGoneError
from hud.items import Frame, Pixels, Tick
from hud.pixels import dirty_bands, words
from hud.rect import Rect
from hud.stage import given
from hud.threads import in_thread
from stages.capture.desktop import Boxes, Desktop, cannot_open, once_more, rest_option
from stages.capture.lookout import Lookout, keep_watching
from stages.capture.rectangles import Piece
from stages.capture.shield import NOTHING, Shield

if TYPE_CHECKING:
    import mss

Damage = tuple[Rect, ...] | None
RESTS_AFTER = 2.0
"""Seconds."""
MONITORS_EVERY = 2.0
"""Seconds after which it is looked whether the monitors are still the same."""


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
        """Grab every watched monitor at each tick; one that goes away is waited for."""
        lookout = Lookout(self.condition, self.warn)
        with contextlib.suppress(trio.EndOfChannel):
            await keep_watching(functools.partial(self._watch, inbox, outbox, lookout), lookout)

    async def _watch(
        self,
        inbox: trio.abc.ReceiveChannel[Tick],
        outbox: trio.abc.SendChannel[Frame],
        lookout: Lookout,
    ) -> None:
        """Watch until the monitors change.

        Raises:
            ScreenGoneError, UsageError, OSError: there is nothing to watch now.
            trio.EndOfChannel: the inbox ended.
        """
        await inbox.receive()
        source = _Source(await in_thread(once_more, self._open))
        with contextlib.closing(source):
            try:
                await self._follow(inbox, outbox, lookout, source)
            except ScreenGoneError:
                if await self._monitors() == source.monitors:
                    raise
        self.warn("the monitors have changed; watching them as they are now")

    async def _follow(
        self,
        inbox: trio.abc.ReceiveChannel[Tick],
        outbox: trio.abc.SendChannel[Frame],
        lookout: Lookout,
        source: _Source,
    ) -> None:
        boxes = self.chosen(source.monitors)
        before: dict[int, Pixels] = {}
        check_at = trio.current_time() + MONITORS_EVERY
        async with self.shielding.raised(self.display, source.monitors) as shield:
            while True:
                for monitor, box in boxes.items():
                    frame = await self._look(source, shield, monitor, box, before.get(monitor))
                    lookout.looked(1 / min(self.rest_fps, self.max_fps))
                    if frame.damage != () and not frame.withheld:
                        before[monitor], self.activity.last = frame.pixels, frame.time
                    await outbox.send(frame)
                tick = await inbox.receive()
                if tick.time >= check_at:
                    check_at = tick.time + MONITORS_EVERY
                    if await self._monitors() != source.monitors:
                        return

    async def _monitors(self) -> Boxes:
        """As they are now; mss looks only once."""

        def look() -> Boxes:
            with self._open() as source:
                return monitors(source)

        return await in_thread(look)

    async def _look(
        self, source: _Source, shield: Shield, monitor: int, box: Rect, before: Pixels | None
    ) -> Frame:
        frame = Frame(next(self.seqs), monitor, trio.current_time(), time.time(), NOTHING)

        async def grab() -> list[Piece]:
            return [(box, await source.grab(box))]

        covered = await shield.cover(grab)
        if covered is None:
            return shield.withheld(frame)
        ((_, now),) = covered
        pixels, damage = await in_thread(compare, now, before)
        return shield.frame(attrs.evolve(frame, pixels=pixels, damage=damage))

    def _open(self) -> mss.MSS:
        import mss  # noqa: PLC0415 - seldom needed, where X says what is drawn
        import mss.exception  # noqa: PLC0415

        self.need_display()
        try:
            return mss.MSS() if self.display is None else mss.MSS(display=self.display)
        except mss.exception.ScreenShotError as error:
            raise cannot_open(self.display, error) from None


@attrs.define(eq=False)
class _Source:
    """An open screen, read in threads by one task."""

    mss: mss.MSS
    monitors: Boxes = attrs.field(init=False)
    _busy: bool = False

    def __attrs_post_init__(self) -> None:
        self.monitors = monitors(self.mss)

    async def grab(self, box: Rect) -> Pixels:
        """Read a part of the desktop.

        Raises:
            ScreenGoneError: there is no such part any more.
        """
        self._busy = True
        return await in_thread(self._grab, box)

    def _grab(self, box: Rect) -> Pixels:
        try:
            with _ending():
                return grab(self.mss, box)
        finally:
            self._busy = False

    def close(self) -> None:
        """Let go of it; not below the hands of a thread that still waits for an answer."""
        if not self._busy:
            with contextlib.suppress(ScreenGoneError), _ending():
                self.mss.close()


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    import mss.exception  # noqa: PLC0415 - as above

    try:
        yield
    except (mss.exception.ScreenShotError, AssertionError):
        # Of a connection that has ended mss says no more than that.
        raise ScreenGoneError("the screen cannot be read any more") from None


def monitors(source: mss.MSS) -> Boxes:
    """The monitors as mss counts them; the first of its list is all of them together."""
    return {
        number: Rect(*(int(monitor[side]) for side in ("left", "top", "width", "height")))
        for number, monitor in enumerate(source.monitors[1:], 1)
    }


def grab(source: mss.MSS, box: Rect) -> Pixels:
    """Read the pixels of a part of the desktop."""
    place = {"left": box.x, "top": box.y, "width": box.width, "height": box.height}
    shot = source.grab(place)
    pixels = np.frombuffer(shot.raw, dtype=np.uint8)
    return pixels.reshape(shot.size.height, shot.size.width, 4)


def compare(pixels: Pixels, before: Pixels | None) -> tuple[Pixels, Damage]:
    """Where pixels differ from those before.

    When nothing differs the result is `before` itself; without it the damage is unknown.
    """
    if before is None or before.shape != pixels.shape:
        return pixels, None
    bands = dirty_bands(words(pixels), words(before))
    width = pixels.shape[1]
    damage = tuple(Rect(0, top, width, bottom - top) for top, bottom in bands)
    return (pixels, damage) if damage else (before, ())
