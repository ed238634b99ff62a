"""Writes each finished note into a SQLite database that others can query meanwhile."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import threading
from collections.abc import Callable, Sequence

import attrs
import trio

from hud import database
from hud.condition import Condition
from hud.errors import UsageError
from hud.items import Note
from hud.stage import given, option, silent
from hud.threads import in_thread
from stages.sink.backlog import AwayError, Target, deliver_all
from stages.sink.record import record

TOGETHER = 1000
"""Notes in one transaction, at most: what has come while the last one was committed."""
CLOSING = 5.0
"""Seconds that closing may take; what is left in the write-ahead log is read at the next start."""


@attrs.frozen
class Sqlite:
    """Writes notes into a database with full-text search; `hud notes` reads it."""

    path: str = option("notes.db", meaning="the database; only the owner may read it")
    warn: Callable[[str], None] = given(silent)
    condition: Condition = given(attrs.Factory(Condition))

    def preflight(self) -> None:
        """Check that the database can be written; makes it where there is none.

        Raises:
            UsageError: why it cannot.
        """
        try:
            database.open_to_write(pathlib.Path(self.path)).close()
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from None
        except sqlite3.Error as error:
            raise UsageError(f"{self.path}: cannot be written: {error}") from None

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Write the notes, several in one transaction when they come faster than it commits.

        Raises:
            PipelineError: at the end the database still could not be written.
        """
        store = _Store(pathlib.Path(self.path))

        async def deliver(notes: Sequence[Note]) -> None:
            try:
                await in_thread(store.add, notes)
            except OSError as error:
                raise AwayError(error.strerror or str(error)) from None
            except (sqlite3.Error, UsageError) as error:
                raise AwayError(str(error)) from None

        try:
            await deliver_all(
                Target(self.path, deliver, self.warn, together=TOGETHER, condition=self.condition),
                inbox,
                outbox,
            )
        finally:
            with trio.move_on_after(CLOSING, shield=True):
                await in_thread(store.close)


@attrs.define
class _Store:
    """The open database, opened again when its file was deleted or replaced."""

    path: pathlib.Path
    connection: sqlite3.Connection | None = None
    file: tuple[int, int] | None = None

    turn: threading.Lock = attrs.field(factory=threading.Lock)

    def add(self, notes: Sequence[Note]) -> None:
        with self.turn:
            database.add(self._connected(), [record(note) for note in notes])

    def _connected(self) -> sqlite3.Connection:
        if self.connection is None or self.file != _identity(self.path):
            self._disconnect()
            self.connection = database.open_to_write(self.path)
            self.file = _identity(self.path)
        return self.connection

    def close(self) -> None:
        """Close it, unless a thread still waits in it for the disk."""
        if self.turn.acquire(blocking=False):
            try:
                self._disconnect()
            finally:
                self.turn.release()

    def _disconnect(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


def _identity(path: pathlib.Path) -> tuple[int, int] | None:
    try:
        state = os.stat(path)  # noqa: PTH116 - the same, and the error is the same
    except FileNotFoundError:
        return None
    return state.st_dev, state.st_ino
