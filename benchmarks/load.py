"""What watching costs while nothing, little, something and everything on the screen changes.

    python benchmarks/load.py [--scene still ambient work all] [--size 1080p] [--seconds 20]
                              [--rounds 3] [--set a.b=value ...] [--stalls] [--json]

Scenes, drawn on Xvfb by real clients:
  still    a terminal with text on it
  ambient  a caret that blinks, a clock, and a video of 640x360 at 25 frames a second
  work     someone types six letters a second, and scrolls for two of every eight seconds
  all      every pixel changes 30 times a second
Prints for each the CPU in % of one core, medians of the rounds: of hud with everything at its
default but the model, which is a server on the loopback interface that
answers in half a second; of X while hud runs, less what
X needs for the same scene alone; both together; the requests sent; how old the newest frame was
when it had been sent, p50 and the worst; and the resident memory of hud. With --stalls also the
longest step of a task in milliseconds, by the clock and by the processor, start and rest apart;
the instrument that tells has its own price, so the other figures are not comparable then.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import rig

SCENES = ("still", "ambient", "work", "all")
LINE = 16
ANSWER = 0.5
"""Seconds that the model needs."""


def main() -> None:
    if len(sys.argv) == 5 and sys.argv[1] == "draw":
        draw(*sys.argv[2:])
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--scene", nargs="+", default=SCENES, choices=SCENES)
    arguments.add_argument("--size", default="1080p", choices=rig.SIZES)
    arguments.add_argument("--seconds", type=float, default=20, help="of each measurement (20)")
    arguments.add_argument("--rounds", type=int, default=3, help="of all scenes (3)")
    arguments.add_argument("--set", nargs="*", default=[], help="settings of hud")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    arguments.add_argument("--stalls", action="store_true", help="time the steps of all tasks")
    given = arguments.parse_args()
    settings = [part for setting in given.set for part in ("--set", setting)]
    rows: dict[str, list[dict[str, float]]] = {scene: [] for scene in given.scene}
    for _ in range(given.rounds):
        for scene in given.scene:
            size = rig.SIZES[given.size]
            figures = measure(scene, size, given.seconds, settings, stalls=given.stalls)
            rows[scene].append(figures)
    medians = {scene: middle(found) for scene, found in rows.items()}
    if given.json:
        print(json.dumps({"machine": rig.machine(), "size": given.size, **medians}, indent=1))
        return
    print(rig.machine(), given.size)
    for scene, row in medians.items():
        print(f"{scene:8}", "  ".join(f"{key} {value:g}" for key, value in row.items()))


def middle(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(row[key] for row in rows), 2) for key in rows[0]}


def measure(
    scene: str, size: tuple[int, int], seconds: float, settings: list[str], *, stalls: bool
) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory() as name,
        rig.virtual_screen(*size) as (display, server),
        rig.model(pathlib.Path(name), ANSWER) as model,
        rig.running(sys.executable, __file__, "draw", scene, display, "x".join(map(str, size))),
    ):
        time.sleep(3)
        alone = spent(seconds / 2, server)[0]
        folder = pathlib.Path(name)
        with rig.watching(folder, display, model.url, *settings, stalls=stalls) as hud:
            rig.wait_until(model.requests, hud)
            time.sleep(6)
            sent = len(model.requests())
            ours, theirs = spent(seconds, hud.pid, server)
            memory = rig.psutil.Process(hud.pid).memory_info().rss / 1e6
            sent = len(model.requests()) - sent
        ages = [note["latency_ms"]["change_to_wire"] for note in notes(pathlib.Path(name))][1:]
        return {
            "hud_%": ours,
            "x_%": theirs - alone,
            "both_%": ours + theirs - alone,
            "sent": sent,
            "age_ms_p50": rig.quantile(ages, 0.5) if ages else 0,
            "age_ms_max": max(ages, default=0),
            "rss_mb": memory,
            **longest(pathlib.Path(name)),
        }


def spent(seconds: float, *pids: int) -> list[float]:
    """CPU of each process for a while, in % of a core."""
    before, begin = [rig.cpu(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begin
    return [100 * (rig.cpu(pid) - used) / lasted for pid, used in zip(pids, before, strict=True)]


def longest(folder: pathlib.Path) -> dict[str, float]:
    """Milliseconds of the longest steps of a task, and on stderr whose they were."""
    if not (folder / "stalls").exists():
        return {}
    record = json.loads((folder / "stalls").read_text())
    print(record, file=sys.stderr)
    return {f"{clock}_ms": lasted for clock, (lasted, _) in list(record.items())[1:]}


def notes(folder: pathlib.Path) -> list[dict[str, Any]]:
    path = folder / "notes.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# The client that draws -----------------------------------------------------------------------


def draw(scene: str, display: str, size: str) -> None:
    width, height = map(int, size.split("x"))
    window = rig.Window(display, 0, 0, width, height)
    time.sleep(0.5)
    for row in range(height // LINE - 4):
        window.write(20, LINE * (row + 2), rig.words(120))
    for due in ticks({"still": 1, "ambient": 25, "work": 30, "all": 30}[scene]):
        if scene == "ambient":
            ambient(window, due)
        elif scene == "work":
            work(window, due, height)
        elif scene == "all":
            window.film(0, 0, width, height)


def ticks(rate: int) -> Iterator[int]:
    begin = time.monotonic()
    for number in range(10**9):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        yield number


def ambient(window: rig.Window, tick: int) -> None:
    window.film(1000, 300, 640, 360)
    if tick % 12 == 0:
        window.fill(400, 500, 2, 15, 0 if tick % 24 else 0xFFFFFF)
    if tick % 25 == 0:
        window.write(1500, 20, time.strftime("%H:%M:%S"))


def work(window: rig.Window, tick: int, height: int) -> None:
    if tick % 240 >= 180:
        if tick % 3 == 0:
            top = LINE * 3
            window.scroll(0, top, 900, height - 2 * top, LINE * 3)
            for row in range(3):
                window.write(20, height - 2 * top + LINE * row, rig.words(120))
    elif tick % 5 == 0:
        column = tick // 5 % 100
        window.write(20 + 6 * column, height - LINE, rig.words(1))


if __name__ == "__main__":
    main()
