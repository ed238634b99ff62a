"""Plays a scene through a detector and a simulated model, in simulated time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2

from hud.detector import Detector
from hud.estimate import Assumptions, Sent, estimate
from hud.items import Change, Frame, Shot
from hud.realtime.models import FREE
from stages.encode.jpeg import Jpeg

ANSWER = 1.0
"""Seconds that the simulated model needs."""


def load(folder: Path, every: int = 1, repeat: int = 1) -> tuple[dict[str, Any], list[Frame]]:
    """A scene and its frames, or every n-th of them; pictures that repeat are shared.

    `repeat`: each is seen so often until the next, as by a faster capture.
    """
    scene = json.loads((folder / "scene.json").read_text())
    pictures = {}
    frames = []
    step = 1 / (scene["fps"] * repeat)
    for seq, entry in list(enumerate(scene["frames"]))[::every]:
        name = entry["file"]
        if name not in pictures:
            pixels = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
            pictures[name] = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
        times = (entry["t"] + step * turn for turn in range(repeat))
        frames += [Frame(seq, 1, time, 0.0, pictures[name]) for time in times]
    return scene, frames


def sends(frames: Iterable[Frame], detector: Detector, answer: float = ANSWER) -> tuple[Sent, ...]:
    """What `hud estimate` says would be sent of a scene, with the close-ups of the local model."""
    shoot = Jpeg(standing=True).sketcher()
    return estimate(frames, 1.0, detector, shoot, Assumptions("", FREE, answer)).sends


def play(frames: Iterable[Frame], detector: Detector, answer: float = ANSWER) -> list[Change]:
    """The changes that would be sent, before anything is drawn of them."""
    sent: list[Change] = []

    def shoot(change: Change) -> Shot:
        sent.append(change)
        return Shot(change, (), "")

    estimate(frames, 1.0, detector, shoot, Assumptions("", FREE, answer))
    return sent
