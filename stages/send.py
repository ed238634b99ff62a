"""Shows each shot to a Realtime model over a WebSocket and passes its words on as they arrive."""

from __future__ import annotations

import ipaddress
import ssl
import time
import urllib.parse
from collections.abc import Callable

import attrs
import orjson
import trio
import trio_websocket

from hud.errors import ConnectionLostError, ProtocolError, ServiceError, UsageError, unwrapped
from hud.items import NoteDelta, Shot, Status
from hud.realtime.events import AnswerEnded, Event, Refused, TextArrived
from hud.realtime.memory import Memory
from hud.realtime.prompt import INSTRUCTIONS, is_nothing
from hud.realtime.session import Session, SessionOptions, State, Turn
from hud.stage import between, given, option

LOCAL = "local"
MOST_BYTES = 16 * 2**20
"""Pictures may come back whole in the server's echo of an item; the library allows 1 MiB."""
CONNECT_TIMEOUT = 20.0
CLOSE_TIMEOUT = 2.0


def _is_endpoint(url: str) -> str | None:
    """What is wrong with an address: anything but wss:// may not leave this machine."""
    if url == LOCAL:
        return None
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        return "must be local, wss://HOST/PATH, or ws:// to a loopback address"
    if parts.username or parts.password:
        return "must not contain a password; name a variable with api_key_env"
    if parts.scheme == "ws" and not is_loopback(parts.hostname):
        return "would send the screen unencrypted: ws:// is for loopback addresses only, use wss://"
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _say_nothing(_message: str) -> None:
    return


@attrs.frozen
class Realtime:
    """One session with a Realtime model: a shot is a turn, and one turn runs at a time."""

    url: str = option(
        LOCAL,
        meaning="local, or the address of a Realtime server (wss://api.openai.com/v1/realtime)",
        check=_is_endpoint,
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
        return f"{self.model} at {urllib.parse.urlsplit(self.url).hostname}"

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
            try:
                async with trio.open_nursery() as nursery:
                    socket = await self._connect(nursery)
                    try:
                        await self._converse(socket, inbox, outbox)
                    finally:
                        await _close(socket)
                    nursery.cancel_scope.cancel()
            except* trio_websocket.ConnectionRejected as refusals:
                # The library's own reader task raises this, beside whoever waits for it.
                raise ServiceError(self._rejection(_first(refusals))) from None

    async def _converse(
        self,
        socket: trio_websocket.WebSocketConnection,
        inbox: trio.abc.ReceiveChannel[Shot],
        outbox: trio.abc.SendChannel[NoteDelta],
    ) -> None:
        session = Session(SessionOptions(self.instructions, self.max_output_tokens))
        while session.state is not State.READY:
            event = await self._next(socket, session)
            if isinstance(event, Refused):
                raise ServiceError(f"the server refused the session: {_sentence(event)}")
            if session.state is State.CREATED:
                await socket.send_message(session.configure())
        async with trio.open_nursery() as nursery:
            events, arrived = trio.open_memory_channel[Event](0)
            nursery.start_soon(self._listen, socket, session, events, name="listen")
            async for shot in inbox:
                await self._turn(socket, session, arrived, shot, outbox)
            nursery.cancel_scope.cancel()

    async def _listen(
        self,
        socket: trio_websocket.WebSocketConnection,
        session: Session,
        events: trio.MemorySendChannel[Event],
    ) -> None:
        """Read all the time, an unread connection stops answering pings; pass on the turn's."""
        while True:
            event = await self._next(socket, session)
            if isinstance(event, TextArrived | AnswerEnded) or _is_of_turn(event):
                await events.send(event)
            elif isinstance(event, Refused):
                self.warn(f"the server reports {_sentence(event)}")

    async def _turn(
        self,
        socket: trio_websocket.WebSocketConnection,
        session: Session,
        arrived: trio.MemoryReceiveChannel[Event],
        shot: Shot,
        outbox: trio.abc.SendChannel[NoteDelta],
    ) -> None:
        jpegs = [picture.jpeg for picture in shot.pictures]
        await _send(socket, session.ask(Turn(self.memory.text(), shot.caption, jpegs)))
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
            self.memory.add(time.strftime("%H:%M:%S", time.localtime(wall_time)), delta.text)

    async def _next(self, socket: trio_websocket.WebSocketConnection, session: Session) -> Event:
        while True:
            try:
                return session.receive(await socket.get_message())
            except ProtocolError as error:
                self.warn(str(error))
            except trio_websocket.ConnectionClosed as error:
                raise ConnectionLostError(_goodbye(error)) from None

    async def _connect(self, nursery: trio.Nursery) -> trio_websocket.WebSocketConnection:
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                return await trio_websocket.connect_websocket_url(
                    nursery,
                    with_model(self.url, self.model),
                    extra_headers=[(b"Authorization", f"Bearer {self.key}".encode())],
                    max_message_size=MOST_BYTES,
                )
        except trio.TooSlowError:
            raise ConnectionLostError(
                f"{self.url} did not answer within {CONNECT_TIMEOUT:g} s"
            ) from None
        except (OSError, ssl.SSLError) as error:
            raise ConnectionLostError(f"{self.url} cannot be reached: {error}") from None

    def _rejection(self, error: trio_websocket.ConnectionRejected) -> str:
        """The refusal in the server's words; servers repeat parts of the key, so those go."""
        try:
            said = orjson.loads(error.body or b"")["error"]
            reason = ": ".join(str(said[part]) for part in ("code", "message") if said.get(part))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            reason = ""
        words = [word for word in reason.split() if not _resembles(word, self.key)]
        hint = f" (check {self.api_key_env})" if error.status_code == 401 else ""
        return f"{self.url} refused with HTTP {error.status_code}{hint}: {' '.join(words)}"


def _first(
    group: BaseExceptionGroup[trio_websocket.ConnectionRejected],
) -> trio_websocket.ConnectionRejected:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def with_model(url: str, model: str) -> str:
    """The address with the model as its query, other parts of the query kept."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query)) | {"model": model}
    return parts._replace(query=urllib.parse.urlencode(query)).geturl()


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


def _goodbye(closed: trio_websocket.ConnectionClosed) -> str:
    reason = closed.reason
    if reason is None:
        return "the connection to the model's server was cut"
    words = f" ({reason.reason})" if reason.reason else ""
    return f"the model's server closed the connection: {reason.code} {reason.name}{words}"


def _resembles(word: str, key: str) -> bool:
    bare = word.strip(".,:;'\"`")
    return "*" in bare or (len(bare) >= 4 and bool(key) and (bare in key or key in bare))


async def _send(socket: trio_websocket.WebSocketConnection, message: str) -> None:
    try:
        await socket.send_message(message)
    except trio_websocket.ConnectionClosed as error:
        raise ConnectionLostError(_goodbye(error)) from None


async def _close(socket: trio_websocket.WebSocketConnection) -> None:
    """Say goodbye even when cancelled, but not for long."""
    with trio.move_on_after(CLOSE_TIMEOUT) as scope:
        scope.shield = True
        await socket.aclose()
