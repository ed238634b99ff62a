"""Appends each finished note to a file: JSON Lines, or Markdown when the name ends in .md."""

from __future__ import annotations

import datetime
import functools
import itertools
import os
import pathlib
import stat
from collections.abc import Callable, Sequence

import attrs
import trio

from hud.condition import Condition
from hud.errors import UsageError, unwrapped
from hud.items import Note, Status
from hud.stage import given, one_of, option, silent
from hud.threads import in_thread
from stages.sink.backlog import AwayError, Backlog, Target, deliver_all
from stages.sink.record import json_line

TOGETHER = 500
"""Notes in one write, at most: what has come while the last write ran."""
SYNC_INTERVAL = 1.0
"""Seconds."""


@attrs.frozen
class File:
    """Appends every finished note; only the owner may read the file."""

    path: str = option("notes.jsonl", meaning="the file; .md gives Markdown, else JSON Lines")
    rotate: str = option(
        "never",
        meaning="never, or daily: a file for each day, such as notes-2026-11-21.jsonl",
        check=one_of("never", "daily"),
    )
    fsync: str = option(
        "never",
        meaning="when the disk is told to keep it: never (the system does), "
        "each (note), interval (1 s)",
        check=one_of("never", "each", "interval"),
    )
    warn: Callable[[str], None] = given(silent)
    condition: Condition = given(attrs.Factory(Condition))
    backlog: Backlog = given(attrs.Factory(Backlog))

    def preflight(self) -> None:
        """Check that the file can be written.

        Raises:
            UsageError: it cannot.
        """
        path = self.path_for(datetime.date.today())
        try:
            os.close(_open(path))
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Write the notes, several together when they come faster than the disk takes them.

        Raises:
            PipelineError: at the end the disk was still full.
        """
        unsynced = set[pathlib.Path]()
        deliver = functools.partial(self._deliver, unsynced)
        target = Target(
            self.path, deliver, self.warn, self.backlog, together=TOGETHER, condition=self.condition
        )
        with unwrapped():
            async with trio.open_nursery() as nursery:
                if self.fsync == "interval":
                    nursery.start_soon(self._sync_regularly, unsynced, name="fsync")
                await deliver_all(target, inbox, outbox)
                nursery.cancel_scope.cancel()
        await self._sync(unsynced)

    def path_for(self, day: datetime.date) -> pathlib.Path:
        """The file that gets the notes of that day."""
        path = pathlib.Path(self.path)
        return path if self.rotate == "never" else path.with_stem(f"{path.stem}-{day}")

    async def _deliver(self, unsynced: set[pathlib.Path], notes: Sequence[Note]) -> None:
        written = 0
        for path, group in itertools.groupby(notes, self._path_of):
            these = list(group)
            try:
                await in_thread(self._append, path, these)
            except OSError as error:
                raise AwayError(error.strerror or str(error), delivered=written) from None
            written += len(these)
            if self.fsync == "interval":
                unsynced.add(path)

    async def _sync_regularly(self, unsynced: set[pathlib.Path]) -> None:
        while True:
            await trio.sleep(SYNC_INTERVAL)
            await self._sync(unsynced)

    async def _sync(self, unsynced: set[pathlib.Path]) -> None:
        for path in tuple(unsynced):
            unsynced.remove(path)
            try:
                await in_thread(_flush_to_disk, path)
            except OSError as error:
                self.warn(f"{path}: not certain to be on the disk: {error.strerror}")

    def _path_of(self, note: Note) -> pathlib.Path:
        return self.path_for(datetime.date.fromtimestamp(note.captured_wall_time))

    def _append(self, path: pathlib.Path, notes: Sequence[Note]) -> None:
        _append(path, b"".join(map(self._render, notes)), sync=self.fsync == "each")

    def _render(self, note: Note) -> bytes:
        if pathlib.Path(self.path).suffix == ".md":
            return markdown(note)
        return json_line(note)


def markdown(note: Note) -> bytes:
    """The note as a list entry under its time."""
    clock = datetime.datetime.fromtimestamp(note.captured_wall_time).astimezone()
    text = note.text or f"*no note: {note.detail}*"
    mark = "" if note.status is Status.COMPLETED else f" *({note.status.value})*"
    body = text.replace("\n", "\n  ")
    return f"- **{clock:%Y-%m-%d %H:%M:%S}** {body}{mark}\n".encode()


def _open(path: pathlib.Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _append(path: pathlib.Path, data: bytes, sync: bool) -> None:
    """Append all of it or nothing.

    The file is opened anew each time, so that a rotated or deleted one is simply made again.
    """
    file = _open(path)
    try:
        state = os.fstat(file)
        size = state.st_size if stat.S_ISREG(state.st_mode) else 0
        if size and not _ends_a_line(path, size):
            data = b"\n" + data  # somebody was killed in the middle of a line
        try:
            _write(file, data)
            if sync:
                os.fsync(file)
        except OSError:
            if stat.S_ISREG(state.st_mode):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _ends_a_line(path: pathlib.Path, size: int) -> bool:
    with path.open("rb") as reading:
        reading.seek(size - 1)
        return reading.read(1) == b"\n"


def _flush_to_disk(path: pathlib.Path) -> None:
    file = _open(path)
    try:
        os.fsync(file)
    finally:
        os.close(file)
