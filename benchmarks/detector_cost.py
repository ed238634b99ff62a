"""What one look of the detector costs, by size of the screen and of the change.

    detector_cost.py

Milliseconds a frame, median of 60, one thread: nothing changed, a line of text changed, everything
changed; and the same with damage reported, where nothing else is compared.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from hud.items import Frame, Rect
from stages.change.detector.detector import Detector

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160), "3 x 4K": (11520, 2160)}


def page(width: int, height: int, seed: int) -> np.ndarray:
    """A screen full of text."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    rng = np.random.default_rng(seed)
    for y in range(20, height, 24):
        words = "".join(map(chr, rng.integers(40, 122, width // 11)))
        cv2.putText(pixels, words, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0, 255), 1)
    return pixels


def timed(width: int, height: int, kind: str, *, damage: bool = False) -> float:
    """Median milliseconds of a look at frames that change in this way."""
    one, two = page(width, height, 1), page(width, height, 2)
    line = Rect(200, 300, 420, 20)
    spent, detector = [], Detector()
    for k in range(64):
        if kind == "line" and k:
            cv2.rectangle(one, (200, 300), (619, 319), (255, 255, 255, 255), -1)
            cv2.putText(one, f"line {k}", (202, 315), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0, 255))
        pixels = two if kind == "all" and k % 2 else one
        changed = {"none": (), "line": (line,), "all": (Rect(0, 0, width, height),)}[kind]
        frame = Frame(k, 1, k * 5.0, 0.0, pixels, changed if damage and k else None)
        begin = time.perf_counter()
        detector.look(frame)
        spent.append(time.perf_counter() - begin)
        while (due := detector.due()) is not None and due < (k + 1) * 5.0:
            detector.wake(due)
    return 1000 * float(np.median(spent[4:]))


def main() -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    print("size     none   line   all    line, with damage")
    for name, (width, height) in SIZES.items():
        figures = [timed(width, height, kind) for kind in ("none", "line", "all")]
        figures.append(timed(width, height, "line", damage=True))
        print(f"{name:7}", *(f"{figure:6.2f}" for figure in figures))


if __name__ == "__main__":
    main()
