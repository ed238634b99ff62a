"""One session on one connection, from the handshake to the goodbye."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import attrs
import trio

from hud.errors import ConnectionLostError, ProtocolError, unwrapped
from hud.items import Status
from hud.realtime.events import AnswerEnded, Event, Refused, TextArrived
from hud.realtime.requests import Message, SessionOptions, Turn
from hud.realtime.session import Session, State
from hud.realtime.trouble import Cure, Trouble
from stages.send.troubles import Troubles

PREPARE_TIMEOUT = 20.0
"""Seconds for the session to exist and to be configured once the connection is open."""
CANCEL_TIMEOUT = 3.0
"""Seconds in which a cancelled answer must end, else the session is given up."""
_ROOM = 64
"""Events that may wait for the turn; beyond them the server waits."""


class Wire(Protocol):
    """An open connection."""

    async def send(self, message: Message) -> None:
        """Send one message."""

    async def receive(self) -> str | bytes:
        """Wait for one message."""

    async def keep_alive(self) -> None:
        """Watch over the connection until it is lost."""


Connect = Callable[[], contextlib.AbstractAsyncContextManager[Wire]]
OnText = Callable[[TextArrived], Awaitable[None]]


class Link:
    """A session that is ready for turns, until `lost` is set."""

    def __init__(self, wire: Wire, session: Session, troubles: Troubles) -> None:
        self.session = session
        self.lost = trio.Event()
        self.trouble: Trouble | None = None
        """Why it was lost."""
        self.sent_time = 0.0
        """When the last byte of the last turn had been written, on trio's clock."""
        self._wire = wire
        self._troubles = troubles
        self._put, self._arrived = trio.open_memory_channel[Event](_ROOM)
        self._turn = trio.Lock()
        self._retired = trio.Event()

    def lose(self, trouble: Trouble) -> None:
        """Take it out of use at once."""
        if self.trouble is None:
            self.trouble = trouble
        self.lost.set()
        self._put.close()

    def retire(self) -> None:
        """Close it when the turn under way is over."""
        self._retired.set()

    async def ask(self, turn: Turn, on_text: OnText, patience: float) -> AnswerEnded | Refused:
        """Show a turn to the model; its words go to `on_text` as they arrive.

        Raises:
            ConnectionLostError: it was lost meanwhile, `patience` seconds without an end included.
        """
        async with self._turn:
            with trio.move_on_after(patience):
                for message in self.session.ask(turn):
                    await self._say(message)
                self.sent_time = trio.current_time()
                end = await self._until_end(on_text)
                await self._tidy()
                return end
            return await self._cancel(patience)

    async def _cancel(self, patience: float) -> AnswerEnded | Refused:
        """End an answer that takes too long; a session that cannot even do that is given up."""
        reason = "; ".join(filter(None, [f"not finished within {patience:g} s", self.session.hint]))
        if self.session.state is State.ANSWERING:
            with trio.move_on_after(CANCEL_TIMEOUT):
                await self._say(self.session.cancel())
                end = await self._until_end(_ignore)
                await self._tidy()
                trouble = Trouble("no answer", reason, cure=Cure.ASK_AGAIN)
                if isinstance(end, AnswerEnded):
                    return attrs.evolve(end, status=Status.CANCELLED, trouble=trouble)
                return attrs.evolve(end, trouble=trouble)
        self.lose(Trouble("no answer", reason, cure=Cure.RECONNECT))
        raise ConnectionLostError(self._reason())

    async def _until_end(self, on_text: OnText) -> AnswerEnded | Refused:
        async for event in self._arrived:
            if isinstance(event, TextArrived):
                await on_text(event)
            elif isinstance(event, AnswerEnded | Refused):
                return event
        raise ConnectionLostError(self._reason())

    async def _tidy(self) -> None:
        for message in self.session.tidy():
            await self._say(message)

    async def _say(self, message: Message) -> None:
        try:
            await self._wire.send(message)
        except ConnectionLostError as error:
            self.lose(error.trouble)
            raise ConnectionLostError(self._reason()) from None

    def _reason(self) -> Trouble:
        assert self.trouble is not None
        return self.trouble

    async def serve(self) -> None:
        """Listen and stay in touch until it is lost or retired; never raises a loss."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_lost, self._listen, nursery.cancel_scope, name="listen")
            nursery.start_soon(
                self._until_lost, self._wire.keep_alive, nursery.cancel_scope, name="keep alive"
            )
            await self._retired.wait()
            async with self._turn:
                nursery.cancel_scope.cancel()

    async def _until_lost(
        self, work: Callable[[], Awaitable[None]], scope: trio.CancelScope
    ) -> None:
        try:
            await work()
        except ConnectionLostError as error:
            self.lose(error.trouble)
            scope.cancel()

    async def _listen(self) -> None:
        """Read all the time: an unread connection stops answering pings. Pass on the turn's."""
        while True:
            event = await _next(self._wire, self.session, self._troubles)
            of_turn = isinstance(event, TextArrived | AnswerEnded)
            if of_turn or (isinstance(event, Refused) and event.ends_turn):
                await self._pass_on(event)
                if isinstance(event, Refused) and event.trouble.cure is Cure.RECONNECT:
                    # The session is over, though the server need not hang up.
                    raise ConnectionLostError(event.trouble)
            elif isinstance(event, Refused):
                if event.trouble.cure in {Cure.STOP, Cure.RECONNECT}:
                    raise ConnectionLostError(event.trouble)
                self._troubles.tell(event.trouble, "going on")

    async def _pass_on(self, event: Event) -> None:
        # Lost: who waited for it has been told.
        with contextlib.suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            await self._put.send(event)


@contextlib.asynccontextmanager
async def open_link(
    connect: Connect, options: SessionOptions, troubles: Troubles
) -> AsyncIterator[Link]:
    """Open a connection and configure a session on it; `serve` must run meanwhile.

    Raises:
        ConnectionLostError: it could not be had.
    """
    with unwrapped():
        async with connect() as wire:
            session = Session(options)
            try:
                with trio.fail_after(PREPARE_TIMEOUT):
                    await _prepare(wire, session, troubles)
            except trio.TooSlowError:
                reason = f"no session within {PREPARE_TIMEOUT:g} s"
                trouble = Trouble("no session", reason, cure=Cure.RECONNECT)
                raise ConnectionLostError(trouble) from None
            yield Link(wire, session, troubles)


async def _prepare(wire: Wire, session: Session, troubles: Troubles) -> None:
    while session.state is not State.READY:
        event = await _next(wire, session, troubles)
        if isinstance(event, Refused):
            raise ConnectionLostError(_refused_session(event.trouble))
        if session.state is State.CREATED:
            await wire.send(session.configure())


def _refused_session(trouble: Trouble) -> Trouble:
    """A session that the server does not want the first time it will not want the next time."""
    again = trouble.cure in {Cure.WAIT, Cure.RECONNECT} or trouble.kind == "server_error"
    cure = Cure.RECONNECT if again else Cure.STOP
    message = f"the server refused the session: {trouble.message}"
    return Trouble(trouble.code, message, trouble.kind, cure=cure, wait=trouble.wait)


async def _next(wire: Wire, session: Session, troubles: Troubles) -> Event:
    while True:
        try:
            return session.receive(await wire.receive())
        except ProtocolError as error:
            troubles.tell(Trouble("protocol", str(error), cure=Cure.ASK_AGAIN), "ignored")


async def _ignore(_event: TextArrived) -> None:
    await trio.lowlevel.checkpoint()
