"""Calls that block, beside the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio

MOST = 40
"""Threads at once, those that were let go included; whoever comes later waits for his turn."""
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


async def in_thread(function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """What a function returns that would hold up the loop.

    A cancelled call lets go of its thread, which may hang (a disk, an X server that somebody
    holds) and must not keep the program from ending: what it works on belongs to it from then on.
    """
    return await trio.to_thread.run_sync(function, *arguments, abandon_on_cancel=True)


def bound_threads() -> None:
    """Let there be no more than `MOST`; once for each run of trio."""
    trio.to_thread.current_default_thread_limiter().total_tokens = MOST
