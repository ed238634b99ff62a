"""From a line in a terminal to the note about it, on a real screen with the local model.

    python benchmarks/screen_to_note.py [--lines 100] [--every 1.5] [--still 60] [--json]
        [--like words|log|burst|progress|table|chat] [--size 90x24] [--font "DejaVu Sans Mono:12"]

Starts Xvfb at 1280x720 with an xterm, runs `hud run` beside it, and prints
  still     notes and CPU (all of hud's processes, % of one core) while nothing happens
  lines     lines printed into the scrolling xterm, at random times: how many stand in the notes
            exactly once, how many of them to the letter, and the time from the moment the line was
            printed to the finished note
  quotes    those of lines that never stood on the screen, changes that were none, and notes whose
            lines are not in the order of the screen
  memory    resident MB of all processes, and of the program without the local model
What is printed is chosen at random in each run. Needs Xvfb and xterm.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import attrs
import psutil

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.printed import KINDS, READY, Step
from benchmarks.quoted import judge, meant, quotes

WRITER = """\
import json, random, sys, time
steps, log, every, still = sys.argv[1:]
print("ready", flush=True)
time.sleep(float(still))
with open(log, "w") as times:
    for text in json.load(open(steps)):
        times.write(f"{time.time()}\\n")
        times.flush()
        print(text, end="", flush=True)
        time.sleep(float(every) * random.uniform(0.6, 1.4))
open("done", "w").close()
time.sleep(999)
"""


@attrs.frozen
class Terminal:
    """What is watched."""

    like: str
    size: str
    font: str
    every: float
    """Seconds between two writes, on average."""

    @property
    def rows(self) -> int:
        """Lines that it shows."""
        return int(self.size.partition("x")[2])

    def face(self) -> list[str]:
        """Arguments of xterm."""
        name, _, size = self.font.partition(":")
        font = ["-fa", name, "-fs", size] if size else ["-fn", name]
        return ["-geometry", f"{self.size}+20+20", *font]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--lines", type=int, default=100, help="lines to print (100)")
    arguments.add_argument("--every", type=float, default=1.5, help="seconds between lines (1.5)")
    arguments.add_argument("--still", type=float, default=60.0, help="seconds of stillness (60)")
    arguments.add_argument(
        "--like",
        choices=KINDS,
        default="words",
        help="what is printed: lines of random words; a log of lines that differ in a few letters, "
        "one by one or in bursts; lines that grow; a table drawn anew in place; a chat (words)",
    )
    arguments.add_argument("--size", default="90x24", help="columns x rows of the xterm (90x24)")
    arguments.add_argument(
        "--font",
        default="DejaVu Sans Mono:12",
        help="NAME:POINTS, or a bitmap font such as 6x13 (DejaVu Sans Mono:12)",
    )
    arguments.add_argument("--json", action="store_true", help="print JSON")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(given.like, given.size, given.font, given.every)
        figures = measure(pathlib.Path(folder), terminal, given.lines, given.still)
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        print(report(figures))


def measure(folder: pathlib.Path, shown: Terminal, count: int, still: float) -> dict[str, Any]:
    steps = list(KINDS[shown.like](count, shown.rows))
    (folder / "steps").write_text(json.dumps([step.text for step in steps]))
    (folder / "writer.py").write_text(WRITER)
    settle = 8.0
    server_says, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x720x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    display = f":{os.read(server_says, 16).decode().strip()}"
    environment = os.environ | {"DISPLAY": display}
    script = [sys.executable, "writer.py", "steps", "times", str(shown.every), str(settle + still)]
    terminal = subprocess.Popen(
        ["xterm", *shown.face(), "-e", *script], env=environment, cwd=folder
    )
    time.sleep(1.0)
    hud = subprocess.Popen(
        [sys.executable, "-m", "hud", "run", "--sink", "file:notes.jsonl"],
        env=environment,
        cwd=folder,
    )
    try:
        time.sleep(settle - 2)
        figures = rest(folder, hud, still)
        deadline = time.monotonic() + 10 + 1.5 * len(steps) * shown.every
        while not (folder / "done").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(3)
        return figures | reading(folder, hud, steps) | attrs.asdict(shown)
    finally:
        for program in (hud, terminal, screen):
            program.terminate()
            program.wait()


def rest(folder: pathlib.Path, hud: subprocess.Popen[bytes], still: float) -> dict[str, Any]:
    before, begin = cpu(hud.pid), time.monotonic()
    time.sleep(max(0.1, still - 2))
    used = (cpu(hud.pid) - before) / (time.monotonic() - begin)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.platform()}",
        "date": datetime.datetime.now().astimezone().date().isoformat(),
        "still_s": still,
        "still_notes": len(notes(folder)),
        "still_cpu_percent": round(100 * used, 2),
    }


def reading(
    folder: pathlib.Path, hud: subprocess.Popen[bytes], steps: Sequence[Step]
) -> dict[str, Any]:
    alone, together = memory(hud.pid)
    times = [float(text) for text in (folder / "times").read_text().split()]
    written = notes(folder)
    finished = [line for step in steps for line in step.finished]
    standing = [READY] + [line for step in steps for line in step.standing]
    printed = [when for step, when in zip(steps, times, strict=True) for _ in step.finished]
    return {
        "rss_mb_all": round(together / 1e6),
        "rss_mb_without_model": round(alone / 1e6),
        **judge(finished, standing, [note["text"] for note in written]),
        **delays(finished, printed, written[1:]),
    }


def notes(folder: pathlib.Path) -> list[dict[str, Any]]:
    path = folder / "notes.jsonl"
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def delays(
    lines: Sequence[str], times: Sequence[float], written: Sequence[dict[str, Any]]
) -> dict[str, float | None]:
    """Seconds from the print of a line to the first note that tells it."""
    first = dict[str | None, float]()
    for note in written:
        done = datetime.datetime.fromisoformat(note["done_at"]).timestamp()
        for quote in quotes(note["text"]):
            first.setdefault(meant(quote.text, lines), done)
    ordered = sorted(
        first[line] - when for line, when in zip(lines, times, strict=True) if line in first
    )
    return {
        "note_s_p50": round(statistics.median(ordered), 3) if ordered else None,
        "note_s_p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3) if ordered else None,
    }


def family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu(pid: int) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in family(pid))


def memory(pid: int) -> tuple[int, int]:
    sizes = [process.memory_info().rss for process in family(pid)]
    return sizes[0], sum(sizes)


def report(figures: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{figures['date']}  {figures['machine']}",
            f"still {figures['still_s']:g} s: {figures['still_notes']} note, "
            f"{figures['still_cpu_percent']} % of a core",
            f"{figures['lines']} lines ({figures['like']}) in {figures['size']}, something every "
            f"{figures['every']:g} s: {figures['once']} stand in the notes exactly once, "
            f"{figures['exact']} to the letter; {figures['notes']} notes",
            f"{figures['quotes']} quotes: {len(figures['wrong'])} that never stood there; "
            f"{figures['changes']} changes: {len(figures['false_changes'])} that were none; "
            f"{len(figures['disordered'])} notes out of order",
            f"line printed → note finished: p50 {figures['note_s_p50']} s, "
            f"p95 {figures['note_s_p95']} s",
            f"memory: {figures['rss_mb_all']} MB with the local model, "
            f"{figures['rss_mb_without_model']} MB without",
            *(
                f"{fault.replace('_', ' ')}: {text}"
                for fault in ("missing", "doubled", "wrong", "false_changes", "disordered")
                for text in figures[fault]
            ),
        ]
    )


if __name__ == "__main__":
    main()
