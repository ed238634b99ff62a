"""What a soak has shown: figures, verdicts, and a plot, from what was drawn, asked and noted."""

from __future__ import annotations

import collections
import json
import math
import pathlib
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from benchmarks.rig import quantile
from benchmarks.soak_desk import Drawn
from benchmarks.soak_server import Asked

STAYED = 2.0
"""Seconds on the screen from which on a change must be answered or merged."""
WARM = 120.0
"""Seconds until memory, files and threads must be what they will be."""
GROWTH = 0.05
DRAINED = 5.0
"""Seconds from SIGTERM to the exit."""


@attrs.frozen
class Happened:
    """A fault of the schedule."""

    kind: str
    begin: float
    end: float
    """When what was done to the program was undone; a server's fault has no duration."""


@attrs.frozen
class Sample:
    """The program at one moment."""

    time: float
    """Seconds since the start."""
    rss_mb: float
    files: int
    threads: int
    notes: int


@attrs.define
class Evidence:
    """All that is known when it is over; times on time.monotonic()."""

    start: float
    drawn: list[Drawn]
    turns: list[Asked]
    faults: list[Happened] = attrs.field(factory=list)
    samples: list[Sample] = attrs.field(factory=list)
    fates: dict[str, int] = attrs.field(factory=dict)
    hooked: list[dict[str, Any]] = attrs.field(factory=list)
    invalid: list[str] = attrs.field(factory=list)
    stopped: float = math.inf
    """When SIGTERM was sent."""
    drain: float = math.inf
    """Seconds until it had ended."""
    status: int | None = None
    said: list[str] = attrs.field(factory=list)
    """Its stderr."""


