"""Plays a scene through a detector and a simulated model, in simulated time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import cv2

from hud.detector import Detector
from hud.items import Change, Frame


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


@attrs.define
class Model:
    """Needs `answer` seconds for an answer; what comes meanwhile is merged."""

    answer: float = 1.0
    sends: list[Change] = attrs.field(factory=list)
    _free: float = -1.0
    _waiting: Change | None = None

    def offer(self, change: Change | None, time: float) -> None:
        """Take a change, if it has regions."""
        self.until(time)
        if change is not None and change.regions:
            waiting = self._waiting
            change = change if waiting is None else change.absorb(waiting)
            self._waiting = change if change.regions else None
            self.until(time)

    def until(self, time: float) -> None:
        """Let time pass."""
        if self._waiting is not None and self._free <= time:
            self.sends.append(self._waiting)
            self._waiting, self._free = None, max(self._free, time) + self.answer


def play(frames: list[Frame], detector: Detector, answer: float = 1.0) -> list[Change]:
    """What would be sent."""
    model = Model(answer)
    for frame in frames:
        while (due := detector.due()) is not None and due < frame.time - 1e-6:
            model.offer(detector.wake(due), due)
        model.offer(detector.look(frame), frame.time)
    model.until(frames[-1].time + answer)
    return model.sends
