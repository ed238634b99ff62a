"""Whole-frame hashes with a threshold, as most programs use them; kept for comparison.

A 64-bit hash of a whole screen does not see an ordinary change: a chat line, a badge or a digit
moves 0 to 2 bits. They say only that a frame differs, so the region is the whole frame.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import cv2
import numpy as np
import numpy.typing as npt
import trio

from hud.detector import Guard, unguarded
from hud.items import Cause, Change, Fate, Frame, Pixels
from hud.rect import Rect
from hud.stage import between, given, one_of, option
from stages.change import judging

Bits = npt.NDArray[np.bool_]
"""Shape (64,)."""
Hash = Callable[[Pixels], Bits]


def small_grey(pixels: Pixels, width: int, height: int) -> npt.NDArray[np.float32]:
    """The picture as grey levels of this size, each the mean of its area.

    In two steps: INTER_AREA is fast at whole ratios only (1080p: 1.1 ms instead of 6.0).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY)
    if min(grey.shape) >= 256:
        size = grey.shape[1] // 4, grey.shape[0] // 4
        grey = cv2.resize(grey[: size[1] * 4, : size[0] * 4], size, interpolation=cv2.INTER_AREA)
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def dhash(pixels: Pixels) -> Bits:
    """Whether each of 8x8 areas is lighter than its neighbour to the left."""
    grey = small_grey(pixels, 9, 8)
    bits: Bits = (grey[:, 1:] > grey[:, :-1]).ravel()
    return bits


def phash(pixels: Pixels) -> Bits:
    """Whether each of the 8x8 lowest frequencies is above their median."""
    low = cv2.dct(small_grey(pixels, 32, 32))[:8, :8]
    bits: Bits = (low > np.median(low)).ravel()
    return bits


class HashDetector:
    """Passes a frame on when its hash is more than `threshold` bits from the last one passed on.

    The same calls as the tile detector: `look`, `wake`, `due`.
    """

    def __init__(self, hash_of: Hash = phash, threshold: int = 5) -> None:
        self._hash_of, self._threshold = hash_of, threshold
        self._last: Bits | None = None

    def look(self, frame: Frame) -> Change:
        """Judge a frame."""
        bits = self._hash_of(frame.pixels)
        whole = (Rect(0, 0, frame.width, frame.height),)
        if self._last is None:
            self._last = bits
            return Change(frame, whole, Cause.FIRST, "the first frame")
        distance = int(np.count_nonzero(bits != self._last))
        rule = f"{distance} bits from the last, {self._threshold} are allowed"
        if distance <= self._threshold:
            return Change(frame, (), None, rule, Fate.NOISE if distance else Fate.UNCHANGED)
        self._last = bits
        return Change(frame, whole, Cause.CONTENT, rule)

    def wake(self, time: float) -> Change | None:
        """Nothing is ever due."""
        return None

    def due(self) -> float | None:
        """Nothing is ever due."""
        return None


HASHES: dict[str, Hash] = {"dhash": dhash, "phash": phash}


@attrs.frozen
class WholeFrame:
    """A hash of the whole frame with a threshold, as most programs use it; for comparison."""

    hash: str = option("phash", meaning="dhash or phash", check=one_of(*HASHES))
    threshold: int = option(
        5, meaning="bits of 64 that may differ before a frame counts", check=between(0, 63)
    )

    guard: Guard = given(unguarded)
    """What is put around each detector."""

    def detector(self) -> HashDetector:
        """A detector for one monitor."""
        return HashDetector(HASHES[self.hash], self.threshold)

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Frame], outbox: trio.abc.SendChannel[Change]
    ) -> None:
        """Judge every frame; those without regions go no further than the channel."""
        await judging.judge(lambda: self.guard(self.detector()), inbox, outbox, whole=True)
