"""What one look of the detector costs, by size of the screen and of the change.

    detector_cost.py [--plot FILE]

Milliseconds a frame, median of 60, one thread: nothing changed, a line of text changed, everything
changed; and the same with damage reported, where nothing else is compared. Beside them the bare
memcmp of two equal frames, which is as fast as the memory is that day. The plot, which needs
matplotlib, shows the cost against the number of pixels that changed, damage reported.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from hud.items import Frame
from hud.rect import Rect
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


def curve(width: int, height: int, areas: list[float]) -> list[float]:
    """Median milliseconds of a look when so many pixels of text change, and damage is reported."""
    one, two = page(width, height, 1), page(width, height, 2)
    times = []
    for area in areas:
        side = (min(width, round(area**0.5 * 1.3)), min(height, round(area**0.5 / 1.3)))
        part = Rect(0, 0, *side)
        shown, spent, detector = one.copy(), [], Detector()
        for k in range(14):
            shown[part.slices] = (two if k % 2 else one)[part.slices]
            frame = Frame(k, 1, k * 5.0, 0.0, shown, (part,) if k else None)
            begin = time.perf_counter()
            detector.look(frame)
            spent.append(time.perf_counter() - begin)
            while (due := detector.due()) is not None and due < (k + 1) * 5.0:
                detector.wake(due)
        times.append(1000 * float(np.median(spent[2:])))
    return times


def plot(file: str) -> None:
    """Draw the curve for every size."""
    from matplotlib import pyplot  # noqa: PLC0415 - needed for this alone

    figure, axes = pyplot.subplots(figsize=(6, 3.6), dpi=80)
    for name, (width, height) in SIZES.items():
        areas = [a for a in (5e3, 2e4, 1e5, 4e5, 1e6, 2e6, 4e6) if a <= 0.6 * width * height]
        axes.plot([a / 1e6 for a in areas], curve(width, height, areas), marker="o", label=name)
    axes.set(xlabel="pixels that changed, millions", ylabel="ms a look", xscale="log", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(file, bbox_inches="tight")


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


def bare(width: int, height: int) -> float:
    """Median milliseconds to compare two equal frames with the C library, and nothing else."""
    memcmp = ctypes.CDLL(None).memcmp
    memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    one, spent = page(width, height, 1), []
    other = one.copy()
    for _ in range(64):
        begin = time.perf_counter()
        memcmp(one.ctypes.data, other.ctypes.data, one.nbytes)
        spent.append(time.perf_counter() - begin)
    return 1000 * float(np.median(spent[4:]))


def main() -> None:
    """Print the table, or draw the curve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--plot", metavar="FILE")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.plot:
        plot(given.plot)
        return
    print("size   memcmp   none   line    all   line, with damage")
    for name, (width, height) in SIZES.items():
        figures = [bare(width, height)]
        figures += [timed(width, height, kind) for kind in ("none", "line", "all")]
        figures.append(timed(width, height, "line", damage=True))
        print(f"{name:7}", *(f"{figure:6.2f}" for figure in figures))


if __name__ == "__main__":
    main()
