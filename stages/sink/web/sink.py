"""Shows the notes on a page of this machine's browser, while they are written."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import orjson
import trio

from hud.errors import UsageError, unwrapped
from hud.items import Note, Status
from hud.place import place
from hud.stage import between, given, option, silent
from stages.sink.record import name_of, record
from stages.sink.web.board import Board

if TYPE_CHECKING:
    from stages.sink.web.pages import Pages

FIGURES_WIDTH = 200
"""Characters; the page wraps them."""
GRACE = 0.5
"""Seconds in which readers get what is still to come, at the end."""


def _no_figures(_width: int) -> str:
    return ""


@attrs.frozen
class Web:
    """Shows notes on a page at 127.0.0.1, for who knows the random token in its address."""

    port: int = option(0, meaning="of the page; 0 takes any free one", check=between(0, 65535))
    warn: Callable[[str], None] = given(silent)
    figures: Callable[[int], str] = given(_no_figures)
    token: str = given(attrs.Factory(lambda: secrets.token_urlsafe(18)))

    def preflight(self) -> None:
        """Check that the server is installed and the port free.

        Raises:
            UsageError: what is missing.
        """
        try:  # now, because it takes long enough to be felt in a running program
            import hypercorn.trio  # noqa: F401

            import stages.sink.web.pages  # noqa: F401
        except ImportError:
            raise UsageError("the web sink is not installed: pip install 'hud[web]'") from None
        try:
            _bound(self.port).close()
        except OSError as error:
            raise UsageError(f"port {self.port} cannot be used: {error.strerror}") from None

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Serve the page until the inbox ends."""
        from stages.sink.web.pages import Pages

        board = Board()
        pages = Pages(board, self.token)
        with unwrapped():
            async with trio.open_nursery() as nursery:
                await nursery.start(_serve, pages, self.port)
                self.warn(f"the page is at http://127.0.0.1:{pages.port}/{self.token}/")
                async for note in inbox:
                    await self._show(board, note)
                    if note.finished:
                        await outbox.send(note)
                await trio.sleep(GRACE if pages.readers else 0)
                nursery.cancel_scope.cancel()

    async def _show(self, board: Board, note: Note) -> None:
        if note.finished:
            board.figures = self.figures(FIGURES_WIDTH)
        if note.text or note.status is not Status.FAILED:
            data = record(note) | {"place": place(note)}
            board.put(name_of(note), orjson.dumps(data))


def _bound(port: int) -> socket.socket:
    """A socket at the loopback interface, and at no other.

    Raises:
        OSError: the port is taken or not ours to take.
    """
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


async def _serve(
    pages: Pages, port: int, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    from hypercorn.config import Config
    from hypercorn.trio import serve

    bound = _bound(port)
    pages.port = bound.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{bound.detach()}"]
    config.errorlog = None
    config.include_server_header = False
    config.graceful_timeout = 0.0
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, pages.application(), config)
        task_status.started()
