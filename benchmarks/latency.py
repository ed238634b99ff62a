"""From a line drawn on the screen to the last byte of the request at the model's server.

    python benchmarks/latency.py [--size 1080p 4K] [--changes 150] [--set a.b=value ...] [--json]

Starts Xvfb, a window, a Realtime server on the loopback interface and `hud run`, all with their
defaults; draws one line of random words after the other at random intervals and prints, in
milliseconds from the moment before the line went to the X server, p50, p95 and p99 of the moment
at which the whole request stood at the server; how many lines were sent, alone and at all; and the
CPU of hud and X meanwhile.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import rig

LINE, ROWS = 16, 36


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--size", nargs="+", default=["1080p", "4K"], choices=rig.SIZES)
    arguments.add_argument("--changes", type=int, default=150, help="lines to draw (150)")
    arguments.add_argument("--set", nargs="*", default=[], help="settings of hud")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    given = arguments.parse_args()
    settings = [part for setting in given.set for part in ("--set", setting)]
    figures = {size: measure(*rig.SIZES[size], given.changes, settings) for size in given.size}
    if given.json:
        print(json.dumps({"machine": rig.machine(), **figures}, indent=1))
    else:
        print(rig.machine())
        for size, row in figures.items():
            print(f"{size:6}", "  ".join(f"{key} {value}" for key, value in row.items()))


def measure(width: int, height: int, count: int, settings: list[str]) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as name,
        rig.virtual_screen(width, height) as (display, server),
        rig.model(pathlib.Path(name)) as model,
    ):
        window = rig.Window(display, 100, 50, 900, 600)
        with rig.watching(pathlib.Path(name), display, model.url, *settings) as hud:
            rig.wait_until(model.requests, hud)
            time.sleep(4)
            begin, used = time.monotonic(), rig.cpu(hud.pid, server)
            drawn = draw(window, count)
            load = (rig.cpu(hud.pid, server) - used) / (time.monotonic() - begin)
            return compare(drawn, [when for when, _ in model.requests()]) | {
                "cpu_percent": round(100 * load, 1),
                "rss_mb": round(rig.psutil.Process(hud.pid).memory_info().rss / 1e6),
            }


def draw(window: rig.Window, count: int) -> list[tuple[float, float]]:
    """Draw lines below one another; for each the moments before it was drawn and of the next."""
    moments = []
    for number in range(count):
        row = number % ROWS
        if row == 0:
            window.fill(0, 0, 900, 600, 0xFFFFFF)
            time.sleep(4)
        drawn = window.write(10, 20 + LINE * row, rig.words(60))
        time.sleep(random.uniform(0.8, 1.1))
        moments.append((drawn, time.monotonic()))
    return moments


def compare(drawn: list[tuple[float, float]], arrived: list[float]) -> dict[str, Any]:
    """Every line and the first request before the next line was drawn."""
    times, alone = [], 0
    for moment, following in drawn:
        mine = [when for when in arrived if moment <= when < following]
        alone += len(mine) == 1
        times += [1000 * (when - moment) for when in mine[:1]]
    figures = {f"p{q}_ms": round(rig.quantile(times, q / 100), 2) for q in (50, 95, 99) if times}
    return {"lines": len(drawn), "sent": len(times), "sent_once": alone, **figures}


if __name__ == "__main__":
    main()
