"""Compares 32-pixel tiles exactly and decides by time: what repeats or never rests is noise.

Size does not tell news from noise, a caret is larger than a digit. Time does: a tile that rested
and now shows something it did not show before is content, at once; one that keeps changing is owed
until it rests; one that changes all the time is ambient; one that shows again what was last passed
on has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import cv2
import numpy as np
import numpy.typing as npt
import trio

from hud.items import Cause, Change, Fate, Frame, Pixels, Rect, together
from hud.stage import between, option

TILE = 32
NEIGHBOURS = np.ones((1, 9), np.uint8)
"""Four tiles to either side: about sixteen letters."""
Mask = npt.NDArray[np.bool_]
"""Shape (rows, columns) of tiles."""


@attrs.frozen
class Tiles:
    """Passes on what is new and rests; each monitor is judged by its own past."""

    rest: float = option(
        0.25, meaning="seconds a busy place must rest before it is passed on", check=between(0, 10)
    )
    patience: float = option(
        1.5, meaning="seconds after which it is passed on without rest", check=between(0.1, 60)
    )
    ambient: float = option(
        3.0, meaning="changes per second from which a place is noise", check=between(0.1, 60)
    )

    def looker(self) -> Callable[[Frame], Change]:
        """A detector with a past of its own, for one monitor."""
        return Detector(self).look

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Frame], outbox: trio.abc.SendChannel[Change]
    ) -> None:
        """Judge every frame; those without regions go no further than the channel."""
        detectors: dict[int, Detector] = {}
        async for frame in inbox:
            detector = detectors.setdefault(frame.monitor, Detector(self))
            if frame.damage == ():
                await outbox.send(detector.look(frame))
            else:
                await outbox.send(await trio.to_thread.run_sync(detector.look, frame))


class Detector:
    """The past of one monitor."""

    def __init__(self, options: Tiles) -> None:
        self._options = options
        self._past: _Past | None = None

    def look(self, frame: Frame) -> Change:
        """Judge a frame against the past, and make it the past."""
        past = self._past
        if past is None or past.last.shape != frame.pixels.shape:
            self._past = _Past.of(frame)
            whole = Rect(0, 0, frame.width, frame.height)
            return Change(frame, (whole,), Cause.FIRST, "first frame of this monitor")
        dirty = None if frame.damage == () else changed_tiles(past.last, frame.pixels)
        if dirty is None and not past.owed.any():
            return Change(frame, (), None, "every pixel as before", Fate.UNCHANGED)
        news = past.judge(frame, dirty, self._options)
        if not news.any():
            fate = Fate.UNCHANGED if dirty is None else Fate.NOISE
            return Change(frame, (), None, "busy, ambient or seen before", fate)
        return Change(frame, regions(news, frame), Cause.CONTENT, "new and at rest")


@attrs.define(eq=False)
class _Past:
    last: Pixels
    shown: Pixels
    """What was passed on last, tile by tile."""
    owed: Mask
    owed_since: npt.NDArray[np.float64]
    changed_at: npt.NDArray[np.float64]
    rate: npt.NDArray[np.float64]
    """Changes per second, a running mean over about two seconds."""

    @classmethod
    def of(cls, frame: Frame) -> _Past:
        shape = (-(-frame.height // TILE), -(-frame.width // TILE))
        long_ago = np.full(shape, -1e9)
        owed = np.zeros(shape, bool)
        shown = frame.pixels.copy()
        return cls(frame.pixels, shown, owed, long_ago, long_ago.copy(), np.zeros(shape))

    def judge(self, frame: Frame, dirty: Mask | None, options: Tiles) -> Mask:
        now = frame.time
        dirty = np.zeros_like(self.owed) if dirty is None else dirty
        rested = now - self.changed_at
        # Typing moves from tile to tile, so a place rests only when its row's neighbours do too.
        quiet = now - cv2.dilate(self.changed_at, NEIGHBOURS)
        self.rate[dirty] = self.rate[dirty] * np.exp(-np.minimum(rested[dirty], 60) / 2) + 0.5
        self.owed_since[dirty & ~self.owed] = now
        self.owed |= dirty
        self.changed_at[dirty] = now
        self.last = frame.pixels
        self._forgive(frame)
        ambient = self.rate * np.exp(-np.minimum(now - self.changed_at, 60) / 2) > options.ambient
        at_once = dirty & (quiet > options.rest)
        at_rest = now - cv2.dilate(self.changed_at, NEIGHBOURS) >= options.rest
        waited = (now - self.owed_since >= options.patience) & ~ambient
        news = self.owed & (at_once | at_rest | waited) & ~(ambient & ~at_rest)
        for row, column in np.argwhere(news):
            place = _tile(row, column)
            self.shown[place] = frame.pixels[place]
        self.owed &= ~news
        return news

    def _forgive(self, frame: Frame) -> None:
        """A tile that shows again what was last passed on owes nothing."""
        for row, column in np.argwhere(self.owed):
            place = _tile(row, column)
            if np.array_equal(frame.pixels[place], self.shown[place]):
                self.owed[row, column] = False


def changed_tiles(before: Pixels, after: Pixels) -> Mask | None:
    """Which tiles differ in any pixel, None when no pixel does."""
    height, width = before.shape[:2]
    old, new = before.view(np.uint32)[..., 0], after.view(np.uint32)[..., 0]
    if np.array_equal(old, new):
        return None
    rows = np.flatnonzero((old != new).any(axis=1))
    mask = np.zeros((-(-height // TILE), -(-width // TILE)), bool)
    for band in np.unique(rows // TILE):
        strip = slice(band * TILE, (band + 1) * TILE)
        columns = np.flatnonzero((old[strip] != new[strip]).any(axis=0))
        mask[band, np.unique(columns // TILE)] = True
    return mask


def regions(news: Mask, frame: Frame) -> tuple[Rect, ...]:
    """Tiles that touch, as rectangles in pixels."""
    rects = [Rect(int(c) * TILE, int(r) * TILE, TILE, TILE) for r, c in np.argwhere(news)]
    return tuple(rect.padded(0, frame.width, frame.height) for rect in together(rects, 1))


def _tile(row: int, column: int) -> tuple[slice, slice]:
    return slice(row * TILE, (row + 1) * TILE), slice(column * TILE, (column + 1) * TILE)
