"""What every change stage does around its detector: one for each monitor, each asked in time."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Awaitable, Callable, Mapping

import attrs
import trio

from hud.detector import AFTERMATH, SHORTEST_NAP, Detector
from hud.items import Cause, Change, Fate, Frame
from hud.threads import in_thread

INLINE_PIXELS = 32_000
"""Damage up to which a frame is judged in the loop; a line of text across the screen has less."""
LONG = 0.005
"""Seconds of judging from which on it is looked whether a newer frame has come meanwhile."""
MOMENT = 0.001
"""Seconds in which a frame that is there is taken, however late it is for something else."""


async def judge(
    make: Callable[[], Detector],
    inbox: trio.abc.ReceiveChannel[Frame],
    outbox: trio.abc.SendChannel[Change],
    *,
    whole: bool = False,
) -> None:
    """Send on a change for every frame, and what came to rest when no frame comes any more.

    `whole`: the detectors look at all of a frame, however little of it was damaged.
    """
    bench = _Bench(make, inbox, outbox, whole)
    woken = -math.inf
    with contextlib.suppress(trio.EndOfChannel):
        while True:
            frame = await bench.frame(max(_due(bench.detectors), woken + SHORTEST_NAP))
            if frame is None:
                await bench.pay()
                woken = trio.current_time()
            else:
                await bench.look(frame)
    # The screen stays as it is now, so whatever is awaited comes to rest. Nobody's heart beats on.
    resting = {number: _resting(detector) for number, detector in bench.detectors.items()}
    due, end = -math.inf, trio.current_time() + AFTERMATH
    while (due := max(due + SHORTEST_NAP, _due(resting))) <= end:
        await _pay(resting, outbox.send, due)


@attrs.frozen
class _Bench:
    """A detector for each monitor, and the channels before and behind them."""

    make: Callable[[], Detector]
    inbox: trio.abc.ReceiveChannel[Frame]
    outbox: trio.abc.SendChannel[Change]
    whole: bool
    detectors: dict[int, Detector] = attrs.field(factory=dict)

    async def frame(self, until: float) -> Frame | None:
        """The next frame if it comes by then; one that is there is taken though it is later.

        Raises:
            trio.EndOfChannel: there are no more.
        """
        with trio.move_on_at(max(until, trio.current_time() + MOMENT)):
            return await self.inbox.receive()
        return None

    async def look(self, frame: Frame) -> None:
        """Judge a frame and pass on what it brought."""
        began = trio.current_time()
        await self._pass_on(began, await self._judged(frame))

    async def pay(self) -> None:
        """Pass on what is due."""
        now = trio.current_time()
        await _pay(self.detectors, functools.partial(self._pass_on, now), now)

    async def _judged(self, frame: Frame) -> Change:
        if frame.monitor not in self.detectors:
            self.detectors[frame.monitor] = self.make()
        look = self.detectors[frame.monitor].look
        return look(frame) if self._is_little(frame) else await in_thread(look, frame)

    def _is_little(self, frame: Frame) -> bool:
        """Whether a look at it takes a millisecond or two, in which the loop may stand still.

        Where something is due it would be judged with the frame, however large it is.
        """
        due = self.detectors[frame.monitor].due()
        if self.whole or frame.damage is None or (due is not None and due <= frame.time):
            return False
        return sum(rect.area for rect in frame.damage) <= INLINE_PIXELS

    async def _pass_on(self, began: float, change: Change) -> None:
        """Hand over a change; with the next frame if that came while this one was judged.

        Only the next: where judging takes longer than drawing there would always be one more.
        """
        newer = None
        if change.regions and trio.current_time() - began >= LONG:
            with contextlib.suppress(trio.EndOfChannel):
                newer = await self.frame(-math.inf)
        if newer is not None and newer.monitor == change.monitor:
            await self.outbox.send(attrs.evolve(change, outdated=True))
            await self._go_on(change, newer)
            return
        await self.outbox.send(change)
        if newer is not None:
            await self.outbox.send(await self._judged(newer))

    async def _go_on(self, change: Change, newer: Frame) -> None:
        """Judge a newer frame, with which that change is shown.

        It is shown before that if judging is long; what is then found is a change of its own.
        """
        takes_along = not self._is_little(newer) and change.holds_in(newer)
        if takes_along:
            await self.outbox.send(Change(newer, (), None, change.rule, Fate.MERGED))
        found = await self._judged(newer)
        if found.regions or not takes_along:
            await self.outbox.send(found)


def _resting(detector: Detector) -> Detector:
    return detector.inner if isinstance(detector, Heartbeat) else detector


def _due(detectors: Mapping[int, Detector]) -> float:
    times = [detector.due() for detector in detectors.values()]
    return min((time for time in times if time is not None), default=math.inf)


async def _pay(
    detectors: Mapping[int, Detector],
    hand_over: Callable[[Change], Awaitable[None]],
    time: float,
) -> None:
    for detector in tuple(detectors.values()):
        # With much to judge this takes longer than the loop may stand still.
        change = await in_thread(detector.wake, time)
        if change is not None:
            await hand_over(change)


@attrs.define
class Heartbeat:
    """A detector that shows the whole screen when nothing was passed on for `period` seconds."""

    inner: Detector
    period: float
    passed: float = math.inf
    """When something was passed on last, or the first frame came; inf: none has."""
    last: Frame | None = None

    def look(self, frame: Frame) -> Change:
        """Judge a frame."""
        self.last, change = frame, self.inner.look(frame)
        if not change.regions and self._is_silent(frame.time):
            change = self._beat(frame)
        if change.regions or self.passed == math.inf:
            self.passed = frame.time
        return change

    def wake(self, time: float) -> Change | None:
        """See Detector."""
        change = self.inner.wake(time)
        if change is None and self.last is not None and self._is_silent(time):
            change = self._beat(self.last)
        if change is not None:
            self.passed = time
        return change

    def due(self) -> float | None:
        """See Detector; a screen on which nothing is drawn sends no frame either."""
        due, beat = self.inner.due(), self.passed + self.period
        return beat if due is None else min(due, beat)

    def _is_silent(self, time: float) -> bool:
        return time >= self.passed + self.period

    def _beat(self, frame: Frame) -> Change:
        rule = f"nothing was passed on for {self.period:g} s"
        return Change(frame, (frame.whole,), Cause.HEARTBEAT, rule)
