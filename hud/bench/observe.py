"""What is seen of the measured program, from its channels and from its event loop.

All times are those of time.monotonic(), so that another process can join them with its own.
"""

from __future__ import annotations

import collections
import time
from typing import Any

import attrs
import trio

from hud.channel import Observer
from hud.items import Frame, NoteDelta, Shot
from hud.latency import Drop, Span, Spans
from hud.rect import Rect

MOST = 500_000
"""Entries of each kind that are kept, the newest: hours of a busy screen."""
LONG = 0.001
"""Seconds from which on a step of the event loop is written down."""


@attrs.frozen
class Turn:
    """One request."""

    seq: int
    """Of its frame."""
    shown: tuple[Rect, ...]
    captured: float
    """Just before the pixels of its frame were read."""
    taken: float
    """When the sender took it."""
    sent: float
    """When its last byte had been written."""
    first_word: float | None


@attrs.frozen
class Step:
    """A long step of a task in the event loop."""

    end: float
    seconds: float
    cpu: float
    """Seconds of CPU of these: the rest is another program's doing, or a wait."""
    task: str


@attrs.frozen
class Record:
    """Everything that was seen."""

    manner: str
    spans: list[Span]
    drops: list[Drop]
    turns: list[Turn]
    steps: list[Step]


@attrs.define(eq=False)
class Recorder(Observer):
    """Keeps what happens at the edges; made inside trio."""

    spans: collections.deque[Span] = attrs.field(factory=lambda: collections.deque(maxlen=MOST))
    drops: collections.deque[Drop] = attrs.field(factory=lambda: collections.deque(maxlen=MOST))
    turns: collections.deque[Turn] = attrs.field(factory=lambda: collections.deque(maxlen=MOST))
    _ahead: float = attrs.field(factory=lambda: time.monotonic() - trio.current_time())
    """Of time.monotonic() before trio's clock, which begins anywhere."""
    _taken: tuple[int, float] = (0, 0.0)
    """The frame that the sender has in hand, and since when."""
    _turn: tuple[int, int] | None = None
    """The note whose first word has come."""
    _channels: Spans = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._channels = Spans(self._take, self._now)

    def _now(self) -> float:
        return trio.current_time() + self._ahead

    def _take(self, what: Span | Drop) -> None:
        if isinstance(what, Drop):
            self.drops.append(what)
        elif what.kind == "wait" or what.stage in {"change", "encode"}:
            # Capture begins where a frame says so, and send ends with the last byte.
            self.spans.append(what)

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        self._channels.offered(edge, item)
        if isinstance(item, Frame):
            begin = item.time + self._ahead
            self.spans.append(Span("capture", "work", item.seq, begin, self._now()))
        elif isinstance(item, NoteDelta):
            self._heard(item)

    def _heard(self, delta: NoteDelta) -> None:
        if delta.key == self._turn or not delta.sent_time:
            return
        self._turn = delta.key
        sent, captured = delta.sent_time, delta.shot.change.frame.time
        times = [each + self._ahead for each in (captured, sent)]
        word = delta.time + self._ahead if delta.text else None
        seq, taken = self._taken
        self.turns.append(Turn(seq, delta.shot.shown, times[0], taken, times[1], word))
        self.spans.append(Span("send", "work", seq, taken, times[1]))

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        self._channels.taken(edge, item)
        if isinstance(item, Shot):
            self._taken = item.seq, self._now()

    def ignored(self, edge: str, item: object) -> None:
        """See Observer."""
        self._channels.ignored(edge, item)

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """See Observer."""
        self._channels.merged(edge, older, newer, into)

    def dropped(self, edge: str, item: object) -> None:
        """See Observer."""
        self._channels.dropped(edge, item)

    def record(self, manner: str, steps: Steps) -> Record:
        """What was seen so far."""
        return Record(
            manner, list(self.spans), list(self.drops), list(self.turns), list(steps.long)
        )


@attrs.define(eq=False)
class Steps(trio.abc.Instrument):
    """Writes down the long steps of the event loop."""

    long: collections.deque[Step] = attrs.field(factory=lambda: collections.deque(maxlen=MOST))
    _began: float = 0.0
    _cpu: float = 0.0

    def before_task_step(self, task: Any) -> None:  # noqa: ANN401 - trio.lowlevel.Task
        """See trio."""
        self._began, self._cpu = time.monotonic(), time.thread_time()

    def after_task_step(self, task: Any) -> None:  # noqa: ANN401 - trio.lowlevel.Task
        """See trio."""
        end = time.monotonic()
        if end - self._began >= LONG:
            used = time.thread_time() - self._cpu
            self.long.append(Step(end, end - self._began, used, task.name))
