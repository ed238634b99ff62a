"""The local Realtime server: a WebSocket on the loopback interface, and nobody else's business."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import attrs
import orjson
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream
from wsproto.utilities import ProtocolError as WebSocketError

from hud.errors import UsageError, cause
from hud.local import connection, upgrade
from hud.local.model import Model
from hud.local.protocol import HOUR, ServerSession, error
from hud.local.rules import RefusedError
from hud.local.upgrade import Admission, Refusal
from hud.stage import silent

MAX_MESSAGE_SIZE = 16 * 2**20
"""Characters; OpenAI documents 15 MiB for the largest of its events."""

HANDSHAKE = 10.0
"""Time that a client has for asking for its upgrade."""

_BETA = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."
_BETA_CODE = "beta_api_shape_disabled"


@attrs.frozen
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """What a client connects to, still without `?model=`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}{upgrade.PATH}"


@attrs.define(eq=False)
class Complaint:
    """Tells of the first error that nobody expected, by its name only: it may quote a client."""

    warn: Callable[[str], None] = silent
    told: bool = False

    def tell(self, error: Exception) -> None:
        """Say it, unless one was told before."""
        if not self.told:
            self.told = True
            name = type(cause(error)).__name__
            self.warn(f"the local server dropped a client ({name}); the others stay, told once")


@attrs.frozen(eq=False)
class Terms:
    """What every connection of one server is given."""

    model: Model
    key: str = attrs.field(repr=False)
    lifetime: float
    closing: trio.Event
    complaint: Complaint = attrs.field(factory=Complaint)

    def open_session(self, model: str, started: float) -> ServerSession:
        """A new session with a name of its own."""
        name = f"sess_{secrets.token_hex(10)}"
        return ServerSession(name, model, started, lifetime=self.lifetime)


@asynccontextmanager
async def open_server(  # noqa: PLR0913 - what `hud serve` and its tests may choose
    model: Model,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    key: str,
    lifetime: float = HOUR,
    warn: Callable[[str], None] = silent,
) -> AsyncIterator[Address]:
    """Serve `model` to clients on this machine that know `key` until the block is left.

    `port` 0 takes a free one. A session lasts `lifetime` seconds. On leaving, the clients are told
    (close code 1001); on cancellation they are not. As with every nursery, an exception out of
    the block arrives in a group. `warn` is told once when a client was dropped for a fault that
    has no answer. UsageError for a host that other machines could reach, an empty
    key, or a port that is taken.
    """
    host = "127.0.0.1" if host == "localhost" else host
    if not upgrade.is_local(host):
        raise UsageError(f"the local server only listens on the loopback interface, not on {host}")
    if not key:
        raise UsageError("the local server needs a key")
    terms = Terms(model, key, lifetime, trio.Event(), Complaint(warn))
    listeners, front = await _listen(host, port), trio.CancelScope()
    async with trio.open_nursery() as clients:
        await clients.start(partial(_accept, terms, listeners, clients, front), name="accept")
        yield Address(host, listeners[0].socket.getsockname()[1])
        front.cancel()
        terms.closing.set()
        clients.cancel_scope.deadline = trio.current_time() + connection.GRACE


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except (OSError, OverflowError) as problem:
        raise UsageError(f"cannot listen on {host} port {port}: {problem}") from problem


async def _accept(
    terms: Terms,
    listeners: list[trio.SocketListener],
    clients: trio.Nursery,
    front: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[object],
) -> None:
    serve = partial(serve_stream, terms)
    with front:
        await trio.serve_listeners(
            serve, listeners, handler_nursery=clients, task_status=task_status
        )


async def serve_stream(terms: Terms, stream: trio.abc.Stream) -> None:
    """Take care of one connection; whatever a client does ends no more than its own."""
    try:
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(HANDSHAKE) as waiting:
                request = await wrap_server_stream(
                    nursery,
                    stream,
                    max_message_size=MAX_MESSAGE_SIZE,
                    receive_buffer_size=2**16,
                )
            if not waiting.cancelled_caught:
                await _respond(terms, request)
            nursery.cancel_scope.cancel()
    except* (ConnectionClosed, WebSocketError, trio.BrokenResourceError, OSError):
        pass  # gone, or never spoke the protocol; there is nobody to tell
    except* Exception as faults:
        # Also of the libraries: wsproto decodes some headers as ASCII, whatever they hold.
        terms.complaint.tell(faults)


async def _respond(terms: Terms, request: WebSocketRequest) -> None:
    verdict = upgrade.decide(
        request.path, request.headers, request.proposed_subprotocols, terms.key
    )
    if isinstance(verdict, Refusal):
        headers = [(b"content-type", b"application/json")]
        await request.reject(verdict.status, extra_headers=headers, body=verdict.body)
    elif verdict.beta:
        await _refuse_beta(request, verdict)
    else:
        socket = await request.accept(subprotocol=verdict.subprotocol)
        open_session = partial(terms.open_session, verdict.model)
        await connection.serve(socket, terms.model, open_session, terms.closing)


async def _refuse_beta(request: WebSocketRequest, admission: Admission) -> None:
    """Say no as the GA service does: in a frame, then by closing with 4000."""
    socket = await request.accept(subprotocol=admission.subprotocol)
    event = {**error(RefusedError(_BETA_CODE, _BETA)), "event_id": "event_0001"}
    with trio.move_on_after(connection.GRACE):
        await socket.send_message(orjson.dumps(event).decode())
        await socket.aclose(4000, f"invalid_request_error.{_BETA_CODE}")