def read_file(path: pathlib.Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_database(path: pathlib.Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = connection.execute("SELECT id, text, status FROM notes ORDER BY number").fetchall()
    connection.close()
    return [{"id": name, "text": text, "status": status} for name, text, status in rows]


def judge(evidence: Evidence, sinks: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Figures and, under `verdicts`, what must hold: name → whether it does."""
    outcomes = collections.Counter[str]()
    missed = []
    for drawn in evidence.drawn:
        outcome = outcome_of(drawn, evidence)
        outcomes[outcome] += 1
        if outcome == "lost":
            missed.append(attrs.asdict(drawn))
    notes = next(iter(sinks.values()))
    warm = [sample for sample in evidence.samples if sample.time >= warm_after(evidence)]
    figures: dict[str, Any] = {
        "minutes": round((evidence.stopped - evidence.start) / 60, 2),
        "changes": len(evidence.drawn),
        "outcomes": dict(outcomes),
        "lost": missed,
        "faults": dict(collections.Counter(fault.kind for fault in evidence.faults)),
        "turns": len(evidence.turns),
        "answers": sum(turn.answered is not None for turn in evidence.turns),
        "notes": {name: len(found) for name, found in sinks.items()},
        "statuses": dict(collections.Counter(str(note["status"]) for note in notes)),
        "fates": evidence.fates,
        "usd": round(sum(note.get("usd") or 0.0 for note in notes), 4),
        "latency_s": latencies(evidence),
        "resources": {
            name: spread([getattr(sample, name) for sample in warm])
            for name in ("rss_mb", "files", "threads")
        },
        "drain_s": round(evidence.drain, 2),
        "status": evidence.status,
    }
    return figures | {"verdicts": verdicts(evidence, sinks, figures)}


def warm_after(evidence: Evidence) -> float:
    """Two minutes, or half of a shorter run."""
    return min(WARM, (evidence.stopped - evidence.start) / 2)


def spread(values: Sequence[float]) -> dict[str, float]:
    first, last = values[: 30 if len(values) > 90 else 5], values[-30 if len(values) > 90 else -5 :]
    return {
        "first": round(quantile(list(first), 0.5), 1),
        "last": round(quantile(list(last), 0.5), 1),
        "least": round(min(values), 1),
        "median": round(quantile(list(values), 0.5), 1),
        "most": round(max(values), 1),
    }


def outcome_of(drawn: Drawn, evidence: Evidence) -> str:
    """What became of a change; "lost" is what must not be."""
    if any(drawn.number in turn.shows for turn in evidence.turns if turn.answered is not None):
        return "answered"
    if drawn.begin > evidence.stopped - STAYED:
        return "not there for 2 s"
    if drawn.stayed < STAYED:
        return "not there for 2 s"
    if any(unseen(drawn, fault) for fault in evidence.faults):
        return "gone while nobody looked"
    later = {each.number for each in evidence.drawn if each.place == drawn.place}
    later = {number for number in later if number > drawn.number}
    if drawn.end < math.inf and any(
        later & turn.shows and turn.answered is not None for turn in evidence.turns
    ):
        # A newer value of the same place was answered. Was there a moment for this one?
        return "merged" if was_busy(drawn, evidence) else "lost"
    return "lost"


def unseen(drawn: Drawn, fault: Happened) -> bool:
    """Whether it was never to be seen for two seconds while the program looked."""
    if fault.kind not in {"pause", "suspend", "screen"}:
        return False
    return fault.begin <= drawn.begin + STAYED and drawn.end <= fault.end + STAYED


def was_busy(drawn: Drawn, evidence: Evidence) -> bool:
    """Whether the model was answering, or away, at the end of its two seconds."""
    ready = drawn.begin + STAYED
    before = [turn for turn in evidence.turns if turn.time <= ready]
    if not before:
        return True
    last = before[-1]
    return last.answered is None or last.answered > ready


def latencies(evidence: Evidence) -> dict[str, dict[str, float]]:
    """From the drawing to the turn's arrival and to the end of its answer, in seconds."""
    wire, note = [], []
    first: dict[int, Asked] = {}
    for turn in evidence.turns:
        if turn.answered is not None:
            for number in turn.shows:
                first.setdefault(number, turn)
    for drawn in evidence.drawn:
        turn_of = first.get(drawn.number)
        if turn_of is not None and turn_of.answered is not None:
            wire.append(turn_of.time - drawn.begin)
            note.append(turn_of.answered - drawn.begin)
    if not wire:
        return {}
    return {
        name: {f"p{share:g}": round(quantile(values, share / 100), 3) for share in (50, 90, 99)}
        for name, values in (("drawn_to_asked", wire), ("drawn_to_answered", note))
    }


def verdicts(
    evidence: Evidence,
    sinks: Mapping[str, Sequence[Mapping[str, Any]]],
    figures: Mapping[str, Any],
) -> dict[str, bool]:
    answers = [turn.text for turn in evidence.turns if turn.answered is not None]
    found = {
        f"{name}: every answer is a note, once and in order": answers
        == [note["text"] for note in notes if note["status"] == "completed"]
        and len({note["id"] for note in notes}) == len(notes)
        for name, notes in sinks.items()
    }
    return (
        found
        | {
            "every change that stayed for 2 s is answered or merged": not figures["lost"],
            "every event was valid": not evidence.invalid,
            "the fates sum up": sum(evidence.fates.values()) - 2 * evidence.fates.get("frames", -1)
            == 0,
            f"exit 0 within {DRAINED:g} s of SIGTERM": evidence.status == 0
            and evidence.drain <= DRAINED,
            "no traceback": not any("Traceback" in line for line in evidence.said),
        }
        | constancy(evidence)
    )


def constancy(evidence: Evidence) -> dict[str, bool]:
    """Whether what the program holds stays what it was after the first two minutes."""
    warm = [sample for sample in evidence.samples if sample.time >= WARM]
    if len(warm) < WARM:
        return {}  # too short to tell
    # At any moment a frame of 3.7 MB more or less is at work: what is held between them counts.
    rss = by_minute(warm, "rss_mb", 0.1)
    files = by_minute(warm, "files")
    threads = [sample.threads for sample in warm]
    half = len(threads) // 2
    return {
        f"memory within {GROWTH:.0%} after {WARM:g} s": all(
            abs(size - rss[0]) <= GROWTH * rss[0] for size in rss
        ),
        # While a connection is replaced there are two of them for a moment.
        "file descriptors constant": len(set(files)) == 1,
        # Worker threads come when they are needed, and go after ten idle seconds: a minute with one
        # more is no growth.
        "threads do not grow": statistics.median(threads[half:])
        <= statistics.median(threads[:half]),
    }


def by_minute(samples: Sequence[Sample], name: str, share: float = 0.5) -> list[float]:
    """The median of each whole minute, or another quantile."""
    minutes = [samples[begin : begin + 60] for begin in range(0, len(samples) - 59, 60)]
    return [quantile([getattr(each, name) for each in minute], share) for minute in minutes]


def plot(evidence: Evidence, figures: Mapping[str, Any], path: pathlib.Path) -> None:
    """Draw the run over time."""
    import matplotlib as mpl  # noqa: PLC0415 - slow, and only for plots

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    minutes = [sample.time / 60 for sample in evidence.samples]
    shape, axes = plt.subplots(4, 1, figsize=(11, 11), sharex=True, layout="constrained")
    memory, counts, waits, notes = axes
    memory.plot(minutes, [sample.rss_mb for sample in evidence.samples], color="tab:blue")
    first = figures["resources"]["rss_mb"]["first"]
    memory.axhspan((1 - GROWTH) * first, (1 + GROWTH) * first, alpha=0.12, label="± 5 %")
    memory.set(ylabel="resident MB", ylim=(0, None))
    memory.legend(loc="lower right")
    counts.plot(minutes, [s.files for s in evidence.samples], label="file descriptors")
    counts.plot(minutes, [s.threads for s in evidence.samples], label="threads")
    counts.set(ylabel="count", ylim=(0, None))
    counts.legend(loc="lower right")
    _plot_latency(waits, evidence)
    notes.plot(minutes, [sample.notes for sample in evidence.samples], label="notes in the file")
    drawn = sorted((each.begin - evidence.start) / 60 for each in evidence.drawn)
    notes.plot(drawn, range(1, len(drawn) + 1), label="changes drawn", alpha=0.6)
    notes.set(ylabel="count", xlabel="minutes", ylim=(0, None))
    notes.legend(loc="lower right")
    for axis in axes:
        for fault in evidence.faults:
            at = (fault.begin - evidence.start) / 60
            axis.axvline(at, color="tab:red", alpha=0.25, linewidth=0.8)
    fates = ", ".join(f"{count} {fate}" for fate, count in evidence.fates.items())
    shape.suptitle(
        f"{figures['minutes']} minutes, {len(evidence.faults)} faults (red), "
        f"{figures['changes']} changes, {figures['answers']} answers, ${figures['usd']}\n{fates}",
        fontsize=10,
    )
    shape.savefig(path, dpi=80)


def _plot_latency(axis: Any, evidence: Evidence) -> None:  # noqa: ANN401 - matplotlib's
    times: dict[int, float] = {}
    for turn in evidence.turns:
        if turn.answered is not None:
            for number in turn.shows:
                times.setdefault(number, turn.answered)
    points = [
        ((each.begin - evidence.start) / 60, times[each.number] - each.begin)
        for each in evidence.drawn
        if each.number in times
    ]
    axis.plot(*zip(*points, strict=True), ".", markersize=3, label="each change")
    bins: dict[int, list[float]] = collections.defaultdict(list)
    for minute, seconds in points:
        bins[int(minute)].append(seconds)
    middles = [minute + 0.5 for minute in sorted(bins)]
    for share in (0.5, 0.99):
        values = [quantile(bins[minute], share) for minute in sorted(bins)]
        axis.plot(middles, values, label=f"p{100 * share:.0f} of the minute")
    axis.set(ylabel="s, drawn → answered", yscale="log")
    axis.legend(loc="upper right")
