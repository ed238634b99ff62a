"""Shows each shot to a Realtime model and passes its words on as they arrive."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from hud.errors import ProtocolError, ServiceError, UsageError, unwrapped
from hud.items import NoteDelta, Shot, Status, clock
from hud.realtime.events import AnswerEnded, Event, Refused, TextArrived
from hud.realtime.memory import Memory
from hud.realtime.prompt import INSTRUCTIONS, is_nothing
from hud.realtime.session import Session, SessionOptions, State, Turn
from hud.stage import between, given, option
from stages.send.connection import Connection, open_connection
from stages.send.endpoint import LOCAL, host_of, is_endpoint, with_model


def _say_nothing(_message: str) -> None:
    return


@attrs.frozen
class Realtime:
    """One session with a Realtime model: a shot is a turn, and one turn runs at a time."""

    url: str = option(
        LOCAL,
        meaning="local, or the address of a Realtime server (wss://api.openai.com/v1/realtime)",
        check=is_endpoint,
    )
    model: str = option("gpt-realtime-1.5", meaning="the model; the local server has only one")
    api_key_env: str = option(
        "OPENAI_API_KEY", meaning="name of the environment variable that holds the key"
    )
    instructions: str = option(INSTRUCTIONS, meaning="what the model is told to do")
    max_output_tokens: int = option(
        300, meaning="tokens of one note, at most", check=between(16, 4096)
    )
    key: str = given("")
    memory: Memory = given(attrs.Factory(Memory))
    warn: Callable[[str], None] = given(_say_nothing)

    @property
    def is_local(self) -> bool:
        """Whether the program brings the server along."""
        return self.url == LOCAL

    @property
    def whereabouts(self) -> str:
        """Who writes the notes, and where, for the user."""
        if self.is_local:
            return "the local model, nothing leaves this machine"
        return f"{self.model} at {host_of(self.url)}"

    def preflight(self) -> None:
        """Check that there is a key.

        Raises:
            UsageError: names the variable that is missing.
        """
        if not self.is_local and not self.key:
            raise UsageError(
                f"no API key: set the environment variable {self.api_key_env}, or choose the "
                "local model with --set realtime.url=local"
            )

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Shot], outbox: trio.abc.SendChannel[NoteDelta]
    ) -> None:
        """Open a session and show it one shot after the other.

        Raises:
            ServiceError: the server refuses the connection or the session.
            ConnectionLostError: the connection ended.
        """
        with unwrapped():
            async with open_connection(with_model(self.url, self.model), self.key) as connection:
                await self._converse(connection, inbox, outbox)

    async def _converse(
        self,
        connection: Connection,
        inbox: trio.abc.ReceiveChannel[Shot],
        outbox: trio.abc.SendChannel[NoteDelta],
    ) -> None:
        session = Session(SessionOptions(self.instructions, self.max_output_tokens))
        while session.state is not State.READY:
            event = await self._next(connection, session)
            if isinstance(event, Refused):
                raise ServiceError(f"the server refused the session: {_sentence(event)}")
            if session.state is State.CREATED:
                await connection.send(session.configure())
        async with trio.open_nursery() as nursery:
            events, arrived = trio.open_memory_channel[Event](0)
            nursery.start_soon(self._listen, connection, session, events, name="listen")
            async for shot in inbox:
                await self._turn(connection, session, arrived, shot, outbox)
            nursery.cancel_scope.cancel()

    async def _listen(
        self,
        connection: Connection,
        session: Session,
        events: trio.MemorySendChannel[Event],
    ) -> None:
        """Read all the time, an unread connection stops answering pings; pass on the turn's."""
        while True:
            event = await self._next(connection, session)
            if isinstance(event, TextArrived | AnswerEnded) or _is_of_turn(event):
                await events.send(event)
            elif isinstance(event, Refused):
                self.warn(f"the server reports {_sentence(event)}")

    async def _turn(
        self,
        connection: Connection,
        session: Session,
        arrived: trio.MemoryReceiveChannel[Event],
        shot: Shot,
        outbox: trio.abc.SendChannel[NoteDelta],
    ) -> None:
        jpegs = [picture.jpeg for picture in shot.pictures]
        await connection.send(session.ask(Turn(self.memory.text(), shot.caption, jpegs)))
        begin = NoteDelta(shot, "", 0.0, trio.current_time(), session=session.id, model=self.model)
        async for event in arrived:
            delta = _delta(begin, event)
            await outbox.send(delta)
            if delta.status is not Status.IN_PROGRESS:
                self._remember(delta)
                return

    def _remember(self, delta: NoteDelta) -> None:
        if delta.status is Status.FAILED:
            self.warn(f"no answer: {delta.detail}")
        elif not is_nothing(delta.text):
            wall_time = delta.shot.change.frame.wall_time
            self.memory.add(clock(wall_time), delta.text)

    async def _next(self, connection: Connection, session: Session) -> Event:
        while True:
            try:
                return session.receive(await connection.receive())
            except ProtocolError as error:
                self.warn(str(error))


def _delta(begin: NoteDelta, event: Event) -> NoteDelta:
    """One event of a turn as the piece of a note it is."""
    now = trio.current_time()
    if isinstance(event, TextArrived):
        return attrs.evolve(begin, text=event.text, time=now)
    if isinstance(event, AnswerEnded):
        return attrs.evolve(
            begin,
            text=event.text,
            time=now,
            status=event.status,
            usage=event.usage,
            detail=event.detail,
        )
    assert isinstance(event, Refused)
    return attrs.evolve(begin, time=now, status=Status.FAILED, detail=_sentence(event))


def _is_of_turn(event: Event) -> bool:
    return isinstance(event, Refused) and event.ends_turn


def _sentence(refused: Refused) -> str:
    return ": ".join(filter(None, [refused.code, refused.message])) or "an error without words"
