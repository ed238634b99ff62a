"""Turns a change into the JPEGs that the model will be shown."""

from __future__ import annotations

import attrs
import cv2
import trio

from hud.items import Change, Frame, Picture, Rect, Shot, clock
from hud.realtime import caption
from hud.stage import between, given, option
from stages.encode.plan import plan
from stages.encode.standing import Standing

INLINE_PIXELS = 500_000
"""Below this a crop is encoded faster (0.5 ms) than the loop must be spared."""


@attrs.frozen
class Jpeg:
    """Close-ups of the changed regions at native resolution; the first frame whole."""

    quality: int = option(
        85, meaning="JPEG quality; below 75 small text suffers", check=between(30, 100)
    )
    margin: int = option(
        24, meaning="pixels of surroundings around each region", check=between(0, 200)
    )
    pictures: int = option(4, meaning="close-ups per note, at most", check=between(1, 16))

    standing: bool = given(False)
    """Whether the model keeps a picture of the screen, which must not become outdated."""

    def sketch(self, change: Change) -> Shot:
        """The shot without its JPEGs, for an estimate."""
        rects = plan(change, self.margin, self.pictures)
        return Shot(change, tuple(Picture(rect, b"") for rect in rects), _caption(change, rects))

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Change], outbox: trio.abc.SendChannel[Shot]
    ) -> None:
        """Encode each change, large ones in a thread."""
        cv2.setNumThreads(1)
        standing: dict[int, Standing] = {}
        async for change in inbox:
            rects = plan(change, self.margin, self.pictures)
            if self.standing:
                picture = standing.setdefault(change.monitor, Standing())
                rects = await trio.to_thread.run_sync(picture.renew, change.frame, rects)
            if sum(rect.area for rect in rects) < INLINE_PIXELS:
                shot = shoot(change, rects, self.quality)
            else:
                shot = await trio.to_thread.run_sync(shoot, change, rects, self.quality)
            await outbox.send(shot)


def shoot(change: Change, rects: tuple[Rect, ...], quality: int) -> Shot:
    """Encode parts of the change's frame and write their caption."""
    pictures = tuple(Picture(rect, encode(change.frame, rect, quality)) for rect in rects)
    return Shot(change, pictures, _caption(change, rects))


def _caption(change: Change, rects: tuple[Rect, ...]) -> str:
    frame = change.frame
    return caption.write(clock(frame.wall_time), frame.monitor, (frame.width, frame.height), rects)


def encode(frame: Frame, rect: Rect, quality: int) -> bytes:
    """One part of a frame as JPEG; OpenCV takes BGRA where it stands: no conversion and no copy."""
    part = frame.pixels[rect.slices]
    done, data = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "OpenCV encodes any non-empty 8-bit picture as JPEG"
    return data.tobytes()
