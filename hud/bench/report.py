"""What a benchmark found, as values and as JSON.

The file holds every sample, so that a later run can be compared with it. All times are
milliseconds, CPU is per cent of one core, memory is MB.
"""

from __future__ import annotations

import json
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

import attrs
import cattrs

from hud.errors import UsageError
from hud.latency import percentiles

FORMAT = 1
"""Of the file; another number means that older programs cannot read it."""
Rounds = list[list[float]]
"""Samples of each round."""


@attrs.frozen
class Metric:
    """What one row of samples means."""

    title: str
    unit: str
    floor: float
    """Differences below it are of no interest, in the metric's unit."""
    headline: bool = False
    """Whether a user feels it; the others say where it comes from."""
    is_mean: bool = False
    """Whether its samples are summed up by their mean: work that comes in bursts has no median."""
    of_a_start: bool = False
    """Whether there is one sample for each start of the program, and it hardly varies."""

    def middle(self, samples: Sequence[float]) -> float:
        """The one number of many samples."""
        return statistics.fmean(samples) if self.is_mean else statistics.median(samples)


METRICS = {
    "change_to_wire": Metric("to the server", "ms", 0.1, headline=True),
    "change_to_first_word": Metric("to the first word", "ms", 0.5, headline=True),
    "stale_when_sent": Metric("stale when sent", "ms", 0.5, headline=True),
    "cpu_hud": Metric("CPU of hud", "%", 0.2, headline=True, is_mean=True),
    "cpu_x_extra": Metric("CPU that X needs more", "%", 0.2, headline=True, is_mean=True),
    "memory": Metric("resident memory", "MB", 3.0, headline=True, of_a_start=True),
    "wake": Metric("X server", "ms", 0.05),
    "capture_work": Metric("capture at work", "ms", 0.05),
    "change_wait": Metric("wait for change", "ms", 0.05),
    "change_work": Metric("change at work", "ms", 0.05),
    "change_held": Metric("held until it is certain", "ms", 0.5),
    "encode_wait": Metric("wait for encode", "ms", 0.05),
    "encode_work": Metric("encode at work", "ms", 0.05),
    "send_wait": Metric("wait for send", "ms", 0.05),
    "send_work": Metric("send at work", "ms", 0.05),
    "long_step": Metric("long steps of the event loop", "ms", 0.5),
}


@attrs.frozen
class Scene:
    """What was measured while one thing happened on the screen."""

    seconds: float
    """Of all rounds together."""
    changes: int
    """That were drawn and ought to be shown; 0 where it is the load that counts."""
    shown: int
    """Of these, in a request that arrived."""
    frames: int
    turns: int
    """Requests."""
    kilobytes: float
    """Of the requests."""
    drops: dict[str, int]
    """By edge and how, such as `change→encode merged`."""
    metrics: dict[str, Rounds]
    """By a name of `METRICS`; what has no sample is missing."""

    def samples(self, metric: str) -> list[float]:
        """Of all rounds."""
        return [sample for part in self.metrics.get(metric, []) for sample in part]

    def percentiles(self, metric: str) -> list[float]:
        """p50, p95 and p99; NaN for none."""
        return percentiles(self.samples(metric), 0.5, 0.95, 0.99)


@attrs.frozen
class Screen:
    """One size of screen."""

    size: str
    """720p, 1080p or 4k."""
    width: int
    height: int
    manner: str
    """How it was watched."""
    first_request: list[float]
    """Seconds from the start of the program until its first request had arrived, of each round."""
    peak_memory: float
    """MB."""
    scenes: dict[str, Scene]


@attrs.frozen
class Report:
    """One call of the benchmark."""

    version: str
    date: str
    """ISO 8601 with zone."""
    machine: dict[str, str]
    """CPU, system, Python and what else the figures depend on."""
    config: str
    settings: list[str]
    answer: float
    """Seconds that the stand-in for the model took for an answer."""
    seconds: float
    """Of measuring in each round, at each size."""
    screens: list[Screen]
    format: int = FORMAT


def merged(rounds: Sequence[Screen]) -> Screen:
    """The rounds of one size as one."""
    names = rounds[0].scenes
    return attrs.evolve(
        rounds[0],
        first_request=[each for part in rounds for each in part.first_request],
        peak_memory=max(part.peak_memory for part in rounds),
        scenes={name: _together([part.scenes[name] for part in rounds]) for name in names},
    )


def _together(parts: Sequence[Scene]) -> Scene:
    metrics: dict[str, Rounds] = {}
    drops: dict[str, int] = {}
    for part in parts:
        for name, rounds in part.metrics.items():
            metrics.setdefault(name, []).extend(rounds)
        for edge, count in part.drops.items():
            drops[edge] = drops.get(edge, 0) + count
    counts = ("seconds", "changes", "shown", "frames", "turns", "kilobytes")
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in counts}
    return Scene(**sums, drops=drops, metrics=metrics)


def to_json(report: Report) -> str:
    """The report with all samples, and p50, p95 and p99 of each metric for the reader's eye."""
    record = attrs.asdict(report)
    for screen, found in zip(report.screens, record["screens"], strict=True):
        for name, scene in screen.scenes.items():
            found["scenes"][name]["summary"] = {
                metric: _summary(scene, metric) for metric in scene.metrics
            }
    return json.dumps(record, ensure_ascii=False)


def _summary(scene: Scene, metric: str) -> dict[str, float]:
    samples = scene.samples(metric)
    p50, p95, p99 = scene.percentiles(metric)
    mean = round(statistics.fmean(samples), 3)
    return {"n": len(samples), "mean": mean, "p50": p50, "p95": p95, "p99": p99}


def load(path: pathlib.Path) -> Report:
    """Read what `hud bench --json` wrote.

    Raises:
        UsageError: it is not that.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"{path}: is not what `hud bench --json` writes") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UsageError(f"{path}: is not what this `hud bench --json` writes (format {FORMAT})")
    try:
        return cattrs.structure(record, Report)
    except cattrs.BaseValidationError:
        raise UsageError(f"{path}: is not what `hud bench --json` writes") from None
