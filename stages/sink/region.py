"""The last rows of a terminal, which are drawn over again: the note that grows, a status line.

Between two drawings the cursor rests on the region's first cell, and the next drawing overwrites
from there to the end of the screen. So the terminal itself keeps the place: what it does to the
rows below when its window is resized, wrap them, cut them or scroll them, is gone with the next
drawing. (rich's Live rests below and goes up by the rows it remembers, which are other rows after a
resize.) Unless there was a resize, nothing is erased before it is overwritten, so
that what did not change does not flicker.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Sequence
from typing import TextIO

import rich.console
import trio
from rich.text import Text

from hud.errors import OutputGoneError
from hud.spool import MOST, Lines
from hud.threads import in_thread

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Show what comes between at once, where the terminal knows that (synchronized output)."""
WRAP, NO_WRAP = "\x1b[?7h", "\x1b[?7l"
"""Without wrapping a row is one row, whatever width the window has by now."""
ERASE_LINE, TO_LINE_END, TO_SCREEN_END = "\x1b[2K", "\x1b[K", "\x1b[J"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
PATIENCE = 0.5
"""Seconds to wait at the end for a held terminal, before leaving it so."""


class Region:
    """Rows at the bottom, below what scrolls away; for threads, as a held terminal takes nothing.

    Only its size may be asked for without waiting.
    """

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._rows: Sequence[Text] = ()
        self._drawn_size = self.size

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows that the terminal has by now; rich would ask stdin's."""
        try:
            size = os.get_terminal_size(self._console.file.fileno())
        except OSError:
            return self._console.size
        return (size.columns, size.lines) if all(size) else self._console.size

    def open(self) -> None:
        """Make room."""
        self._write(HIDE_CURSOR)

    def close(self) -> None:
        """Leave only what scrolled away."""
        with self._lock, contextlib.suppress(OutputGoneError):
            self._write(f"\r{TO_SCREEN_END}{SHOW_CURSOR}")

    def draw(self, rows: Sequence[Text], above: Sequence[Text] = ()) -> None:
        """Show these rows, none wider than the terminal; what is `above` stays when they change.

        Raises:
            OutputGoneError: the terminal is gone.
        """
        with self._lock:
            self._rows = rows
            self._draw(above)

    def _draw(self, above: Sequence[Text]) -> None:
        # A terminal remembers of a row that a resize wrapped it, until the row is erased.
        drawn_size, self._drawn_size = self._drawn_size, self.size
        begin = ERASE_LINE if drawn_size != self._drawn_size else ""
        gone = "".join(f"{begin}{self._ansi(line)}{TO_LINE_END}\r\n" for line in above)
        rows = "\r\n".join(f"{begin}{self._ansi(row)}{TO_LINE_END}" for row in self._rows)
        up = f"\x1b[{len(self._rows) - 1}A" if len(self._rows) > 1 else ""
        self._write(f"{BEGIN}\r{gone}{NO_WRAP}{rows}{TO_SCREEN_END}{up}\r{WRAP}{END}")

    def _ansi(self, text: Text) -> str:
        with self._console.capture() as capture:
            self._console.print(text, end="", soft_wrap=True)
        return capture.get()

    def _write(self, text: str) -> None:
        try:
            self._console.file.write(text)
            self._console.file.flush()
        except OSError:  # BrokenPipeError, or EIO from a terminal that was closed
            raise OutputGoneError("nobody reads the notes any more: stdout was closed") from None


class Above(Lines):
    """A stream for those who write to the same terminal: its lines go above at the next drawing."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting = collections.deque[str](maxlen=MOST)
        self._trio = trio.lowlevel.current_trio_token()
        self._arrived = trio.Event()

    def put(self, lines: Sequence[str]) -> None:
        """See Lines."""
        self._waiting.extend(lines)
        with contextlib.suppress(trio.RunFinishedError):
            self._trio.run_sync_soon(self._wake)

    def _wake(self) -> None:
        self._arrived.set()
        self._arrived = trio.Event()

    def fileno(self) -> int:
        """Of the stream that it stands for."""
        return self._stream.fileno()

    async def wait_arrived(self) -> None:
        """Return as soon as lines wait to be drawn."""
        if not self._waiting:
            await self._arrived.wait()

    def take(self) -> list[str]:
        """The lines that wait."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]


@contextlib.asynccontextmanager
async def open_region(console: rich.console.Console) -> AsyncIterator[Region]:
    """A region that is gone afterwards, unless the terminal is held."""
    region = Region(console)
    await in_thread(region.open)
    try:
        yield region
    finally:
        with trio.move_on_after(PATIENCE, shield=True):
            await in_thread(region.close)
