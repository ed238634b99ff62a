"""Shows the notes on a page of this machine's browser, while they are written."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import trio

from hud.errors import UsageError, cause, unwrapped
from hud.items import Note, Status
from hud.past import Past
from hud.place import place
from hud.privacy.pause import Pause
from hud.stage import between, given, option, silent
from stages.sink.record import record
from stages.sink.web.board import FATE, NOTE, STATE, Board
from stages.sink.web.shown import shown

if TYPE_CHECKING:
    from stages.sink.web.pages import Pages

AGAIN = 0.1
"""Seconds until the server listens again after it fell."""
GRACE = 0.5
"""Seconds in which readers get what is still to come, at the end."""
PERIOD = 1.0
"""Seconds between two states of what became of the frames, at least."""


@attrs.frozen
class Web:
    """Shows notes on a page at 127.0.0.1, for who knows the random token in its address."""

    port: int = option(0, meaning="of the page; 0 takes any free one", check=between(0, 65535))
    warn: Callable[[str], None] = given(silent)
    past: Past = given(attrs.Factory(Past))
    """What becomes of the frames, and the pictures as sent."""
    pause: Pause | None = given(None)
    """The switch behind the button; None: no button."""
    turned: Callable[[], Awaitable[None]] = given(trio.sleep_forever)
    """Returns when something has begun or ended to be wrong."""
    state: Callable[[], Mapping[str, Any]] = given(dict)
    """What is said of the run."""
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
            raise UsageError("the web sink is not installed: pip install '.[web]'") from None
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
        pages = Pages(board, self.token, self.past, self.pause, self.state)
        with unwrapped():
            async with trio.open_nursery() as nursery:
                await nursery.start(_serve, pages, self.port, self.warn)
                self.warn(f"the page is at http://127.0.0.1:{pages.port}/{self.token}/")
                nursery.start_soon(self._follow_past, board, name="fates")
                nursery.start_soon(self._follow, board, self.turned, name="state")
                if self.pause is not None:
                    nursery.start_soon(self._follow, board, self.pause.wait_changed, name="pause")
                async for note in inbox:
                    self._show(board, note)
                    if note.finished:
                        await outbox.send(note)
                await trio.sleep(GRACE if pages.readers else 0)
                nursery.cancel_scope.cancel()

    def _show(self, board: Board, note: Note) -> None:
        if note.text or note.status is not Status.FAILED:
            exhibit = self.past.exhibits.get(note.id)
            pictures = shown(exhibit) if exhibit is not None else []
            data = record(note) | {"place": place(note), "shown": pictures}
            board.put(NOTE, note.id, orjson.dumps(data))

    async def _follow_past(self, board: Board) -> None:
        """Show what becomes of the frames; nothing happens while nothing comes."""
        known = -1
        while True:
            changed = self.past.changed
            if self.past.version == known:
                await changed.wait()
            entries, _ = self.past.since(known)
            known = self.past.version
            for entry in entries:
                board.put(FATE, str(entry.number), orjson.dumps(entry.record()))
            self._tell_state(board)
            await trio.sleep(PERIOD)

    async def _follow(self, board: Board, turned: Callable[[], Awaitable[None]]) -> None:
        """Show at once that it was paused, from wherever, or that something is wrong."""
        while True:
            await turned()
            self._tell_state(board)

    def _tell_state(self, board: Board) -> None:
        board.put(STATE, STATE, orjson.dumps(dict(self.state())))


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
    pages: Pages,
    port: int,
    warn: Callable[[str], None],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve at one socket until cancelled, whatever is asked: the page's address stays."""
    from hypercorn.config import Config
    from hypercorn.trio import serve

    bound = _bound(port)
    pages.port = bound.getsockname()[1]
    config = Config()
    config.errorlog = None
    config.include_server_header = False
    config.graceful_timeout = 0.0
    served, told = False, False
    with bound:
        while True:
            config.bind = [f"fd://{os.dup(bound.fileno())}"]
            try:
                async with trio.open_nursery() as nursery:
                    await nursery.start(serve, pages.application(), config)
                    if not served:
                        task_status.started()
                    served = True
            except* trio.BusyResourceError:
                # Hypercorn answers a wrong request in the middle of the right one before it, and
                # falls over it as a whole. The others connect again and miss nothing.
                pass
            except* Exception as faults:
                # Or it lets out what wsproto makes of a header that is not ASCII.
                if not served:
                    raise
                if not told:
                    name = type(cause(faults)).__name__
                    warn(f"the page's server fell ({name}) and listens again; told once")
                told = True
            await trio.sleep(AGAIN)
