"""Keeps one session ready: opens it, replaces it before its end, and opens it again when lost."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import attrs
import trio

from hud.condition import Condition
from hud.errors import ConnectionLostError
from hud.realtime.backoff import Backoff
from hud.realtime.requests import SessionOptions
from hud.realtime.trouble import Cure, Trouble
from stages.send.link import Connect, Link, open_link
from stages.send.troubles import Troubles

RENEW_BEFORE = 120.0
"""Seconds before its end that a session is replaced, or half of its life if that is shorter."""
LONGEST_LIFE = 86_400.0
"""Seconds; an end further away is none, and an end in the past is another clock's."""


@attrs.define(eq=False)
class Sessions:
    """The session in use and its successor."""

    _connect: Connect
    _options: SessionOptions
    _troubles: Troubles
    _backoff: Backoff
    _wall: Callable[[], float] = time.time
    """Seconds since the epoch."""
    _condition: Condition = attrs.field(factory=Condition)
    """Told whether there is one."""
    _woken: Callable[[], Awaitable[None]] = trio.sleep_forever
    """Returns when the machine has slept, and nobody knows who has hung up meanwhile."""
    _link: Link | None = attrs.field(init=False, default=None)
    _changed: trio.lowlevel.ParkingLot = attrs.field(init=False, factory=trio.lowlevel.ParkingLot)
    _had_one: bool = attrs.field(init=False, default=False)

    @property
    def current(self) -> Link | None:
        """The session for the next turn, None while there is none."""
        return None if self._link is None or self._link.lost.is_set() else self._link

    async def ready(self) -> Link:
        """Wait for a session."""
        while self.current is None:
            await self._changed.park()
        assert self._link is not None
        return self._link

    async def keep(self) -> None:
        """See to it that there is a session, until cancelled.

        Raises:
            ServiceError: there will be none, for a reason that only the user can cure.
        """
        self._condition.fails("connecting", harmless=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._renew_after_sleep, name="sleep")
            while True:
                link = await self._open(nursery)
                former, self._link = self._link, link
                self._had_one = True
                self._condition.works()
                self._changed.unpark_all()
                if former is not None:
                    former.retire()
                with trio.move_on_after(self._life(link)):
                    await link.lost.wait()
                if link.trouble is not None:
                    await self._recover(link.trouble)

    async def _renew_after_sleep(self) -> None:
        while True:
            await self._woken()
            if self._link is not None:
                self._link.lose(Trouble("slept", "the machine slept", cure=Cure.RECONNECT))

    async def _open(self, nursery: trio.Nursery) -> Link:
        """Try until there is one; a session that still lives stays in use meanwhile."""
        while True:
            try:
                link: Link = await nursery.start(self._hold, name="session")
            except ConnectionLostError as error:
                await self._recover(error.trouble)
            else:
                return link

    async def _hold(self, *, task_status: trio.TaskStatus[Link]) -> None:
        async with open_link(self._connect, self._options, self._troubles) as link:
            task_status.started(link)
            await link.serve()

    async def _recover(self, trouble: Trouble) -> None:
        if trouble.code == "certificate" and self._had_one:
            # It was the right server before: somebody in between is not, and may go away.
            trouble = attrs.evolve(trouble, cure=Cure.RECONNECT)
        if trouble.cure is Cure.STOP:
            raise self._troubles.final(trouble)
        if self.current is None:
            self._condition.fails(self._troubles.scrubbed(trouble))
        wait = max(trouble.wait or 0.0, self._backoff.next())
        self._troubles.tell(trouble, f"connecting again in {wait:.1f} s")
        await trio.sleep(wait)

    def _life(self, link: Link) -> float:
        """Seconds until the session must be replaced."""
        life = link.session.expires_at - self._wall()
        if not 0 < life < LONGEST_LIFE:
            return float("inf")
        return life - min(RENEW_BEFORE, life / 2)
