"""One client's connection: reads always, answers when the model has answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import attrs
import orjson
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from hud.errors import HudError
from hud.local.answer import Event
from hud.local.model import Model
from hud.local.protocol import ServerSession
from hud.local.responses import Ask, Reply

GRACE = 1.0
"""Time that a client has for taking what is left when its connection is closed."""

MOST_UNSENT = 64 * 2**20
"""Characters that wait for a client that does not read."""


@attrs.frozen
class Goodbye:
    """The last thing that is sent."""

    code: int
    reason: str


async def serve(
    connection: WebSocketConnection,
    model: Model,
    open_session: Callable[[float], ServerSession],
    closing: trio.Event,
) -> None:
    """Talk to one client until it leaves, its session expires, or `closing` is set.

    `open_session` is given the seconds since the epoch. Its answers die with the connection.
    """
    started, begun = time.time(), trio.current_time()

    def now() -> float:
        # The wall clock may be set while a session lasts, trio's clock may not.
        return started + trio.current_time() - begun

    session = open_session(started)
    async with trio.open_nursery() as nursery:
        client = Client(connection, model, session, now, nursery)
        try:
            await client.run(closing)
        finally:
            model.forget(session.id)


@attrs.define(eq=False)
class Client:
    """One connection and its session; `run` is called once."""

    connection: WebSocketConnection
    model: Model
    session: ServerSession
    now: Callable[[], float]
    nursery: trio.Nursery
    unsent: int = 0
    """Characters that wait to be sent."""
    leaving: bool = False
    """A goodbye is on its way."""
    answering: dict[str, trio.CancelScope] = attrs.field(factory=dict)
    outbox: trio.MemorySendChannel[str | Goodbye] = attrs.field(init=False)
    letters: trio.MemoryReceiveChannel[str | Goodbye] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Bounded by MOST_UNSENT. Waiting for the client to read would stop us from reading: two
        # sides that both wait for the other to read wait for ever.
        self.outbox, self.letters = trio.open_memory_channel[str | Goodbye](float("inf"))

    async def run(self, closing: trio.Event) -> None:
        """Serve until the connection is closed, then end what was started in the nursery."""
        start = self.nursery.start_soon
        start(self._read, name="read from a client")
        start(self._expire, name="end of a session")
        start(self._close, closing, name="end of the server")
        self._deliver(self.session.open())
        await self._write()
        self.nursery.cancel_scope.cancel()

    async def _read(self) -> None:
        try:
            while True:
                message = await self.connection.get_message()
                if isinstance(message, str):
                    self._deliver(self.session.receive(message, self.now()))
                else:
                    self._deliver(self.session.receive_binary())
        except ConnectionClosed:
            if not self.leaving:
                self.nursery.cancel_scope.cancel()

    async def _write(self) -> None:
        try:
            async for letter in self.letters:
                if isinstance(letter, Goodbye):
                    await self.connection.aclose(letter.code, letter.reason)
                    return
                await self.connection.send_message(letter)
                self.unsent -= len(letter)
        except ConnectionClosed:
            return

    async def _expire(self) -> None:
        await trio.sleep(self.session.lifetime)
        self._deliver(self.session.expire())
        self._leave(Goodbye(1001, self.session.farewell))

    async def _close(self, closing: trio.Event) -> None:
        await closing.wait()
        self._leave(Goodbye(1001, "The server is closing."))

    def _deliver(self, reply: Reply) -> None:
        for event in reply.events:
            self._post(event)
        if reply.dropped is not None and reply.dropped in self.answering:
            self.answering[reply.dropped].cancel()
        if reply.ask is not None:
            scope = self.answering[reply.ask.response_id] = trio.CancelScope()
            answer = partial(self._answer, reply.ask, scope)
            self.nursery.start_soon(answer, name=f"answer {reply.ask.response_id}")

    def _post(self, event: Event) -> None:
        letter = orjson.dumps(event).decode()
        self.unsent += len(letter)
        if self.unsent > MOST_UNSENT:
            self.nursery.cancel_scope.cancel()
        self.outbox.send_nowait(letter)

    def _leave(self, goodbye: Goodbye) -> None:
        """Stop when everything up to `goodbye` is sent, or the client has had its time."""
        self.leaving = True
        self.outbox.send_nowait(goodbye)
        self.nursery.cancel_scope.deadline = trio.current_time() + GRACE

    async def _answer(self, ask: Ask, scope: trio.CancelScope) -> None:
        with scope:
            try:
                text = await self.model.note(self.session.id, ask.sights)
            except Exception as error:
                self._deliver(self.session.fail(ask.response_id, _words(error), self.now()))
            else:
                self._deliver(self.session.answer(ask.response_id, text, self.now()))
        del self.answering[ask.response_id]


def _words(error: Exception) -> str:
    """What a client is told: our own sentences, of others only the name (they may quote text)."""
    if isinstance(error, HudError):
        return f"The model failed: {error}"
    return f"The model failed ({type(error).__name__})."
