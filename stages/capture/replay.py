"""Plays a recorded scene at its own pace, as if it were the screen."""

from __future__ import annotations

import functools
import itertools
import pathlib
import time
from collections.abc import Callable, Iterator

import attrs
import trio

from hud import scene as scenes
from hud.items import Frame, Pixels, Tick
from hud.rect import Rect
from hud.stage import between, given, option, silent
from stages.capture.rectangles import Piece
from stages.capture.shield import NOTHING, Shielding


@attrs.frozen
class Replay:
    """Gives a recording's frames at its own pace; ends with it."""

    path: str = option(meaning="folder of the recording, with its scene.json")
    speed: float = option(1.0, meaning="how many times faster", check=between(0.1, 100))
    seqs: Iterator[int] = given(attrs.Factory(lambda: itertools.count(1)))
    warn: Callable[[str], None] = given(silent)
    shielding: Shielding = given(Shielding())

    watched = "a recording"
    """What is watched, for the user."""

    @property
    def manner(self) -> str:
        """How it is watched, for the user."""
        return "at its own pace" if self.speed == 1 else f"{self.speed:g} times as fast"

    @functools.cached_property
    def scene(self) -> scenes.Scene:
        """The recording's index."""
        return scenes.load(pathlib.Path(self.path))

    @property
    def period(self) -> float:
        """Seconds between two ticks."""
        return 1 / (self.scene.fps * self.speed)

    def preflight(self) -> None:
        """Check that the recording is there and whole.

        Raises:
            UsageError: what is missing.
        """
        scenes.load(pathlib.Path(self.path))

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Tick], outbox: trio.abc.SendChannel[Frame]
    ) -> None:
        """Show at each tick what stood on the screen then; a late tick skips frames."""
        scene = self.scene
        whole = Rect(0, 0, scene.width, scene.height)
        shown: tuple[str, Pixels] | None = None
        start: float | None = None
        async with self.shielding.of_recordings().raised(None, {1: whole}) as shield:
            async for tick in inbox:
                start = tick.time if start is None else start
                index = round((tick.time - start) / self.period)
                if index >= len(scene.files):
                    return
                file = scene.files[index]
                still = shown is not None and shown[0] == file
                pieces = await shield.cover(functools.partial(self._read, file, whole, shown))
                moment, damage = trio.current_time(), () if still else None
                frame = Frame(next(self.seqs), 1, moment, time.time(), NOTHING, damage)
                if pieces is None:
                    await outbox.send(shield.withheld(frame))
                    continue
                ((_, pixels),) = pieces
                shown = file, pixels
                await outbox.send(shield.frame(attrs.evolve(frame, pixels=pixels)))

    async def _read(self, file: str, whole: Rect, shown: tuple[str, Pixels] | None) -> list[Piece]:
        if shown is not None and shown[0] == file:
            return [(whole, shown[1])]
        return [(whole, await trio.to_thread.run_sync(self.scene.picture, file))]
