"""The estimate beside the bill of a real run: the same recordings, the local server, real time.

    estimate_check.py SCENE...

The local server bills as OpenAI does; its answers are priced as those of gpt-realtime-1.5. The
estimate is told how long an answer took in the run and how long the notes were, because that is the
model's doing; what is sent, when, and what it holds is its own reckoning.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HUD = [sys.executable, "-m", "hud"]
MODEL = "gpt-realtime-1.5"
KEY = "estimate-check"


def run(scene: Path, address: str, folder: Path) -> tuple[list[dict[str, Any]], int, float]:
    """The notes of a real run; its turns and dollars, those without a note included."""
    notes = folder / f"{scene.name}.jsonl"
    settings = [f"realtime.url={address}", "context.policy=notes"]
    done = subprocess.run(
        [*HUD, "run", "--source", f"replay:{scene.resolve()}", "--sink", f"file:{notes}"]
        + [part for setting in settings for part in ("--set", setting)],
        env=os.environ | {"OPENAI_API_KEY": KEY, "XDG_STATE_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    turns, dollars = re.search(r"(\d+) sent.*\$([0-9.]+) spent", done.stderr).groups()
    return [json.loads(line) for line in notes.read_text().splitlines()], int(turns), float(dollars)


def estimate(scene: Path, answer: float, note_tokens: int) -> dict[str, Any]:
    """What the estimate says of it."""
    settings = ["realtime.url=wss://api.openai.com/v1/realtime", "context.policy=notes"]
    done = subprocess.run(
        [*HUD, "estimate", str(scene.resolve()), "--json", "--answer", f"{answer:.3f}"]
        + ["--note-tokens", str(note_tokens)]
        + [part for setting in settings for part in ("--set", setting)],
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a local server, which ends with the block however that ends."""
    log = folder / "serve.log"
    with log.open("w") as stderr:
        server = subprocess.Popen(
            [*HUD, "serve", "--port", "0"],
            env=os.environ | {"HUD_SERVE_KEY": KEY},
            stderr=stderr,
        )
    try:
        while (found := re.search(r"listening on (\S+);", log.read_text())) is None:
            if server.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.1)
        yield found[1]
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scenes", nargs="+", type=Path)
    given = arguments.parse_args()
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} CPUs")
    print("scene            turns real/est   dollars real/est   ratio")
    total = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as address:
        for scene in given.scenes:
            notes, turns, real = run(scene, address, Path(name))
            answer = statistics.median(
                (note["latency_ms"]["change_to_note"] - note["latency_ms"]["change_to_wire"]) / 1000
                for note in notes
            )
            words = round(statistics.mean(note["usage"]["output_tokens"] for note in notes))
            expected = estimate(scene, answer, words)
            told = expected["usd"]
            total = [total[0] + real, total[1] + told]
            print(
                f"{scene.name:16} {turns:5}/{len(expected['sends']):<8} "
                f"{real:.4f}/{told:.4f}   {told / real:.2f}",
                flush=True,
            )
    print(f"all: ${total[0]:.4f} in the runs, ${total[1]:.4f} estimated, {total[1] / total[0]:.2f}")


if __name__ == "__main__":
    main()
