"""Small synthetic screens, and a detector fed with them."""

import cv2
import numpy as np

from hud.items import Change, Frame
from stages.change.detector.detector import Detector

WHITE, BLACK, RED, GREY = (255, 255, 255), (0, 0, 0), (40, 40, 220), (242, 242, 242)


class Screen:
    """A picture that is drawn on, a clock, and everything that was passed on."""

    def __init__(self, width=640, height=360, fps=10, detector=None):
        self.pixels = np.full((height, width, 4), 255, np.uint8)
        self.detector = detector or Detector()
        self.time, self.fps, self.seq = 100.0, fps, 0
        self.passed: list[tuple[float, Change]] = []
        self.last: Change | None = None

    def text(self, x, y, words, colour=BLACK, size=0.5):
        cv2.putText(
            self.pixels,
            words,
            (x, y),
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            (*colour, 255),
            1,
            cv2.LINE_AA,
        )
        self.pixels[..., 3] = 255  # as no screen mixes it

    def fill(self, x, y, w, h, colour=WHITE):
        self.pixels[y : y + h, x : x + w, :3] = colour

    def value(self, x, y, words, colour=BLACK):
        self.fill(x - 2, y - 16, 80, 22)
        self.text(x, y, words, colour)

    def look(self, ticks=1):
        """Take `ticks` frames, waking the detector in between when it asks for it."""
        for _ in range(ticks):
            while (due := self.detector.due()) is not None and due < self.time - 1e-6:
                change = self.detector.wake(due)
                if change is not None:
                    self.passed.append((due, change))
            frame = Frame(self.seq, 1, round(self.time, 4), 0.0, self.pixels.copy())
            self.last = self.detector.look(frame)
            if self.last.regions:
                self.passed.append((frame.time, self.last))
            self.time += 1 / self.fps
            self.seq += 1
        return self.last

    def seconds(self, seconds):
        return self.look(round(seconds * self.fps))

    def settle(self):
        """Let the start of the session pass, and forget what was passed on."""
        self.seconds(4)
        self.passed.clear()
        return self.time

    def shows(self, x, y):
        """Whether any region of what was passed on holds this point."""
        return any(
            r.x <= x < r.right and r.y <= y < r.bottom
            for _, change in self.passed
            for r in change.regions
        )
