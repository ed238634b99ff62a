"""What privacy costs a frame, and whether anything gets past it while windows are shaken.

    python benchmarks/masks.py [--frames 1000] [--json]
    python benchmarks/masks.py --shake 60

The first prints, for 1920x1080 on Xvfb under openbox with 12 and 40 windows, what a frame costs
more with masks than without: asking X how the windows stand, and painting. The windows rest, or one
of them is moved before every frame; all of the screen is read, or one line of text that lies half
over the forbidden window, as the capture that is told what was drawn reads it. The second moves,
resizes, covers, raises and hides windows at random, one of them forbidden and filled with a colour
that occurs nowhere else, and looks for that colour in every frame of each capture, and in every
picture that a server is sent.

    12 windows, at rest, all        p50 0.49 ms  p95 0.72 ms  cpu p50 0.45 ms  paint p50 0.22 ms

`cpu` is what our own thread computes; the rest is waiting for the X server, which while windows
move does that first. `paint` is the part of it below which nothing can get: to write as many pixels
as the window has, into a picture that has left the caches since the last frame.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import trio

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import rig
from hud.privacy.options import PrivacyOptions
from hud.rect import Rect
from stages.capture.rectangles import Piece
from stages.capture.shield import Shielding, paint
from tests.windows import PUBLIC, SECRET, Program, wallpaper

ROOT = pathlib.Path(__file__).parents[1]
SCREEN = Rect(0, 0, 1920, 1080)
MASKED = Rect(200, 150, 800, 600)
LINE = Rect(600, 300, 800, 20)
SHAKEN = [
    "tests/stages/test_shield.py::test_a_forbidden_window_is_in_no_frame_however_windows_move",
    "tests/whole/test_privacy.py::test_no_picture_that_leaves_shows_a_forbidden_window",
]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--frames", type=int, default=1000, help="of each row (1000)")
    arguments.add_argument("--shake", type=float, metavar="SECONDS", help="look for leaks instead")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    given = arguments.parse_args()
    if given.shake:
        shake(given.shake)
    rows = {}
    for windows, moving, read in itertools.product((12, 40), (False, True), (LINE, SCREEN)):
        name = f"{windows} windows, {'one moving' if moving else 'at rest'}, "
        name += "a line" if read is LINE else "all"
        rows[name] = measure(windows, given.frames, moving=moving, read=read)
        if not given.json:
            figures = "  ".join(f"{kind} {ms:.2f} ms" for kind, ms in rows[name].items())
            print(f"{name:32}{figures}", flush=True)
    if given.json:
        print(json.dumps({"machine": rig.machine(), "ms": rows}, indent=1))


def shake(seconds: float) -> None:
    environment = os.environ | {"HUD_SHAKEN_FOR": str(seconds)}
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-s", *SHAKEN]
    sys.exit(subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode)


def measure(windows: int, frames: int, *, moving: bool, read: Rect) -> dict[str, float]:
    with contextlib.ExitStack() as stack:
        display, _ = stack.enter_context(rig.virtual_screen(SCREEN.width, SCREEN.height))
        environment = os.environ | {"DISPLAY": display}
        stack.enter_context(rig.running("openbox", env=environment, stderr=subprocess.DEVNULL))
        time.sleep(1)
        wallpaper(display)
        vault, other = (stack.enter_context(Program(display)) for _ in range(2))
        secret = vault.window(MASKED, SECRET, name="Vault")
        for number in range(windows - 1):
            other.window(Rect(20 * number, 15 * number, 400, 300), PUBLIC, name="Editor")
        time.sleep(1)
        vault.stack(secret, above=True)
        time.sleep(0.5)

        def move(turn: int) -> None:
            if moving:
                x = MASKED.x + turn % 500
                vault.place(secret, Rect(x, MASKED.y, MASKED.width, MASKED.height))

        return trio.run(time_covers, display, frames, move, read)


async def time_covers(
    display: str, frames: int, move: Callable[[int], None], read: Rect
) -> dict[str, float]:
    picture = np.zeros((read.height, read.width, 4), np.uint8)
    times, spent, painted = [], [], []

    async def grab() -> Sequence[Piece]:
        await trio.lowlevel.checkpoint()
        return [(read, picture)]

    shielding = Shielding(PrivacyOptions(mask=("class:Vault",), itself=False))
    async with shielding.raised(display, {1: SCREEN}) as shield:
        await shield.cover(grab)
        for turn in range(frames):
            move(turn)
            began, worked = time.perf_counter(), time.thread_time()
            await shield.refresh()  # as before every look
            await shield.cover(grab)
            spent.append(1000 * (time.thread_time() - worked))
            times.append(1000 * (time.perf_counter() - began))
            await trio.sleep(0.002)
            worked = time.thread_time()
            paint(picture, read, [MASKED])
            painted.append(1000 * (time.thread_time() - worked))
            await trio.sleep(0.002)
    assert picture.any(), "nothing was painted"
    return {
        "p50": statistics.median(times),
        "p95": rig.quantile(times, 0.95),
        "cpu p50": statistics.median(spent),
        "paint p50": statistics.median(painted),
    }


if __name__ == "__main__":
    main()
