"""From a line in a terminal to the note about it, on a real screen with the local model.

    python benchmarks/screen_to_note.py [--lines 100] [--every 1.5] [--still 60] [--json]

Starts Xvfb at 1280x720 with an xterm, runs `hud run` beside it, and prints
  still     notes and CPU (all of hud's processes, % of one core) while nothing happens
  lines     lines with random words printed one by one into the scrolling xterm: how many stand in
            the notes exactly once, how many of them to the letter, and the time from the moment the
            line was printed to the finished note
  memory    resident MB of all processes, and of the program without the local model
The words are chosen at random in each run. Needs Xvfb and xterm.
"""

from __future__ import annotations

import argparse
import datetime
import difflib
import json
import os
import pathlib
import platform
import random
import statistics
import string
import subprocess
import sys
import tempfile
import time
from typing import Any

import psutil

LETTERS = string.ascii_lowercase
WRITER = """\
import sys, time
lines, log, every, still = sys.argv[1:]
print("ready", flush=True)
time.sleep(float(still))
with open(log, "w") as times:
    for line in open(lines):
        times.write(f"{time.time()}\\n")
        times.flush()
        print(line, end="", flush=True)
        time.sleep(float(every))
time.sleep(999)
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--lines", type=int, default=100, help="lines to print (100)")
    arguments.add_argument("--every", type=float, default=1.5, help="seconds between lines (1.5)")
    arguments.add_argument("--still", type=float, default=60.0, help="seconds of stillness (60)")
    arguments.add_argument("--json", action="store_true", help="print JSON")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(pathlib.Path(folder), given.lines, given.every, given.still)
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        print(report(figures))


def measure(folder: pathlib.Path, count: int, every: float, still: float) -> dict[str, Any]:
    lines = [line() for _ in range(count)]
    (folder / "lines").write_text("".join(f"{text}\n" for text in lines))
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
    script = [sys.executable, "writer.py", "lines", "times", str(every), str(settle + still)]
    face = ["-geometry", "90x24+60+60", "-fa", "DejaVu Sans Mono", "-fs", "12"]
    terminal = subprocess.Popen(["xterm", *face, "-e", *script], env=environment, cwd=folder)
    time.sleep(1.0)
    hud = subprocess.Popen(
        [sys.executable, "-m", "hud", "run", "--sink", "file:notes.jsonl"],
        env=environment,
        cwd=folder,
    )
    try:
        time.sleep(settle - 2)
        figures = rest(folder, hud, still)
        time.sleep(4 + len(lines) * every + 3)
        return figures | reading(folder, hud, lines) | {"every_s": every}
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


def reading(folder: pathlib.Path, hud: subprocess.Popen[bytes], lines: list[str]) -> dict[str, Any]:
    alone, together = memory(hud.pid)
    times = [float(text) for text in (folder / "times").read_text().split()]
    return {
        "rss_mb_all": round(together / 1e6),
        "rss_mb_without_model": round(alone / 1e6),
        **compare(lines, times, notes(folder)),
    }


def line() -> str:
    words = ["".join(random.choices(LETTERS, k=random.randint(4, 9))) for _ in range(3)]
    return f"{words[0]} {words[1]} took {random.randint(2, 9999)} ms in {words[2]}"


def notes(folder: pathlib.Path) -> list[dict[str, Any]]:
    path = folder / "notes.jsonl"
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def compare(lines: list[str], times: list[float], written: list[dict[str, Any]]) -> dict[str, Any]:
    """Find each line in the notes; a slip of the reader is a near match of its own words."""
    delays, exact, once, missing, doubled = [], 0, 0, [], []
    for text, when in zip(lines, times, strict=True):
        hits = [note for note in written if holds(text, note["text"])]
        exact += any(text in note["text"] for note in hits)
        if not hits:
            missing.append(text)
            continue
        once += len(hits) == 1 and sum(text in note["text"] for note in hits) <= 1
        if len(hits) > 1:
            doubled.append([text, [note["text"] for note in hits]])
        done = datetime.datetime.fromisoformat(hits[0]["done_at"]).timestamp()
        delays.append(done - when)
    ordered = sorted(delays)
    return {
        "lines": len(lines),
        "notes": len(written),
        "once": once,
        "exact": exact,
        "missing": missing,
        "doubled": doubled,
        "note_s_p50": round(statistics.median(ordered), 3) if ordered else None,
        "note_s_p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3) if ordered else None,
    }


def holds(text: str, note: str) -> bool:
    if text in note:
        return True
    quotes = note.replace("→", '"').split('"')
    return any(difflib.SequenceMatcher(None, text, quote).ratio() > 0.85 for quote in quotes)


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
            f"{figures['lines']} lines, one every {figures['every_s']:g} s: "
            f"{figures['once']} stand in the notes exactly once, {figures['exact']} to the letter; "
            f"{figures['notes']} notes",
            f"line printed → note finished: p50 {figures['note_s_p50']} s, "
            f"p95 {figures['note_s_p95']} s",
            f"memory: {figures['rss_mb_all']} MB with the local model, "
            f"{figures['rss_mb_without_model']} MB without",
            *(f"missing: {text}" for text in figures["missing"]),
            *(f"twice: {text}: {found}" for text, found in figures["doubled"]),
        ]
    )


if __name__ == "__main__":
    main()
