"""Records the small scenes of tests/scenes with `hud record` from real programs on Xvfb.

    make_small_scenes.py OUT [NAME ...]

A program is started on a display of its own and driven by keys; the labels are found in the
pictures: a step shows its content from the first tick on which the place it changed looks as it
does at the end of the step. Needs Xvfb, xdotool, xterm, vim and Chromium. Two runs give the same
events, a tick sooner or later.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import cv2
import numpy as np

PAGE = (Path(__file__).parent / "pages" / "small.html").as_uri()
FPS = 10
MARGIN = 1
CAPTION = (84, 130, 170, 14)
"""Where the letters of the captions stand."""


@attrs.frozen
class Step:
    """A key press and what it brings."""

    wait: float
    """Seconds since the step before."""
    keys: str
    kind: str = "meaningful"
    label: str = ""
    text: str = ""
    ends: int | None = None
    """The number of the step whose content it replaces."""
    box: tuple[int, int, int, int] | None = None
    """Where to look, if something else moves."""


@attrs.frozen
class Small:
    """A program, the size of its screen, and what is done to it."""

    description: str
    size: tuple[int, int]
    command: tuple[str, ...]
    steps: tuple[Step, ...]
    settle: float = 3.5
    noise: tuple[tuple[str, tuple[int, int, int, int]], ...] = ()


def xterm(columns: int, rows: int, points: int, script: str, *more: str) -> tuple[str, ...]:
    """An xterm at the top left that runs a script."""
    return ("xterm", "-geometry", f"{columns}x{rows}+0+0", "-fa", "DejaVu Sans Mono",
            "-fs", str(points), "-b", "4", *more, "-e", "bash", "-c", script)  # fmt: skip


def chromium(page: str, width: int, height: int, scale: int = 1) -> tuple[str, ...]:
    """A Chromium window without a frame."""
    return ("chromium", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            f"--force-device-scale-factor={scale}", "--window-position=0,0", "--kiosk",
            f"--window-size={width},{height}", f"--app={PAGE}#{page}")  # fmt: skip


BUILD = r"""
next() { read -rsn1; }
tput civis; echo '$ make test'; next
printf 'compiling core.c\ncompiling main.c\n'; next
for i in $(seq 0 4 100); do
  printf '\r[%-25s] %3d %%' "$(printf '#%.0s' $(seq 0 $((i / 4))))" $i; sleep 0.1; done
