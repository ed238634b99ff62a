"""Whether the user wants nothing to be looked at for now."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import attrs
import trio

from hud.stage import silent


@attrs.define(eq=False)
class Pause:
    """A switch that one side turns and the other side waits for."""

    say: Callable[[str], None] = silent
    paused: bool = False
    since: float = -math.inf
    """When it was last turned, on trio's clock."""
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _ending: set[trio.CancelScope] = attrs.field(factory=set)
    """What is cancelled when it is turned."""

    def turn(self, *, paused: bool) -> None:
        """Pause or go on; nothing happens when it is so already."""
        if self.paused == paused:
            return
        self.paused, self.since = paused, trio.current_time()
        self.say("paused: the screen is not looked at" if paused else "resumed")
        for scope in self._ending:
            scope.cancel()
        self._changed.set()
        self._changed = trio.Event()

    @contextlib.contextmanager
    def ends(self, scope: trio.CancelScope) -> Iterator[None]:
        """Cancel a scope when it is turned meanwhile: cheaper than a task that waits."""
        self._ending.add(scope)
        try:
            yield
        finally:
            self._ending.discard(scope)

    def toggle(self) -> None:
        """The other way round."""
        self.turn(paused=not self.paused)

    async def wait_changed(self) -> None:
        """Sleep until it is turned."""
        await self._changed.wait()
