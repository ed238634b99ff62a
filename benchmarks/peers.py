"""The change detectors of other programs, reduced to their idea, behind the same calls.

The numbers are those of the programs as they come: screenpipe (Histogram), OpenRecall (Similarity),
Observer (TwoStep: the "hybrid" default of its change detector, Roy3838/Observer, app/src/utils).
"""

from __future__ import annotations

import abc

import cv2
import numpy as np

from hud.items import Cause, Change, Fate, Frame
from hud.rect import Rect
from stages.change.whole_frame import dhash


class WholeFrame(abc.ABC):
    """Passes a whole frame on when `differs` says so."""

    def __init__(self) -> None:
        self.last: Frame | None = None

    @abc.abstractmethod
    def differs(self, old: Frame, new: Frame) -> bool:
        """Whether the new frame is to be sent, given the last one sent."""

    def look(self, frame: Frame) -> Change:
        """Judge a frame."""
        if self.last is not None and not self.differs(self.last, frame):
            return Change(frame, (), None, "alike", Fate.NOISE)
        self.last = frame
        return Change(frame, (Rect(0, 0, frame.width, frame.height),), Cause.CONTENT, "differs")

    def wake(self, time: float) -> Change | None:
        """Nothing is held back."""
        return None

    def due(self) -> float | None:
        """Nothing is held back."""
        return None


class EverySecond(WholeFrame):
    """One frame a second, whatever is on it."""

    def differs(self, old: Frame, new: Frame) -> bool:
        """Whether a second has passed."""
        return new.time - old.time >= 1.0 - 1e-6


class Bytes(WholeFrame):
    """Any changed byte, looked at twice a second."""

    def differs(self, old: Frame, new: Frame) -> bool:
        """Whether half a second has passed and the pictures are not equal."""
        late = new.time - old.time >= 0.5 - 1e-6
        return late and not np.array_equal(old.pixels, new.pixels)


class Histogram(WholeFrame):
    """Hellinger distance between grey histograms."""

    def differs(self, old: Frame, new: Frame) -> bool:
        """Whether it is above 0.006."""
        a, b = (
            cv2.calcHist([cv2.cvtColor(f.pixels, cv2.COLOR_BGRA2GRAY)], [0], None, [256], [0, 256])
            for f in (old, new)
        )
        return cv2.compareHist(a, b, cv2.HISTCMP_HELLINGER) > 0.006


class Similarity(WholeFrame):
    """One SSIM figure for the whole frame."""

    def differs(self, old: Frame, new: Frame) -> bool:
        """Whether it is below 0.9."""
        a, b = (cv2.cvtColor(f.pixels, cv2.COLOR_BGRA2GRAY).astype(np.float32) for f in (old, new))
        mean_a, mean_b = cv2.blur(a, (7, 7)), cv2.blur(b, (7, 7))
        var_a, var_b = cv2.blur(a * a, (7, 7)) - mean_a**2, cv2.blur(b * b, (7, 7)) - mean_b**2
        both = cv2.blur(a * b, (7, 7)) - mean_a * mean_b
        light = (2 * mean_a * mean_b + 6.5) / (mean_a**2 + mean_b**2 + 6.5)
        return float((light * (2 * both + 58.5) / (var_a + var_b + 58.5)).mean()) < 0.9


class TwoStep(WholeFrame):
    """A dHash decides what is clearly another picture; where it sees none, pixels are counted."""

    def differs(self, old: Frame, new: Frame) -> bool:
        """Whether under 90 % of the bits agree, or under 95 % of the pixels where all bits do.

        In between, at 90 to 99.8 % of the bits, it takes the difference for a camera's noise.
        """
        alike = float(np.mean(dhash(old.pixels) == dhash(new.pixels)))
        if alike < 0.998:
            return alike < 0.9
        same = np.all(old.pixels[..., :3] == new.pixels[..., :3], axis=2)
        return float(same.mean()) < 0.95
