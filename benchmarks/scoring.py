"""How well a list of sent frames tells what happened in a labelled scene.

A meaningful event is caught by a frame taken while it was to be seen, within two seconds of its
beginning. A frame is wasted when nothing meaningful began since the frame before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from hud.estimate import Sent
from hud.rect import Rect

DEADLINE = 2.0
SLACK = 1e-6


@attrs.frozen
class Score:
    """What came of one scene, or of several."""

    name: str
    events: int
    caught: int
    sends: int
    wasted: int
    revisits: int
    delays: tuple[float, ...]
    shown: int
    areas: tuple[float, ...]
    missed: tuple[dict[str, Any], ...] = ()
    """The events that no frame caught."""

    def row(self) -> dict[str, float | str]:
        """The figures of the table."""
        return {
            "scene": self.name,
            "recall": self.caught / max(1, self.events),
            "sends": self.sends,
            "wasted": self.wasted / max(1, self.sends),
            "revisits": self.revisits,
            "p50": float(np.median(self.delays)) if self.delays else 0.0,
            "p95": float(np.percentile(self.delays, 95)) if self.delays else 0.0,
            "region": self.shown / max(1, self.caught),
            "area": float(np.median(self.areas)) if self.areas else 0.0,
        }


def together(scores: list[Score]) -> Score:
    """The scores of several scenes as one."""
    number = {
        name: sum(getattr(s, name) for s in scores)
        for name in ("events", "caught", "sends", "wasted", "revisits", "shown")
    }
    return Score(
        name="all",
        delays=tuple(d for s in scores for d in s.delays),
        areas=tuple(a for s in scores for a in s.areas),
        **number,
    )


def cover(rects: list[list[float]], regions: tuple[Rect, ...]) -> float:
    """The share of some rectangles' area that regions cover."""
    total = sum(w * h for _, _, w, h in rects)
    inside = 0
    for x, y, w, h in (map(round, rect) for rect in rects):
        mask = np.zeros((h, w), bool)
        for r in regions:
            mask[max(0, r.y - y) : max(0, r.bottom - y), max(0, r.x - x) : max(0, r.right - x)] = 1
        inside += int(np.count_nonzero(mask))
    return inside / total if total else 1.0


def score(scene: dict[str, Any], sends: Sequence[Sent]) -> Score:
    """Compare what was sent with a scene's labels."""
    times = [send.time for send in sends]
    meaningful = [e for e in scene["events"] if e["kind"] == "meaningful"]
    caught: list[tuple[dict[str, Any], Sent]] = []
    missed = []
    for event in meaningful:
        first = next((s for s in sends if _during(event, s.time)), None)
        if first is not None and first.time - event["t"] <= DEADLINE + SLACK:
            caught.append((event, first))
        else:
            missed.append(event)
    verdicts = [_send(scene, before, t) for before, t in zip([None, *times], times, strict=False)]
    width, height = scene["size"]
    return Score(
        scene["name"], len(meaningful), len(caught), len(sends),
        verdicts.count("wasted"), verdicts.count("revisit"),
        tuple(max(0.0, s.time - e["t"]) for e, s in caught),
        sum(_shows(s, e) for e, s in caught),
        tuple(cover([[0, 0, width, height]], s.regions) for s in sends[1:]),
        tuple(missed),
    )  # fmt: skip


def _during(event: dict[str, Any], time: float) -> bool:
    return bool(event["t"] - SLACK <= time < event["until"] - SLACK)


def _shows(send: Sent, event: dict[str, Any]) -> bool:
    whole = cover([event["rect"]], send.regions) >= 0.8 - SLACK
    parts = event.get("parts")
    return whole or bool(parts and cover(parts, send.regions) >= 0.8 - SLACK)


def _send(scene: dict[str, Any], before: float | None, time: float) -> str:
    """Whether something began between the send before and this one."""
    since = -1.0 if before is None else before + SLACK
    kinds = {e["kind"] for e in scene["events"] if since < e["t"] <= time + SLACK}
    if "meaningful" in kinds or (before is None and time <= 1.0):
        return "useful"
    return "revisit" if "revisit" in kinds else "wasted"
