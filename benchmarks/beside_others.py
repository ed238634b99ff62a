"""Ours and the usual ways in one run, turn and turn about, so that every figure is a ratio.

    python benchmarks/beside_others.py [--size 1080p 4K] [--rounds 3] [--changes 12] [--still 8]
                                       [--json]

Loops, each a program of its own on the same virtual screen, which talks to a server on the
loopback interface that answers at once:
  ours       `hud run` as it comes, with detector, masks and ledger
  polling    thirty times a second mss; a frame that differs goes whole: OpenCV, json,
             trio-websocket
  naive      once a second mss, Pillow, base64, json: the loop of the tutorials
Prints the ms from the moment before a line of text is drawn to the last byte of the first request
with a picture taken later, p50 and p95; CPU of the program and of X together while nothing happens
and while lines are drawn (fewer of them for the naive loop), in % of a core; resident MB.

Encode paths, from a frame in hand to the text of the message, on the same picture of that screen:
  ours       the close-up of a line, and the whole screen as it is first shown
  pipecat, livekit   what their OpenAI sessions do with a frame of video, installed from PyPI
Needs Xvfb; Pillow and what the extra `bench` brings. Ratios are of medians, to ours (the close-up).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import cv2
import mss
import numpy as np
import trio

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import rig
from hud.bench import processes
from hud.items import Cause, Change, Frame
from hud.realtime.requests import SessionOptions, Turn, response_create
from hud.rect import Rect
from stages.encode.jpeg import Jpeg
from tests.peers.environments import LIVEKIT, PIPECAT

OTHERS = pathlib.Path(__file__).parent / "others"
LOOPS = ("ours", "polling", "naive")
PEERS = {"pipecat": PIPECAT, "livekit": LIVEKIT}
LINE, ROWS = 16, 18
LINE_RECT = Rect(110, 70, 360, 13)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--size", nargs="+", default=["1080p", "4K"], choices=rig.SIZES)
    arguments.add_argument("--rounds", type=int, default=3, help="of everything (3)")
    arguments.add_argument("--changes", type=int, default=12, help="lines in each round (12)")
    arguments.add_argument("--still", type=float, default=8, help="seconds of stillness (8)")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    given = arguments.parse_args()
    for environment in PEERS.values():
        environment.install()
    found = {size: measure(size, given.rounds, given.changes, given.still) for size in given.size}
    if given.json:
        print(json.dumps({"machine": rig.machine(), **found}, indent=1))
        return
    print(rig.machine())
    for size, (loops, paths) in found.items():
        print(f"\n{size}, loops")
        show(loops)
        print(f"\n{size}, encode paths")
        show(paths)


Rows = dict[str, dict[str, Any]]


def measure(size: str, rounds: int, changes: int, still: float) -> tuple[Rows, Rows]:
    """The rows of both tables."""
    loops: dict[str, list[dict[str, Any]]] = {way: [] for way in LOOPS}
    paths: dict[str, list[float]] = {}
    for _ in range(rounds):
        for way in random.sample(LOOPS, len(LOOPS)):
            loops[way].append(loop(way, rig.SIZES[size], changes, still))
        for path, times in encoded(rig.SIZES[size]).items():
            paths.setdefault(path, []).extend(times)
    return with_ratios(
        {way: summary(parts) for way, parts in loops.items()}, "p50_ms"
    ), with_ratios(
        {path: {"p50_ms": round(statistics.median(times), 2)} for path, times in paths.items()},
        "p50_ms",
    )


def summary(parts: list[dict[str, Any]]) -> dict[str, Any]:
    times = [each for part in parts for each in part.pop("times")]
    middles = {key: round(statistics.median(part[key] for part in parts), 2) for key in parts[0]}
    ends = {f"p{q}_ms": round(rig.quantile(times, q / 100), 2) for q in (50, 95)}
    return {"lines": len(times)} | ends | middles


def with_ratios(rows: Rows, key: str) -> Rows:
    first = next(iter(rows.values()))[key]
    return {name: row | {"ratio": round(row[key] / first, 1)} for name, row in rows.items()}


def show(rows: Rows) -> None:
    for name, row in rows.items():
        print(f"  {name:24}", "  ".join(f"{key} {value:g}" for key, value in row.items()))


# Loops ---------------------------------------------------------------------------------------


def loop(way: str, size: tuple[int, int], changes: int, still: float) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as name,
        rig.virtual_screen(*size) as (display, server),
        rig.model(pathlib.Path(name)) as model,
    ):
        folder = pathlib.Path(name)
        window = rig.Window(display, 100, 50, 900, 600)
        for row in range(10):
            window.write(10, 100 + LINE * row, rig.words(100))
        with started(way, folder, display, model.url) as program:
            rig.wait_until(model.requests, program)
            time.sleep(5)
            rest = load(program.pid, server, still)
            begin = use(program.pid, server)
            drawn = draw(window, changes, slow=way == "naive")
            busy = percent(begin, use(program.pid, server))
            memory = rig.psutil.Process(program.pid).memory_info().rss / 1e6
        return {
            "times": arrivals(drawn, taken(folder, model)),
            "still_cpu_%": rest,
            "busy_cpu_%": busy,
            "mb": memory,
        }


@contextlib.contextmanager
def started(
    way: str, folder: pathlib.Path, display: str, url: str
) -> Iterator[subprocess.Popen[str]]:
    if way == "ours":
        with rig.watching(folder, display, url) as program:
            yield program
        return
    command = [sys.executable, str(OTHERS / f"{way}.py"), url]
    environment = rig.os.environ | {"DISPLAY": display}
    with (
        (folder / "looked").open("w") as out,
        rig.running(*command, env=environment, stdout=out) as program,
    ):
        yield program


def use(*pids: int) -> tuple[float, float]:
    return time.monotonic(), sum(map(processes.cpu, pids))


def percent(begin: tuple[float, float], end: tuple[float, float]) -> float:
    return 100 * (end[1] - begin[1]) / (end[0] - begin[0])


def load(program: int, server: int, seconds: float) -> float:
    begin = use(program, server)
    time.sleep(seconds)
    return percent(begin, use(program, server))


def draw(window: rig.Window, count: int, *, slow: bool) -> list[float]:
    """When each line was drawn; with time between them for whoever looks once a second."""
    moments = []
    for number in range(count):
        # Far from the last one, else it would be taken for the note about that.
        row = 7 * number % ROWS
        moments.append(window.write(10, 280 + LINE * row, rig.words(60)))
        time.sleep(random.uniform(1.3, 2.3) if slow else random.uniform(0.4, 0.7))
    return moments


def taken(folder: pathlib.Path, model: rig.Model) -> list[tuple[float, float]]:
    """When the picture of each request was taken, and when its last byte arrived.

    Ours sends nothing but changes, so what arrives after one shows it.
    """
    log = folder / "looked"
    arrived = [when for when, _ in model.requests()]
    looked = [float(line) for line in log.read_text().splitlines()] if log.exists() else arrived
    return list(zip(looked, arrived, strict=False))


def arrivals(drawn: list[float], requests: list[tuple[float, float]]) -> list[float]:
    found = []
    for moment in drawn:
        first = next((arrived for looked, arrived in requests if looked >= moment), None)
        found += [] if first is None else [1000 * (first - moment)]
    return found


# Encode paths --------------------------------------------------------------------------------


def encoded(size: tuple[int, int], count: int = 10) -> dict[str, list[float]]:
    """Milliseconds of each path; the paths take turns from round to round."""
    pixels = screenshot(size)
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name) / "pixels"
        file.write_bytes(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA).tobytes())
        paths = {
            "ours, a line": lambda: trio.run(ours, pixels, count, False),
            "ours, whole screen": lambda: trio.run(ours, pixels, count, True),
            **{peer: lambda peer=peer: of_peer(peer, file, size, count) for peer in PEERS},
        }
        found = {path: paths[path]() for path in random.sample(list(paths), len(paths))}
    return {path: found[path] for path in paths}


def screenshot(size: tuple[int, int]) -> np.ndarray:
    """A screen full of text, BGRA."""
    with rig.virtual_screen(*size) as (display, _), contextlib.ExitStack() as stack:
        window = rig.Window(display, 0, 0, *size)
        stack.callback(window.close)
        time.sleep(0.5)
        for row in range(size[1] // LINE):
            window.write(10, LINE * (row + 1), rig.words(250))
        time.sleep(1)
        with mss.MSS(display=display) as screen:
            return np.array(screen.grab(screen.monitors[1]))


async def ours(pixels: np.ndarray, count: int, whole: bool) -> list[float]:
    """Through the stage, as in the pipeline, and into a message."""
    given, inbox = trio.open_memory_channel[Change](1)
    outbox, made = trio.open_memory_channel[Any](1)
    options, times = SessionOptions("", 300), []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Jpeg().run, inbox, outbox)
        for number in range(count + 2):
            frame = Frame(number, 1, 0.0, 0.0, pixels)
            rect, cause = (frame.whole, Cause.FIRST) if whole else (LINE_RECT, Cause.CONTENT)
            begin = time.perf_counter()
            await given.send(Change(frame, (rect,), cause, "benchmark"))
            shot = await made.receive()
            jpegs = [picture.jpeg for picture in shot.pictures]
            response_create("t", options, Turn("", shot.caption, jpegs))
            times.append(1000 * (time.perf_counter() - begin))
        nursery.cancel_scope.cancel()
    return times[2:]  # the first close-up comes with an overview


def of_peer(peer: str, file: pathlib.Path, size: tuple[int, int], count: int) -> list[float]:
    command = [str(PEERS[peer].python), str(OTHERS / f"with_{peer}.py"), str(file)]
    done = subprocess.run(
        [*command, *map(str, size), str(count)], check=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return list(json.loads(done.stdout)["ms"])


if __name__ == "__main__":
    main()
