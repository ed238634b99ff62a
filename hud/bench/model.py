"""Plays the model's server: the real protocol on the loopback interface, and always one answer."""

from __future__ import annotations

import contextlib
import functools
import secrets
import time
from collections.abc import AsyncIterator, Sequence

import attrs
import trio

from hud.local.model import Sight
from hud.local.server import Address, Terms, serve_stream

WORDS = "One line was added."
_FOR_EVER = 10 * 365 * 86400.0


@attrs.frozen
class Arrival:
    """One request with pictures."""

    time: float
    """When its last byte was read off the connection (time.monotonic())."""
    size: int
    """Bytes since the last one."""


@attrs.define(eq=False)
class StandIn:
    """Answers each turn `answer` seconds after its last byte; it looks at nothing."""

    answer: float
    key: str = attrs.field(factory=lambda: secrets.token_urlsafe(24), repr=False)
    url: str = ""
    arrivals: list[Arrival] = attrs.field(factory=list)
    """As many as turns of one benchmark, which is bounded in time."""
    arrived: trio.Event = attrs.field(factory=trio.Event)
    """Set with the first one."""
    _last: float = 0.0
    _size: int = 0

    def read(self, data: bytes | bytearray) -> None:
        """Be told of every piece of a request."""
        self._last = time.monotonic()
        self._size += len(data)

    async def note(self, session: str, sights: Sequence[Sight]) -> str:
        """See Model."""
        if not sights:
            return WORDS  # a summary of the notes so far, which shows nothing
        self.arrivals.append(Arrival(self._last, self._size))
        self._size = 0
        self.arrived.set()
        await trio.sleep(max(0.0, self._last + self.answer - time.monotonic()))
        return WORDS

    def forget(self, session: str) -> None:
        """See Model."""


class _Heard(trio.abc.Stream):
    """A connection whose reader is watched."""

    def __init__(self, stream: trio.abc.Stream, model: StandIn) -> None:
        self._stream = stream
        self._model = model

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        self._model.read(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextlib.asynccontextmanager
async def open_stand_in(answer: float) -> AsyncIterator[StandIn]:
    """Serve on a free port until the context is left."""
    model = StandIn(answer)
    terms = Terms(model, model.key, _FOR_EVER, trio.Event())

    async def serve(stream: trio.SocketStream) -> None:
        await serve_stream(terms, _Heard(stream, model))

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    model.url = Address("127.0.0.1", listeners[0].socket.getsockname()[1]).url
    async with trio.open_nursery() as nursery:
        await nursery.start(functools.partial(trio.serve_listeners, serve, listeners))
        yield model
        nursery.cancel_scope.cancel()