printf '\n128 tests in 3.1 s\n'; next
printf '\e[31merror: 2 tests failed\e[0m\n'; next; sleep 9
"""
WORDS = r"connect(host, port)\nconfigure(options)\nconsume(queue)\n\n"
VIM = f"printf '{WORDS}' > $HOME/a.py; vim -u NONE -N -n -c 'set noruler t_vb=' -c '$' $HOME/a.py"

SCENES = {
    "terminal": Small(
        "xterm, dark: a command, a progress bar, an error",
        (400, 200), xterm(50, 10, 10, BUILD, "-bg", "#111", "-fg", "#ddd"),
        (
            Step(3.0, "n", label="output", text="compiling core.c"),
            Step(2.0, "n", label="result after a progress bar", text="128 tests in 3.1 s"),
            Step(5.0, "n", label="error", text="error: 2 tests failed"),
        ),
    ),
    "editor": Small(
        "vim in xterm, light, twice the usual size: a completion popup",
        (640, 400), xterm(36, 10, 20, VIM, "-bg", "white", "-fg", "black"),
        (
            Step(3.0, "i c o n", kind="noise", label="an unfinished word"),
            Step(0.4, "ctrl+n", label="completion popup", text="connect configure consume"),
            Step(2.0, "ctrl+y", kind="revisit", label="popup gone", ends=1),
            Step(1.5, "Escape", kind="noise", label="the mode goes"),
            Step(1.5, "colon w Return", label="message", text="written"),
        ),
    ),
    "page": Small(
        "Chromium, light: a page loads in pieces, a notice comes and goes",
        (420, 260), chromium("load", 420, 260),
        (
            Step(3.0, "n", label="page opened", text="Quarterly report"),
            Step(2.5, "n", label="notice", text="Saved for offline reading"),
            Step(2.0, "n", kind="revisit", label="notice gone", ends=1),
        ),
    ),
    "film": Small(
        "Chromium: a film with captions, and a counter below it",
        (340, 240), chromium("captions", 340, 240),
        (
            Step(3.0, "n", label="caption", text="The bridge opens at noon.", box=CAPTION),
            Step(2.0, "n", kind="noise", label="caption gone", ends=0, box=CAPTION),
            Step(1.5, "n", label="counter", text="4", box=(10, 185, 320, 40)),
            Step(1.5, "n", label="caption", text="Then the ships may pass.", box=CAPTION),
        ),
        noise=(("film", (0, 0, 340, 180)),),
    ),
    "messages": Small(
        "Chromium, dark, scale 2: a message and a badge",
        (600, 360), chromium("chat", 300, 180, 2),
        (
            Step(3.0, "n", label="message", text="Bo: thanks, looking now"),
            Step(2.0, "n", label="badge", text="1"),
            Step(2.5, "n", label="badge", text="2", ends=1),
        ),
    ),
    "jpeg": Small(
        "a remote desktop: JPEG, first coarse, then finer",
        (360, 220), chromium("remote", 360, 220),
        (
            Step(3.0, "n", label="number", text="orders: 121", box=(0, 44, 360, 34)),
            Step(2.5, "n", label="number", text="errors: 3", box=(0, 78, 360, 34)),
            Step(2.5, "n", label="line", text="Backup finished", box=(0, 112, 360, 34)),
        ),
    ),
}  # fmt: skip


@contextlib.contextmanager
def display(width: int, height: int) -> Iterator[dict[str, str]]:
    """The environment of a virtual screen of this size, and a home to write into."""
    reading, writing = os.pipe()
    home = tempfile.mkdtemp()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24",
         "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield os.environ | {"DISPLAY": f":{pipe.readline().strip()}", "HOME": home}
    finally:
        server.terminate()
        server.wait(timeout=10)
        shutil.rmtree(home, ignore_errors=True)


def record(small: Small, folder: Path) -> list[float]:
    """Record a scene; return the scene time of each step."""
    seconds = sum(step.wait for step in small.steps) + 1.5
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with display(*small.size) as environment:
        program = subprocess.Popen(small.command, env=environment, **silent)
        recorder = None
        try:
            time.sleep(small.settle)
            subprocess.run(["xdotool", "mousemove", "60", "60"], env=environment, check=True)
            hud = Path(sys.executable).with_name("hud")
            recorder = subprocess.Popen(
                [hud, "record", folder, "--fps", str(FPS), "--for", str(seconds)],
                env=environment, **silent,
            )  # fmt: skip
            while not list(folder.glob("*.png")):
                time.sleep(0.01)
            begin, due, times = time.monotonic(), 0.0, []
            for step in small.steps:
                due += step.wait
                time.sleep(max(0.0, begin + due - time.monotonic()))
                times.append(time.monotonic() - begin)
                keys = ["xdotool", "key", *step.keys.split()]
                subprocess.run(keys, env=environment, check=True)
            recorder.wait(timeout=30)
        finally:
            for process in (recorder, program):
                if process is not None and process.poll() is None:
                    process.terminate()
                    process.wait(timeout=10)
    return times


def label(small: Small, folder: Path, times: list[float]) -> list[dict[str, Any]]:
    """The events of a recorded scene."""
    index = json.loads((folder / "scene.json").read_text())
    files = [frame["file"] for frame in index["frames"]]
    pictures = {name: cv2.imread(str(folder / name)) for name in set(files)}
    frames, end = [pictures[name] for name in files], index["duration_s"]
    whole = [0, 0, *small.size]
    events = [_event(0.0, end, "meaningful", "initial screen", whole, "")]
    events += [_event(0.0, end, "noise", name, list(box), "") for name, box in small.noise]
    made: list[dict[str, Any]] = []
    ticks = [max(0, int(at * FPS) - 1) for at in times] + [len(frames) - 1]
    for step, first, last in zip(small.steps, ticks[:-1], ticks[1:], strict=True):
        tick, rect = _found(frames, first, last, step.box)
        begin = first / FPS if step.kind == "noise" else tick / FPS
        until = tick / FPS + 0.1 if step.kind == "noise" else end
        made.append(_event(begin, until, step.kind, step.label, rect, step.text))
        if step.ends is not None:
            made[step.ends]["until"] = tick / FPS
    return events + made


def _event(  # noqa: PLR0913, PLR0917 - the keys of an event
    t: float, until: float, kind: str, name: str, rect: list[int], text: str
) -> dict[str, Any]:
    return {"t": round(t, 3), "until": round(until, 3), "kind": kind, "label": name,
            "rect": rect, "text": text}  # fmt: skip


def _found(
    frames: list[np.ndarray], first: int, last: int, box: tuple[int, int, int, int] | None
) -> tuple[int, list[int]]:
    """From which tick on a step shows all it brings, and where."""
    x, y, width, height = box or (0, 0, frames[0].shape[1], frames[0].shape[0])
    pieces = [frame[y : y + height, x : x + width] for frame in frames[first : last + 1]]
    changed = (cv2.absdiff(pieces[0], pieces[-1]) > 24).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not rows.size:
        raise RuntimeError("a step changed nothing")
    look = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    done = [k for k, piece in enumerate(pieces) if _same(piece[look], pieces[-1][look], box)]
    rect = [int(columns[0]) + x - MARGIN, int(rows[0]) + y - MARGIN,
            int(np.ptp(columns)) + 1 + 2 * MARGIN, int(np.ptp(rows)) + 1 + 2 * MARGIN]  # fmt: skip
    return first + done[0], rect


def _same(one: np.ndarray, other: np.ndarray, box: tuple[int, int, int, int] | None) -> bool:
    """Whether two pieces show the same; in a box, give or take JPEG noise and a film."""
    level, share = (24, 0.0) if box is None else (100, 0.1)
    return float((cv2.absdiff(one, other).max(axis=2) > level).mean()) <= share


def make(name: str, out: Path) -> None:
    """Record and label one scene in a folder of its own."""
    small, folder = SCENES[name], out / name
    shutil.rmtree(folder, ignore_errors=True)
    times = record(small, folder)
    index = json.loads((folder / "scene.json").read_text())
    index |= {"name": name, "description": small.description, "events": label(small, folder, times)}
    lines = json.dumps(index, ensure_ascii=False, indent=None)
    (folder / "scene.json").write_text(lines + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(name, len(list(folder.glob("*.png"))), "pictures", size // 1024, "kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", default=list(SCENES))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for wanted in given.names:
        make(wanted, given.out)
