"""A capture: a picture file, such as a camera's last one, is looked at like a screen."""

import itertools
import time

import attrs
import cv2
import trio

from hud.items import Frame
from hud.stage import given, option


@attrs.frozen
class Picture:
    """Shows a picture file, read anew at each look."""

    path: str = option(meaning="a PNG or JPEG file")
    period: float = option(1.0, meaning="seconds between two looks")
    seqs: itertools.count = given(attrs.Factory(lambda: itertools.count(1)))

    async def run(self, inbox, outbox):
        async for tick in inbox:
            bgr = await trio.to_thread.run_sync(cv2.imread, self.path)
            pixels = cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA)
            await outbox.send(Frame(next(self.seqs), 1, tick.time, time.time(), pixels))
