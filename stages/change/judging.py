"""What every change stage does around its detector: one for each monitor, each asked in time."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import trio

from hud.detector import AFTERMATH, SHORTEST_NAP, Detector
from hud.items import Cause, Change, Frame
from hud.threads import in_thread

INLINE_PIXELS = 60_000
"""Damage up to which a frame is judged in the loop; a line of text across the screen has less."""


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
    detectors: dict[int, Detector] = {}
    woken = -math.inf
    while True:
        frame = None
        with trio.move_on_at(max(_due(detectors), woken + SHORTEST_NAP)):
            try:
                frame = await inbox.receive()
            except trio.EndOfChannel:
                break
        if frame is None:
            woken = trio.current_time()
            await _pay(detectors, outbox, woken)
            continue
        if frame.monitor not in detectors:
            detectors[frame.monitor] = make()
        look = detectors[frame.monitor].look
        if _is_little(frame) and not whole:
            await outbox.send(look(frame))
        else:
            await outbox.send(await in_thread(look, frame))
    # The screen stays as it is now, so whatever is awaited comes to rest. Nobody's heart beats on.
    resting = {number: _resting(detector) for number, detector in detectors.items()}
    due, end = -math.inf, trio.current_time() + AFTERMATH
    while (due := max(due + SHORTEST_NAP, _due(resting))) <= end:
        await _pay(resting, outbox, due)


def _resting(detector: Detector) -> Detector:
    return detector.inner if isinstance(detector, Heartbeat) else detector


def _is_little(frame: Frame) -> bool:
    """Whether a look at it takes less than a millisecond: little more than the way to a thread."""
    return frame.damage is not None and sum(rect.area for rect in frame.damage) <= INLINE_PIXELS


def _due(detectors: dict[int, Detector]) -> float:
    times = [detector.due() for detector in detectors.values()]
    return min((time for time in times if time is not None), default=math.inf)


async def _pay(
    detectors: dict[int, Detector], outbox: trio.abc.SendChannel[Change], time: float
) -> None:
    for detector in detectors.values():
        # With much to judge this takes longer than the loop may stand still.
        change = await in_thread(detector.wake, time)
        if change is not None:
            await outbox.send(change)


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
