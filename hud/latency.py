"""How long items wait and are worked on: an observer that turns events at the edges into spans.

Nothing here knows a pixel or a word; a span has a stage, the number of a frame, and two times.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

import attrs
import trio

from hud.channel import Observer, ends

SAMPLES = 10_000
"""Spans of each kind that are kept for the percentiles: the newest."""


@attrs.frozen
class Span:
    """One item at one place. Times in seconds on trio's clock."""

    stage: str
    """The stage that works, or for which the item waits."""
    kind: Literal["wait", "work"]
    seq: int
    """Of the frame."""
    begin: float
    end: float


@attrs.frozen
class Drop:
    """An item that went no further, and why."""

    edge: str
    how: Literal["ignored", "merged", "dropped"]
    seq: int
    time: float


Take = Callable[[Span | Drop], None]


class Spans(Observer):
    """Passes each span to `take` when it ends. What it keeps is bounded by what is in flight."""

    def __init__(self, take: Take, now: Callable[[], float] = trio.current_time) -> None:
        self._take = take
        self._now = now
        self._offered: dict[tuple[str, Hashable], float] = {}
        self._in_hand: dict[str, tuple[int, float]] = {}

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        stage, now = ends(edge)[0], self._now()
        seq, begin = self._in_hand.get(stage, (None, now))
        if seq == _seq(item):  # else it is about an older one, which was kept back or woken
            del self._in_hand[stage]
            self._take(Span(stage, "work", _seq(item), begin, now))
        self._offered[edge, id(item)] = now

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        stage, now = ends(edge)[1], self._now()
        begin = self._offered.pop((edge, id(item)), now)
        seq = _seq(item)
        self._take(Span(stage, "wait", seq, begin, now))
        self._in_hand[stage] = seq, now

    def ignored(self, edge: str, item: object) -> None:
        """See Observer."""
        self._end(edge, item, "ignored")

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """See Observer."""
        self._end(edge, older, "merged")
        self._offered.pop((edge, id(newer)), None)
        self._offered[edge, id(into)] = self._now()

    def dropped(self, edge: str, item: object) -> None:
        """See Observer."""
        self._end(edge, item, "dropped")

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        self._in_hand.pop(stage, None)

    def _end(self, edge: str, item: object, how: Literal["ignored", "merged", "dropped"]) -> None:
        self._offered.pop((edge, id(item)), None)
        self._take(Drop(edge, how, _seq(item), self._now()))


def _seq(item: object) -> int:
    return int(getattr(item, "seq", 0))


@attrs.define
class Latency:
    """Seconds by stage and kind, for percentiles; give its `take` to Spans."""

    samples: dict[tuple[str, str], collections.deque[float]] = attrs.field(factory=dict)
    drops: collections.Counter[tuple[str, str]] = attrs.field(factory=collections.Counter)
    """By edge and how."""

    def take(self, what: Span | Drop) -> None:
        """Count one span."""
        if isinstance(what, Drop):
            self.drops[what.edge, what.how] += 1
            return
        fresh: collections.deque[float] = collections.deque(maxlen=SAMPLES)
        self.samples.setdefault((what.stage, what.kind), fresh).append(what.end - what.begin)


def percentiles(samples: Sequence[float], *shares: float) -> list[float]:
    """The smallest samples that so large shares do not exceed (nearest rank); NaN for none."""
    ranked = sorted(samples)
    if not ranked:
        return [math.nan] * len(shares)
    return [ranked[max(0, math.ceil(share * len(ranked)) - 1)] for share in shares]
