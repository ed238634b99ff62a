"""Joins what was drawn, what arrived and what was observed to the figures of each scene."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence

import attrs

from hud.bench.model import Arrival
from hud.bench.observe import Record, Turn
from hud.bench.report import Scene
from hud.bench.scenes import Drawn
from hud.latency import Latency

JUST_BEFORE = 0.005
"""Seconds from a look at the clock to the pixels being read: what is drawn then may be in them."""


@attrs.frozen
class Use:
    """What was used up to a moment."""

    time: float
    hud: float
    """Seconds of CPU."""
    x: float
    """As above, of the X server."""
    memory: float
    """MB resident."""


@attrs.frozen
class Act:
    """A scene as it was played. Times of time.monotonic()."""

    begin: float
    end: float
    """With the patience after its last change."""
    drawn: list[Drawn]
    used: list[Use]
    """At equal distances, except for the last."""


@attrs.frozen
class Shown:
    """A change and the request that shows it."""

    drawn: Drawn
    turn: Turn
    arrival: Arrival


def figures(
    act: Act,
    record: Record,
    arrivals: Sequence[Arrival],
    x_alone: float | None,
) -> Scene:
    """What was measured in one scene; `x_alone` is the CPU of X for it without hud, in %."""
    turns = [
        (turn, arrival)
        for turn, arrival in _paired(record.turns, arrivals)
        if act.begin <= arrival.time < act.end
    ]
    shown = list(_shown(act.drawn, turns))
    latency = _latency(act, record)
    metrics = _of_changes(shown) | _of_stages(latency) | _of_use(act.used, x_alone)
    metrics |= _before_the_judgement(shown, record)
    if not act.drawn:
        metrics["stale_when_sent"] = _stale([turn for turn, _ in turns], record)
    metrics["long_step"] = [
        _ms(step.seconds) for step in record.steps if act.begin <= step.end < act.end
    ]
    return Scene(
        seconds=act.end - act.begin,
        changes=len(act.drawn),
        shown=len(shown),
        frames=len(latency.samples.get(("capture", "work"), ())),
        turns=len(turns),
        kilobytes=sum(arrival.size for _, arrival in turns) / 1000,
        drops={f"{edge} {how}": count for (edge, how), count in latency.drops.items()},
        metrics={name: [samples] for name, samples in metrics.items() if samples},
    )


def _paired(turns: Sequence[Turn], arrivals: Sequence[Arrival]) -> Iterator[tuple[Turn, Arrival]]:
    """Each turn with the request that arrived for it, before the sender took the next shot."""
    spans = itertools.pairwise([*(turn.taken for turn in turns), math.inf])
    for turn, (begin, end) in zip(turns, spans, strict=True):
        arrival = next((each for each in arrivals if begin <= each.time < end), None)
        if arrival is not None:
            yield turn, arrival


def _shown(drawn: Sequence[Drawn], turns: Sequence[tuple[Turn, Arrival]]) -> Iterator[Shown]:
    """The first request with pixels of later than each change, and from its place."""
    for change in drawn:
        for turn, arrival in turns:
            late = turn.captured >= change.time - JUST_BEFORE and arrival.time > change.time
            if late and any(change.rect.lies_mostly_in(rect) for rect in turn.shown):
                yield Shown(change, turn, arrival)
                break


def _stale(turns: Sequence[Turn], record: Record) -> list[float]:
    """How long there had been a newer frame, of a screen that may not have changed since."""
    looks = sorted(s.begin for s in record.spans if (s.stage, s.kind) == ("capture", "work"))
    newer = [bisect.bisect(looks, turn.captured) for turn in turns]
    return [
        _ms(max(0.0, turn.sent - looks[index])) if index < len(looks) else 0.0
        for turn, index in zip(turns, newer, strict=True)
    ]


def _of_changes(shown: Sequence[Shown]) -> dict[str, list[float]]:
    return {
        "change_to_wire": [_ms(each.arrival.time - each.drawn.time) for each in shown],
        "change_to_first_word": [
            _ms(each.turn.first_word - each.drawn.time)
            for each in shown
            if each.turn.first_word is not None
        ],
    }


def _before_the_judgement(shown: Sequence[Shown], record: Record) -> dict[str, list[float]]:
    """From the drawing to the first frame that may hold it, and how long the detector held it."""
    looks = sorted(s.begin for s in record.spans if (s.stage, s.kind) == ("capture", "work"))
    judged = {s.seq: s.end for s in record.spans if (s.stage, s.kind) == ("change", "work")}
    seqs = {s.begin: s.seq for s in record.spans if (s.stage, s.kind) == ("capture", "work")}
    passed = {s.seq: s.begin for s in record.spans if (s.stage, s.kind) == ("encode", "wait")}
    metrics: dict[str, list[float]] = {"wake": [], "change_held": []}
    for each in shown:
        first = bisect.bisect_left(looks, each.drawn.time - JUST_BEFORE)
        if first == len(looks) or each.turn.seq not in passed:
            continue
        look = looks[first]
        metrics["wake"].append(_ms(max(0.0, look - each.drawn.time)))
        seen = judged.get(seqs[look], passed[each.turn.seq])
        metrics["change_held"].append(_ms(max(0.0, passed[each.turn.seq] - seen)))
    return metrics


def _latency(act: Act, record: Record) -> Latency:
    latency = Latency()
    for span in record.spans:
        if act.begin <= span.begin < act.end:
            latency.take(span)
    for drop in record.drops:
        if act.begin <= drop.time < act.end:
            latency.take(drop)
    return latency


def _of_stages(latency: Latency) -> dict[str, list[float]]:
    return {
        f"{stage}_{kind}": [_ms(each) for each in samples]
        for (stage, kind), samples in latency.samples.items()
        if f"{stage}_{kind}" in _STAGES
    }


_STAGES = frozenset(
    {"capture_work", "change_wait", "change_work", "encode_wait", "encode_work", "send_wait",
     "send_work"}
)  # fmt: skip


def _of_use(used: Sequence[Use], x_alone: float | None) -> dict[str, list[float]]:
    points = list(used)
    if len(points) > 2 and points[-1].time - points[-2].time < points[1].time - points[0].time:
        del points[-2]  # the last slice is too short to count as much as the others
    pairs = [(a, b) for a, b in itertools.pairwise(points) if b.time > a.time]
    metrics = {
        "cpu_hud": [round(100 * (b.hud - a.hud) / (b.time - a.time), 3) for a, b in pairs],
        # One for each start of the program: samples of one start are not independent.
        "memory": [round(each.memory, 1) for each in used[-1:]],
    }
    if x_alone is not None:
        extra = [100 * (b.x - a.x) / (b.time - a.time) - x_alone for a, b in pairs]
        metrics["cpu_x_extra"] = [round(each, 3) for each in extra]
    return metrics


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
