"""Links the stages with channels inside one nursery, and shuts them down in order.

    ticks → capture → change → encode → send → assemble → sinks

Shutdown is closing the front: no more ticks, so capture ends and closes its outbox, and the end
runs down the line behind everything that is still in flight.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs
import trio

from hud.channel import EdgeOptions, Handoff, Inbox, Observer, Observers, Outbox, open_edge
from hud.errors import HudError, PipelineError
from hud.items import Change, Frame, Note, NoteDelta, Shot, Tick
from hud.privacy.curtain import Curtain
from hud.stage import Stage
from hud.supervise import FOR_PICTURES, FOR_SINKS, FOR_STAGES, RestartPolicy, supervise

GRACE = 10.0
"""Seconds that everything in flight may take to reach the sinks once the front is closed."""
SINK_BACKLOG = 1000
"""Notes that may wait for a slow sink before the others must wait with it; a day has fewer."""


class Capture(Stage[Tick, Frame], Protocol):
    """A stage that says how often it wants to look."""

    @property
    def period(self) -> float:
        """Seconds until the next tick; asked for after each. Infinite: it wakes by itself."""


class Unanswered:
    """The way back of a shot that was not answered: its change waits again, as of the present."""

    def __init__(self) -> None:
        self._inbox: Inbox[Change] | None = None

    def goes_to(self, inbox: Inbox[Change]) -> None:
        """Say who makes the next shot of it."""
        self._inbox = inbox

    def give(self, shot: Shot) -> bool:
        """Unite its change with the newest one; False when nobody would make a shot any more."""
        return self._inbox is not None and self._inbox.give_back(shot.change)


def _never_hidden(_change: Change) -> bool:
    return False


@attrs.frozen(eq=False)
class Pipeline:
    """The stages of one run."""

    capture: Capture
    change: Stage[Frame, Change]
    encode: Stage[Change, Shot]
    send: Stage[Shot, NoteDelta]
    assemble: Stage[NoteDelta, Note]
    sinks: Mapping[str, Stage[Note, Note]]
    handoffs: Mapping[str, Handoff] = attrs.field(factory=dict)
    """By the name of the receiving stage; what is not named keeps its default."""
    unanswered: Unanswered = attrs.field(factory=Unanswered)
    """The way back that `send` was given."""
    curtain: Curtain = attrs.field(factory=Curtain)
    """What must not be sent for it was seen before a pause."""


def edges(
    handoffs: Mapping[str, Handoff], hides: Callable[[Change], bool] = _never_hidden
) -> dict[str, EdgeOptions[Any]]:
    """How each edge treats its items, by the name of the receiving stage."""
    return {
        "capture": EdgeOptions(handoff=Handoff.LATEST),
        "change": EdgeOptions(
            handoff=handoffs.get("change", Handoff.LATEST),
            key=lambda frame: frame.monitor,
            merge=lambda newer, older: newer.absorb(older),
            passes=lambda frame: not frame.withheld,
        ),
        "record": EdgeOptions(passes=lambda frame: not frame.withheld),
        "encode": EdgeOptions(
            handoff=handoffs.get("encode", Handoff.LATEST),
            key=lambda change: change.monitor,
            merge=lambda newer, older: newer.absorb(older),
            passes=lambda change: bool(change.regions),
            rank=lambda change: change.weight,
            held=lambda change: change.outdated or hides(change),
            renew=lambda waiting, present: waiting.renewed(present),
        ),
        "send": EdgeOptions(
            handoff=handoffs.get("send", Handoff.DEMAND), passes=lambda shot: not shot.withheld
        ),
        "assemble": EdgeOptions(handoff=Handoff.BLOCK),
        "sinks": EdgeOptions(handoff=Handoff.BLOCK),
        # A newer snapshot of a note stands for the older one; finished notes all wait their turn.
        "sink": EdgeOptions(
            handoff=Handoff.BLOCK,
            key=lambda note: note.key,
            merge=lambda newer, _older: newer,
            room=SINK_BACKLOG,
        ),
        # Behind a sink there is nobody but the observer, who learns what was delivered.
        "delivered": EdgeOptions(passes=lambda _note: False),
    }


async def run_pipeline(
    pipeline: Pipeline, *, stop: trio.Event, observer: Observer | None = None, grace: float = GRACE
) -> None:
    """Run until capture ends or `stop` is set and everything in flight is in the sinks.

    Raises:
        PipelineError: a stage gave up, or the grace period ended before the sinks were done.
    """
    failures: list[HudError] = []
    late = False
    async with trio.open_nursery() as nursery:
        watching = Observers([_Front(pipeline.curtain), observer or Observer()])
        line = _Line(nursery, watching, edges(pipeline.handoffs, pipeline.curtain.hides), failures)
        ticks, inbox = line.edge("ticks", "capture")
        for name in ("capture", "change", "encode", "send", "assemble"):
            if name == "encode":
                pipeline.unanswered.goes_to(inbox)
            inbox = line.add(name, getattr(pipeline, name), inbox)
        line.fan_out(inbox, pipeline.sinks)
        nursery.start_soon(_metronome, ticks, pipeline.capture, stop, name="ticks")
        late = await line.wait_ended(stop, grace)
        nursery.cancel_scope.cancel()
    if failures:
        raise failures[0]
    if late:
        raise PipelineError(f"stopped with work in flight: not done within {grace:g} s of the stop")


async def run_recording(
    capture: Capture,
    recorder: Stage[Frame, Frame],
    *,
    stop: trio.Event,
    observer: Observer | None = None,
) -> None:
    """Run only a capture and what writes its frames; a slow disk makes ticks be missed.

    Raises:
        PipelineError: a stage gave up.
    """
    failures: list[HudError] = []
    async with trio.open_nursery() as nursery:
        line = _Line(nursery, observer or Observer(), edges({}), failures)
        ticks, inbox = line.edge("ticks", "capture")
        frames, written = line.edge("capture", "record")
        line.start("capture", capture, inbox, frames, FOR_STAGES)
        line.start("record", recorder, written, line.edge("record", "", "delivered")[0], FOR_STAGES)
        nursery.start_soon(_metronome, ticks, capture, stop, name="ticks")
        await line.wait_ended(stop, GRACE)
        nursery.cancel_scope.cancel()
    if failures:
        raise failures[0]


@attrs.frozen
class _Front(Observer):
    """Tells the curtain of every frame."""

    curtain: Curtain

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame):
            self.curtain.saw(item)


class _Line:
    """Adds stages one behind the other, each in a supervised task of its own."""

    def __init__(
        self,
        nursery: trio.Nursery,
        observer: Observer,
        edges: Mapping[str, EdgeOptions[Any]],
        failures: list[HudError],
    ) -> None:
        self._nursery = nursery
        self._observer = observer
        self._edges = edges
        self._failures = failures
        self._running = 0
        self._ended = trio.Event()

    def edge(self, before: str, behind: str, kind: str = "") -> tuple[Outbox[Any], Inbox[Any]]:
        """Make the edge in front of the stage `behind`."""
        return open_edge(f"{before}→{behind}", self._edges[kind or behind], self._observer)

    def add(self, name: str, stage: Stage[Any, Any], inbox: Inbox[Any]) -> Inbox[Any]:
        """Start a stage; returns the inbox of the next one."""
        order = ["capture", "change", "encode", "send", "assemble", "sinks"]
        outbox, following = self.edge(name, order[order.index(name) + 1])
        if outbox.handoff is Handoff.DEMAND:
            inbox.begin_when(outbox.wait_asked)
        policy = FOR_PICTURES if name in ("change", "encode") else FOR_STAGES
        self.start(name, stage, inbox, outbox, policy)
        return following

    def fan_out(self, inbox: Inbox[Note], sinks: Mapping[str, Stage[Note, Note]]) -> None:
        """Give every sink each note, none waiting for another."""
        outboxes = []
        for name, sink in sinks.items():
            outbox, own = self.edge("sinks", name, "sink")
            delivered, _nobody = self.edge(name, "", "delivered")
            self.start(name, sink, own, delivered, FOR_SINKS)
            outboxes.append(outbox)
        self._count("sinks", functools.partial(_copy, inbox, outboxes))

    def start(
        self,
        name: str,
        stage: Stage[Any, Any],
        inbox: Inbox[Any],
        outbox: Outbox[Any],
        policy: RestartPolicy,
    ) -> None:
        """Start a stage in a supervised task that closes both its ends."""

        async def call() -> None:
            try:
                await stage.run(inbox, outbox)
            except trio.BrokenResourceError:
                if not outbox.broken:
                    raise
                # The stage behind is gone: whoever ended it says why.

        async def work() -> None:
            with inbox, outbox:
                await supervise(name, call, policy, told)

        def told(name: str, error: Exception, wait: float) -> None:
            if policy is FOR_SINKS:
                inbox.restore()
            elif policy.second_try:
                inbox.retry()
            self._observer.crashed(name, error, wait)

        self._count(name, work)

    def _count(self, name: str, work: Callable[[], Any]) -> None:
        self._running += 1

        async def task() -> None:
            try:
                await work()
            except HudError as error:
                self._failures.append(error)
                self._ended.set()
            self._running -= 1
            if not self._running:
                self._ended.set()

        self._nursery.start_soon(task, name=name)

    async def wait_ended(self, stop: trio.Event, grace: float) -> bool:
        """Wait for the last stage; whether the grace period after `stop` ended first."""
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def limit() -> None:
                    await stop.wait()
                    scope.deadline = trio.current_time() + grace

                nursery.start_soon(limit, name="grace")
                await self._ended.wait()
                nursery.cancel_scope.cancel()
        return scope.cancelled_caught


async def _copy(inbox: Inbox[Note], outboxes: list[Outbox[Note]]) -> None:
    with inbox, contextlib.ExitStack() as stack:
        for outbox in outboxes:
            stack.enter_context(outbox)
        async for note in inbox:
            for outbox in outboxes:
                await outbox.send(note)


async def _metronome(ticks: Outbox[Tick], capture: Capture, stop: trio.Event) -> None:
    """Send ticks without drift, and without a burst after a stall, until `stop`."""
    with ticks:
        due = trio.current_time()
        while not stop.is_set():
            try:
                await ticks.send(Tick(trio.current_time()))
            except trio.BrokenResourceError:
                return
            due = max(due + capture.period, trio.current_time())
            with trio.move_on_at(due):
                await stop.wait()
