"""A WebSocket as three methods, its many ways to fail as one error that says what cures it."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import orjson
import trio
import trio_websocket

from hud.address import host_of
from hud.errors import ConnectionLostError, unwrapped
from hud.realtime.requests import Message
from hud.realtime.trouble import Cure, Trouble, closed, refused
from stages.send.dial import CONNECT_TIMEOUT, Stream, dial
from stages.send.framing import SharedStream

MOST_BYTES = 16 * 2**20
"""Pictures may come back whole in the server's echo of an item; the library allows 1 MiB."""
CLOSE_TIMEOUT = 2.0
HURRIED_CLOSE = 0.2
PING_EVERY = 20.0
PONG_TIMEOUT = 20.0

Dial = Callable[[str], Awaitable[Stream]]


class Connection:
    """An open WebSocket."""

    def __init__(self, socket: trio_websocket.WebSocketConnection, stream: SharedStream) -> None:
        self._socket = socket
        self._stream = stream

    async def send(self, message: Message) -> None:
        """Send one text message; returns when its last byte is written.

        A timeout around this leaves half a message on the wire: the connection is of no use then.

        Raises:
            ConnectionLostError: the server is gone.
        """
        if self._socket.closed is not None:
            raise ConnectionLostError(_farewell(self._socket.closed))
        try:
            await self._stream.send_text(message)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionLostError(_farewell(self._socket.closed)) from None

    async def receive(self) -> str | bytes:
        """Wait for one message.

        Raises:
            ConnectionLostError: the server is gone, with its close code and reason.
        """
        try:
            return await self._socket.get_message()
        except trio_websocket.ConnectionClosed as error:
            raise ConnectionLostError(_goodbye(error)) from None

    async def keep_alive(self) -> None:
        """Ask for a sign of life now and then; somebody must be receiving meanwhile.

        Raises:
            ConnectionLostError: there was none, or the server is gone.
        """
        while True:
            await trio.sleep(PING_EVERY)
            try:
                with trio.fail_after(PONG_TIMEOUT):
                    await self._socket.ping()
            except trio.TooSlowError:
                reason = f"the server answered no ping for {PONG_TIMEOUT:g} s"
                raise ConnectionLostError(Trouble("silent", reason, cure=Cure.RECONNECT)) from None
            except trio_websocket.ConnectionClosed as error:
                raise ConnectionLostError(_goodbye(error)) from None


@contextlib.asynccontextmanager
async def open_connection(
    url: str, headers: Mapping[str, str], dial: Dial = dial
) -> AsyncIterator[Connection]:
    """Connect to a Realtime server, and say goodbye at the end.

    Raises:
        ConnectionLostError: the server refused the upgrade, or cannot be reached.
    """
    with unwrapped():
        # The stream is ours: the library leaves it open when the server is the first to close.
        async with SharedStream(await dial(url)) as stream:
            try:
                async with trio.open_nursery() as nursery:
                    socket = await _upgrade(nursery, stream, url, headers)
                    try:
                        yield Connection(socket, stream)
                    finally:
                        await _close(socket)
                    nursery.cancel_scope.cancel()
            except* trio_websocket.ConnectionRejected as refusals:
                # The library's reader task raises this, and whoever waits for it may too.
                raise ConnectionLostError(_refusal(_first(refusals))) from None


async def _upgrade(
    nursery: trio.Nursery, stream: SharedStream, url: str, headers: Mapping[str, str]
) -> trio_websocket.WebSocketConnection:
    parts = urllib.parse.urlsplit(url)
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await trio_websocket.wrap_client_stream(
                nursery,
                stream,  # type: ignore[arg-type] # any stream will do
                parts.netloc,
                f"{parts.path or '/'}?{parts.query}",
                extra_headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                max_message_size=MOST_BYTES,
            )
    except trio.TooSlowError:
        reason = f"{host_of(url)} did not answer within {CONNECT_TIMEOUT:g} s"
        trouble = Trouble("unreachable", reason, cure=Cure.RECONNECT)
        raise ConnectionLostError(trouble) from None
    except trio_websocket.ConnectionClosed as error:
        raise ConnectionLostError(_goodbye(error)) from None


async def _close(socket: trio_websocket.WebSocketConnection) -> None:
    """Say goodbye even when cancelled, but not for long.

    The task that would read the server's answer is then cancelled too, so nobody waits for it.
    """
    cancelled = trio.current_effective_deadline() == float("-inf")
    with trio.move_on_after(HURRIED_CLOSE if cancelled else CLOSE_TIMEOUT, shield=True):
        await socket.aclose()


def _refusal(error: trio_websocket.ConnectionRejected) -> Trouble:
    try:
        said = orjson.loads(error.body or b"")["error"]
        words = {key: said[key] for key in ("code", "message", "type") if said.get(key)}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        words = {}
    after = next((value for name, value in error.headers or () if name == b"retry-after"), b"")
    code, kind = str(words.get("code", "")), str(words.get("type", ""))
    reason = Trouble(code or kind, str(words.get("message", "")), kind)
    return refused(error.status_code, reason, after.decode("ascii", "replace"))


def _goodbye(error: trio_websocket.ConnectionClosed) -> Trouble:
    return _farewell(error.reason)


def _farewell(reason: trio_websocket.CloseReason | None) -> Trouble:
    if reason is None:
        return closed(1006, "the connection was cut")
    return closed(reason.code, reason.reason or reason.name.lower().replace("_", " "))


def _first(
    group: BaseExceptionGroup[trio_websocket.ConnectionRejected],
) -> trio_websocket.ConnectionRejected:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
