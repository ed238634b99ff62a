"""A WebSocket as two methods, its many ways to fail as two errors."""

from __future__ import annotations

import contextlib
import ssl
import urllib.parse
from collections.abc import AsyncIterator

import orjson
import trio
import trio_websocket

from hud.errors import ConnectionLostError, ServiceError, unwrapped

MOST_BYTES = 16 * 2**20
"""Pictures may come back whole in the server's echo of an item; the library allows 1 MiB."""
CONNECT_TIMEOUT = 20.0
CLOSE_TIMEOUT = 2.0
Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class Connection:
    """An open WebSocket."""

    def __init__(self, socket: trio_websocket.WebSocketConnection) -> None:
        self._socket = socket

    async def send(self, message: str) -> None:
        """Send one text message; returns when its last byte is written.

        Never put a timeout around this alone: half a message on the wire breaks the next one.

        Raises:
            ConnectionLostError: the server is gone.
        """
        try:
            await self._socket.send_message(message)
        except trio_websocket.ConnectionClosed as error:
            raise ConnectionLostError(_goodbye(error)) from None

    async def receive(self) -> str | bytes:
        """Wait for one message.

        Raises:
            ConnectionLostError: the server is gone, with its close code and reason.
        """
        try:
            return await self._socket.get_message()
        except trio_websocket.ConnectionClosed as error:
            raise ConnectionLostError(_goodbye(error)) from None


@contextlib.asynccontextmanager
async def open_connection(url: str, key: str) -> AsyncIterator[Connection]:
    """Connect to a Realtime server, and say goodbye at the end.

    Raises:
        ServiceError: the server refused the upgrade; says why, without the key.
        ConnectionLostError: the server cannot be reached.
    """
    with unwrapped():
        async with await _open_stream(url) as stream:
            try:
                async with trio.open_nursery() as nursery:
                    socket = await _upgrade(nursery, stream, url, key)
                    try:
                        yield Connection(socket)
                    finally:
                        await _close(socket)
                    nursery.cancel_scope.cancel()
            except* trio_websocket.ConnectionRejected as refusals:
                # The library's reader task raises this, and whoever waits for it may too.
                raise ServiceError(refusal(url, _first(refusals), key)) from None


async def _open_stream(url: str) -> Stream:
    """The stream is ours: the library leaves it open when the server is the first to close."""
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname is not None
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            if parts.scheme == "ws":
                return await trio.open_tcp_stream(parts.hostname, parts.port or 80)
            tls = ssl.create_default_context()
            stream = await trio.open_ssl_over_tcp_stream(
                parts.hostname, parts.port or 443, https_compatible=True, ssl_context=tls
            )
            await stream.do_handshake()
            return stream
    except trio.TooSlowError:
        raise ConnectionLostError(_too_slow(url)) from None
    except (OSError, ssl.SSLError, trio.BrokenResourceError) as error:
        raise ConnectionLostError(f"{url} cannot be reached: {_reason(error)}") from None


async def _upgrade(
    nursery: trio.Nursery, stream: Stream, url: str, key: str
) -> trio_websocket.WebSocketConnection:
    parts = urllib.parse.urlsplit(url)
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await trio_websocket.wrap_client_stream(
                nursery,
                stream,
                parts.netloc,
                f"{parts.path or '/'}?{parts.query}",
                extra_headers=[(b"Authorization", f"Bearer {key}".encode())],
                max_message_size=MOST_BYTES,
            )
    except trio.TooSlowError:
        raise ConnectionLostError(_too_slow(url)) from None
    except trio_websocket.ConnectionClosed as error:
        raise ConnectionLostError(_goodbye(error)) from None


async def _close(socket: trio_websocket.WebSocketConnection) -> None:
    """Say goodbye even when cancelled, but not for long."""
    with trio.move_on_after(CLOSE_TIMEOUT, shield=True):
        await socket.aclose()


def refusal(url: str, error: trio_websocket.ConnectionRejected, key: str) -> str:
    """The refusal in the server's words; servers repeat parts of the key, so those go."""
    try:
        said = orjson.loads(error.body or b"")["error"]
        reason = ": ".join(str(said[part]) for part in ("code", "message") if said.get(part))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        reason = "no reason given"
    words = [word for word in reason.split() if not _resembles(word, key)]
    return f"{url} refused with HTTP {error.status_code}: {' '.join(words)}"


def _resembles(word: str, key: str) -> bool:
    bare = word.strip(".,:;'\"`")
    return "*" in bare or (len(bare) >= 4 and bool(key) and (bare in key or key in bare))


def _goodbye(closed: trio_websocket.ConnectionClosed) -> str:
    reason = closed.reason
    if reason is None:
        return "the connection to the model's server was cut"
    words = f" ({reason.reason})" if reason.reason else ""
    return f"the model's server closed the connection: {reason.code} {reason.name}{words}"


def _reason(error: BaseException) -> str:
    """The first cause: what trio raises says only that every address of the host failed."""
    if isinstance(error, BaseExceptionGroup):
        return _reason(error.exceptions[0])
    if error.__cause__ is not None:
        return _reason(error.__cause__)
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _too_slow(url: str) -> str:
    return f"{url} did not answer within {CONNECT_TIMEOUT:g} s"


def _first(
    group: BaseExceptionGroup[trio_websocket.ConnectionRejected],
) -> trio_websocket.ConnectionRejected:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
