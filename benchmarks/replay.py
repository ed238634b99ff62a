"""Plays a scene through a detector and a simulated model, in simulated time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2

from hud.detector import Detector
from hud.estimate import Assumptions, estimate
from hud.items import Change, Frame, Shot
from hud.realtime.models import FREE


def load(folder: Path, every: int = 1) -> tuple[dict[str, Any], list[Frame]]:
    """A scene and its frames, or every n-th of them; pictures that repeat are shared."""
    scene = json.loads((folder / "scene.json").read_text())
    pictures = {}
    frames = []
    for seq, entry in list(enumerate(scene["frames"]))[::every]:
        name = entry["file"]
        if name not in pictures:
            pixels = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
            pictures[name] = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
        frames.append(Frame(seq, 1, entry["t"], 0.0, pictures[name]))
    return scene, frames


def play(frames: Iterable[Frame], detector: Detector, answer: float = 1.0) -> list[Change]:
    """What `hud estimate` would send of a scene."""
    sent: list[Change] = []

    def shoot(change: Change) -> Shot:
        sent.append(change)
        return Shot(change, (), "")

    estimate(frames, 1.0, detector, shoot, Assumptions("", FREE, answer))
    return sent
