"""Restarting what crashed: a loop around a call."""

from __future__ import annotations

import collections
from collections.abc import Awaitable, Callable

import attrs
import trio

from hud.errors import HudError, StageFailedError, cause, lacks_resources


@attrs.frozen
class RestartPolicy:
    """When a crashed stage starts again, and when its crashes end the program."""

    first_wait: float = 0.25
    """Seconds before the first restart; each further one waits twice as long."""
    longest_wait: float = 15.0
    """Seconds; a stage that ran this long starts again with the first wait."""
    most_crashes: int | None = 5
    """More than this many within `window` end the program; None: never give up."""
    window: float = 60.0
    """Seconds."""


FOR_STAGES = RestartPolicy()
FOR_SINKS = RestartPolicy(first_wait=0.5, longest_wait=30.0, most_crashes=None)
"""A sink is retried for ever: its target may come back, and the other sinks must go on."""


async def supervise(
    name: str,
    call: Callable[[], Awaitable[None]],
    policy: RestartPolicy,
    crashed: Callable[[str, Exception, float], None],
) -> None:
    """Call until it returns; `crashed(name, error, wait)` is told of each restart.

    Raises:
        StageFailedError: it crashed too often.
        HudError: raised on purpose by the call; that is a decision, not a crash.
    """
    crashes: collections.deque[float] = collections.deque(maxlen=policy.most_crashes)
    wait = policy.first_wait
    while True:
        started = trio.current_time()
        error = await _attempt(call)
        if error is None:
            return
        now = trio.current_time()
        if now - started >= policy.longest_wait:
            wait = policy.first_wait
        full = len(crashes) == policy.most_crashes
        lacking = lacks_resources(error)
        if full and now - crashes[0] <= policy.window and not lacking:
            raise StageFailedError(
                f"{name} crashed {len(crashes) + 1} times within {policy.window:g} s, "
                f"last with {type(error).__name__}: {error}"
            ) from error
        if policy.most_crashes is not None and not lacking:
            crashes.append(now)
        crashed(name, error, wait)
        await trio.sleep(wait)
        wait = min(2 * wait, policy.longest_wait)


async def _attempt(call: Callable[[], Awaitable[None]]) -> Exception | None:
    try:
        await call()
    except HudError:
        raise
    except Exception as error:
        return cause(error)
    return None
