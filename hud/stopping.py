"""When a run ends: a signal, or its time is over. No stage knows about either."""

from __future__ import annotations

import contextlib
import math
import signal
from collections.abc import AsyncIterator

import trio

from hud.errors import PipelineError

TOGETHER = 0.5
"""Seconds in which further signals are the first one again: timeout(1) signals the program, and
then its group, in which the program is, too."""


@contextlib.asynccontextmanager
async def stopping() -> AsyncIterator[trio.Event]:
    """An event that SIGINT or SIGTERM sets; a second one, not along with the first, cancels.

    Whoever has something to start or to end does so inside.

    Raises:
        PipelineError: there was a second signal.
    """
    stop = trio.Event()
    at_once = False

    async def on_signal(task_status: trio.TaskStatus[None]) -> None:
        nonlocal at_once
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            await anext(signals)
            stop.set()
            first = trio.current_time()
            while trio.current_time() - first < TOGETHER:
                await anext(signals)
            at_once = True
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        await nursery.start(on_signal)
        yield stop
        nursery.cancel_scope.cancel()
    if at_once:
        raise PipelineError("stopped at once by a second signal; what was in flight is lost")


@contextlib.asynccontextmanager
async def limited(stop: trio.Event, seconds: float | None) -> AsyncIterator[None]:
    """Set `stop` after so many seconds inside; None: never."""

    async def on_time() -> None:
        await trio.sleep(math.inf if seconds is None else seconds)
        stop.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(on_time, name="time limit")
        yield
        nursery.cancel_scope.cancel()
