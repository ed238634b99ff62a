"""Writes notes, and what became of every frame, into a SQLite database that others can query."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import trio

from hud import database, records
from hud.condition import Condition
from hud.errors import UsageError, unwrapped
from hud.fates import Exhibit
from hud.items import Note, Status
from hud.past import EXHIBITS, Past
from hud.stage import given, option, silent
from hud.threads import in_thread
from stages.sink.backlog import AwayError, Backlog, Target, deliver_all
from stages.sink.record import record

TOGETHER = 1000
"""Notes in one transaction, at most: what has come while the last one was committed."""
CLOSING = 5.0
"""Seconds that closing may take; what is left in the write-ahead log is read at the next start."""
GATHER = 0.25
"""Seconds in which what became of the frames is gathered."""
PERIOD = 1.0
"""Seconds in which it is written; a run that is killed loses so much."""
MOST = 10_000
"""Entries, and turns, that wait for a database that is away; beyond, the oldest are given up."""


@attrs.frozen
class Sqlite:
    """Writes notes into a database with full-text search; `hud notes` reads it."""

    path: str = option("notes.db", meaning="the database; only the owner may read it")
    pictures: bool = option(
        False,
        meaning=f"keep captions and pictures as sent too, of the last {records.PICTURES} turns",
    )
    warn: Callable[[str], None] = given(silent)
    condition: Condition = given(attrs.Factory(Condition))
    backlog: Backlog = given(attrs.Factory(Backlog))
    past: Past | None = given(None)
    """What becomes of the frames; None: only notes are written."""
    state: Callable[[], Mapping[str, Any]] = given(dict)
    """What is said of the run."""
    end_fates: Callable[[], None] = given(lambda: None)
    """To be called when no frame moves any more."""

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
            await _write(store.add_notes, notes)

        async def deliver_fates(batch: records.Batch) -> None:
            await _write(store.add_fates, batch)

        target = Target(
            self.path, deliver, self.warn, self.backlog, together=TOGETHER, condition=self.condition
        )
        try:
            with unwrapped():
                async with trio.open_nursery() as nursery:
                    fates = _Fates(self, deliver_fates)
                    nursery.start_soon(fates.follow, name="fates")
                    nursery.start_soon(fates.keep_writing, name="fates' writer")
                    await deliver_all(target, inbox, outbox)
                    nursery.cancel_scope.cancel()
            # The notes have ended, so every stage before has.
            self.end_fates()
            await fates.write(ended=True)
        finally:
            with trio.move_on_after(CLOSING, shield=True):
                await in_thread(store.close)


async def _write(write: Callable[[Any], None], what: object) -> None:
    """Call a method of the store.

    Raises:
        AwayError: the database cannot be written now.
    """
    try:
        await in_thread(write, what)
    except OSError as error:
        raise AwayError(error.strerror or str(error)) from None
    except (sqlite3.Error, UsageError) as error:
        raise AwayError(str(error)) from None


@attrs.define(eq=False)
class _Fates:
    """What of the past is not in the database yet."""

    sink: Sqlite
    deliver: Callable[[records.Batch], Any]
    known: int = 0
    """The version of the past that was gathered last."""
    rows: dict[int, Mapping[str, Any]] = attrs.field(factory=dict)
    exhibits: dict[str, Exhibit] = attrs.field(factory=dict)
    arrived: trio.Event = attrs.field(factory=trio.Event)

    async def follow(self) -> None:
        """Gather what has come, some times a second; nothing happens while nothing comes."""
        past = self.sink.past
        while past is not None:
            changed = past.changed
            if past.version == self.known:
                await changed.wait()
            await trio.sleep(GATHER)
            self._gather(past)
            self.arrived.set()

    async def keep_writing(self) -> None:
        """Write what was gathered, once a second."""
        while True:
            await self.arrived.wait()
            self.arrived = trio.Event()
            await trio.sleep(PERIOD)
            await self.write()

    async def write(self, *, ended: bool = False) -> None:
        """Write what is known by now. A database that is away gets it later, with the rest."""
        past = self.sink.past
        if past is None:
            return
        self._gather(past)
        run = records.run_row(past.run, past.started, time.time(), self.sink.state(), ended=ended)
        # What comes meanwhile is for the next time.
        rows, self.rows = self.rows, {}
        exhibits, self.exhibits = self.exhibits, {}
        batch = records.Batch(run, list(rows.values()), list(exhibits.values()), self.sink.pictures)
        try:
            await self.deliver(batch)
        except BaseException as error:
            # Also when it is cancelled: what was written after all may be written again.
            self.rows, self.exhibits = rows | self.rows, exhibits | self.exhibits
            if not isinstance(error, AwayError):
                raise
            # Whoever delivers the notes tells the user while there are any.
            if ended:
                self.sink.warn(f"{self.sink.path}: the last fates are not in it: {error}")

    def _gather(self, past: Past) -> None:
        entries, exhibits = past.since(self.known)
        self.known = past.version
        for entry in entries:
            self.rows[entry.number] = records.fate_row(past.run, entry)
        for exhibit in exhibits:
            if exhibit.status is not Status.IN_PROGRESS:
                kept = exhibit if self.sink.pictures else attrs.evolve(exhibit, pictures=())
                self.exhibits[exhibit.id] = kept
        self._give_up_oldest()

    def _give_up_oldest(self) -> None:
        """Of what waits for a database that is away, pictures first."""
        for name in list(self.exhibits)[:-EXHIBITS]:
            self.exhibits[name] = attrs.evolve(self.exhibits[name], pictures=())
        for number in list(self.rows)[:-MOST]:
            del self.rows[number]
        for name in list(self.exhibits)[:-MOST]:
            del self.exhibits[name]


@attrs.define
class _Store:
    """The open database, opened again when its file was deleted or replaced."""

    path: pathlib.Path
    connection: sqlite3.Connection | None = None
    file: tuple[int, int] | None = None
    turn: threading.Lock = attrs.field(factory=threading.Lock)
    """Of the threads: one whose call was cancelled may still be in it."""

    def add_notes(self, notes: Sequence[Note]) -> None:
        with self.turn:
            database.add(self._connected(), [record(note) for note in notes])

    def add_fates(self, batch: records.Batch) -> None:
        with self.turn:
            records.add(self._connected(), batch)

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
