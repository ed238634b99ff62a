"""Replays labelled scenes through the change detector and through its peers.

    detection.py SCENE_DIR... [--every N | --repeat N] [--peers] [--missed DIR] [--ablate] [--json]
                              [--plot FILE]

Prints recall, frames sent, the share of these that showed nothing new, delay (seconds), the share
of events inside the close-ups, and the median area of the close-ups. The model is simulated: an
answer takes 1.0 s, what changes meanwhile is merged. The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.ablation import RULES, without
from benchmarks.peers import Bytes, EverySecond, Histogram, Similarity, TwoStep
from benchmarks.replay import load, sends
from benchmarks.scoring import Score, score, together
from hud.detector import Detector as Judges
from stages.change.detector.detector import Detector
from stages.change.detector.options import SENSITIVITY
from stages.change.whole_frame import HashDetector, dhash, phash

OURS: dict[str, Callable[[], Judges]] = {"tiles": Detector}
PEERS: dict[str, Callable[[], Judges]] = {
    "tiles, low": lambda: Detector(SENSITIVITY["low"]),
    "tiles, high": lambda: Detector(SENSITIVITY["high"]),
    "histogram": Histogram,
    "SSIM < 0.9": Similarity,
    "dHash > 5": lambda: HashDetector(dhash, 5),
    "pHash > 5": lambda: HashDetector(phash, 5),
    "two steps": TwoStep,
    "bytes": Bytes,
    "1 a second": EverySecond,
}


def run(
    folders: list[Path], detectors: dict[str, Callable[[], Judges]], every: int, repeat: int = 1
) -> dict[str, list[Score]]:
    """The score of every detector on every scene."""
    results: dict[str, list[Score]] = {name: [] for name in detectors}
    for folder in folders:
        scene, frames = load(folder, every, repeat)
        for name, make in detectors.items():
            results[name].append(score(scene, sends(frames, make())))
    return results


def ablate(folders: list[Path], every: int) -> dict[str, list[Score]]:
    """The score with every rule, and with each of them switched off in turn."""
    results: dict[str, list[Score]] = {name: [] for name in ["every rule", *RULES]}
    for folder in folders:
        scene, frames = load(folder, every)
        results["every rule"].append(score(scene, sends(frames, Detector())))
        for rule in RULES:
            with without(rule):
                results[rule].append(score(scene, sends(frames, Detector())))
    return {name: [together(scores)] for name, scores in results.items()}


def table(results: dict[str, list[Score]]) -> str:
    """The figures, a line per detector and scene."""
    lines = ["detector             scene            recall sends wasted  p50   p95  region  area"]
    for name, scores in results.items():
        for s in scores if len(scores) == 1 else [*scores, together(scores)]:
            r = s.row()
            lines.append(
                f"{name:20} {r['scene']:16} {r['recall']:6.2f} {r['sends']:5} {r['wasted']:6.2f} "
                f"{r['p50']:5.2f} {r['p95']:5.2f} {r['region']:6.2f} {float(r['area']):6.1%}"
            )
    return "\n".join(lines)


def plot(results: dict[str, list[Score]], file: str) -> None:
    """Draw recall against frames sent."""
    from matplotlib import pyplot  # noqa: PLC0415 - needed for this alone

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for (name, scores), marker in zip(results.items(), "*PXsD^vo<h", strict=False):
        row = together(scores).row()
        axes.scatter(row["sends"], row["recall"], s=90, marker=marker, label=name)
    axes.set_xscale("log")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set(xlabel="frames sent", ylabel="changes caught within 2 s", ylim=(0, 1.05))
    figure.savefig(file, bbox_inches="tight")


def show_missed(folder: Path, result: Score, pictures: Path) -> None:
    """List what was missed, and draw each where it stood."""
    pictures.mkdir(parents=True, exist_ok=True)
    scene, frames = load(folder)
    for number, event in enumerate(result.missed):
        frame = next(frame for frame in frames if frame.time >= event["t"] - 1e-6)
        x, y, width, height = event["rect"]
        drawn = np.ascontiguousarray(frame.pixels[..., :3])
        cv2.rectangle(drawn, (x - 3, y - 3), (x + width + 3, y + height + 3), (0, 0, 255), 2)
        file = pictures / f"{scene['name']}-{number}.png"
        cv2.imwrite(str(file), drawn)
        print(f"{event['t']:.1f} s {event['label']}: {event['text'][:40]} ({file})")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("scenes", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=1, help="use every N-th frame")
    parser.add_argument(
        "--repeat", type=int, default=1, help="see every frame N times, as a faster capture would"
    )
    parser.add_argument("--peers", action="store_true", help="set other detectors beside ours")
    parser.add_argument(
        "--missed", metavar="DIR", type=Path, help="list what was missed, with a picture of each"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--ablate", action="store_true", help="switch each rule off in turn")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.ablate:
        print(table(ablate(given.scenes, given.every)))
        return
    wanted = OURS | PEERS if given.peers or given.plot else OURS
    results = run(given.scenes, wanted, given.every, given.repeat)
    if given.json:
        print(json.dumps({n: [s.row() for s in [*r, together(r)]] for n, r in results.items()}))
    else:
        print(table(results))
    if given.missed:
        for folder, result in zip(given.scenes, results["tiles"], strict=True):
            show_missed(folder, result, given.missed)
    if given.plot:
        plot(results, given.plot)


if __name__ == "__main__":
    main()
