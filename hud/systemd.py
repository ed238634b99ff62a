"""Tells systemd how a run is: ready, well, stopping. The protocol: sd_notify(3), in datagrams."""

from __future__ import annotations

import contextlib
import math
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping

import attrs
import trio

from hud.health import CAPTURE, Health

PINGS = 3
"""Signs of life in the time after which systemd takes the program for dead."""


@attrs.frozen(eq=False)
class Manager:
    """The manager that started this program, at the other end of a socket."""

    _socket: socket.socket
    every: float
    """Seconds between two signs of life; inf: it wants none."""

    def tell(self, *assignments: str) -> None:
        """Send `NAME=value` lines. One that does not listen must not hold the program up."""
        with contextlib.suppress(OSError):
            self._socket.send("\n".join(assignments).encode())


@contextlib.contextmanager
def manager(environment: Mapping[str, str]) -> Iterator[Manager | None]:
    """Who wants to be told, by the variables that it set for this process; None: nobody."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        yield None
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
        peer.setblocking(False)
        try:
            # @ stands for the abstract namespace, whose names begin with a zero byte.
            peer.connect("\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            yield None
            return
        yield Manager(peer, _period(environment))


def _period(environment: Mapping[str, str]) -> float:
    ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not (ours and microseconds.isdecimal() and int(microseconds)):
        return math.inf
    return int(microseconds) / 1e6 / PINGS


@contextlib.asynccontextmanager
async def supervised(
    health: Health, stop: trio.Event, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[None]:
    """Keep systemd told while the context lasts, if it started this program."""
    with manager(environment) as peer:
        if peer is None:
            yield
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_tell_state, peer, health, name="systemd")
            if peer.every < math.inf:
                nursery.start_soon(_ping, peer, health, name="watchdog")
            nursery.start_soon(_tell_stop, peer, stop, name="stopping")
            yield
            nursery.cancel_scope.cancel()


async def _tell_state(peer: Manager, health: Health) -> None:
    """Ready is who has seen the screen, or knows why not."""
    while health.of(CAPTURE).since == -math.inf:
        await health.wait_turned()
    peer.tell("READY=1", f"STATUS={health.line()}")
    while True:
        await health.wait_turned()
        peer.tell(f"STATUS={health.line()}")


async def _ping(peer: Manager, health: Health) -> None:
    """Give signs of life, but none while somebody is stuck: then a new start is what helps."""
    while True:
        if not health.is_stuck:
            peer.tell("WATCHDOG=1")
        await trio.sleep(peer.every)


async def _tell_stop(peer: Manager, stop: trio.Event) -> None:
    await stop.wait()
    peer.tell("STOPPING=1")
