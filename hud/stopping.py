"""When a run ends: a signal, or its time is over. No stage knows about either."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator

import trio

from hud.errors import PipelineError


@contextlib.asynccontextmanager
async def stopping(seconds: float | None) -> AsyncIterator[trio.Event]:
    """An event that SIGINT, SIGTERM or the end of `seconds` sets; a second signal cancels.

    Raises:
        PipelineError: there was a second signal.
    """
    stop = trio.Event()
    at_once = False

    async def on_signal(task_status: trio.TaskStatus[None]) -> None:
        nonlocal at_once
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _number in signals:
                if stop.is_set():
                    at_once = True
                    nursery.cancel_scope.cancel()
                stop.set()

    async def on_time(seconds: float) -> None:
        await trio.sleep(seconds)
        stop.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(on_signal)
        if seconds is not None:
            nursery.start_soon(on_time, seconds)
        yield stop
        nursery.cancel_scope.cancel()
    if at_once:
        raise PipelineError("stopped at once by a second signal; what was in flight is lost")
