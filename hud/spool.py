"""Streams whose writers never wait for who reads them: a terminal may be held, a pipe full."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TextIO

MOST = 1000
"""Lines that wait; beyond, the oldest are given up."""
PATIENCE = 2.0
"""Seconds in which who reads may take what is left at the end; after that it is lost."""


class Lines(io.TextIOBase):
    """A stream that puts lines somewhere once they are complete; threads may share it."""

    def __init__(self) -> None:
        self._begun = ""
        self._turn = threading.Lock()

    def write(self, text: str) -> int:
        """Put the lines that are complete by now."""
        with self._turn:
            *lines, self._begun = (self._begun + text).split("\n")
            if lines:
                self.put(lines)
        return len(text)

    def put(self, lines: Sequence[str]) -> None:
        """Take lines, without their ends; must not wait."""
        raise NotImplementedError


class Spool(Lines):
    """Lines for another stream, passed on by a thread of its own, which alone waits."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting = collections.deque[str](maxlen=MOST)
        self._lost = 0
        self._ended = False
        self._changed = threading.Condition()
        # A daemon: who holds the terminal must not keep the program from ending.
        self._thread = threading.Thread(target=self._pass_on, name="spool", daemon=True)
        self._thread.start()

    def put(self, lines: Sequence[str]) -> None:
        """See Lines."""
        with self._changed:
            self._lost += max(0, len(self._waiting) + len(lines) - MOST)
            self._waiting.extend(lines)
            self._changed.notify()

    def finish(self) -> None:
        """Wait until everything is passed on, but no longer than `PATIENCE`."""
        if self._begun:
            self.write("\n")
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(PATIENCE)

    def isatty(self) -> bool:
        """Whether what is written comes to a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the other stream."""
        return self._stream.fileno()

    def _pass_on(self) -> None:
        while text := self._next():
            # Where nobody can be told, the work goes on.
            with contextlib.suppress(OSError, ValueError):
                _write(self._stream, text)

    def _next(self) -> str:
        """What waits, as soon as something does; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            lines, lost = list(self._waiting), self._lost
            self._waiting.clear()
            self._lost = 0
        if lost:
            lines.insert(0, f"hud: {lost} older lines are lost, for nobody took them")
        return "".join(f"{line}\n" for line in lines)


def _write(stream: TextIO, text: str) -> None:
    """Beside the stream's own buffer, whose lock the interpreter wants when it ends."""
    try:
        file = stream.fileno()
    except OSError:  # no file
        stream.write(text)
        return
    data = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while data:
        data = data[os.write(file, data) :]


@contextlib.contextmanager
def spooled_stderr() -> Iterator[None]:
    """Let nobody wait who writes to stderr; at the end it gets `PATIENCE`."""
    if sys.stderr is None:
        yield
        return
    spool = Spool(sys.stderr)
    try:
        with contextlib.redirect_stderr(spool):
            yield
    finally:
        spool.finish()
