"""Appends each finished note to a file: JSON Lines, or Markdown when the name ends in .md."""

from __future__ import annotations

import datetime
import os
import pathlib
from typing import Any

import attrs
import orjson
import trio

from hud.errors import UsageError
from hud.items import Note, Status
from hud.stage import option


@attrs.frozen
class File:
    """Appends and flushes every finished note; only the owner may read the file."""

    path: str = option("notes.jsonl", meaning="the file; .md gives Markdown, else JSON Lines")

    def preflight(self) -> None:
        """Check that the file can be written.

        Raises:
            UsageError: it cannot.
        """
        try:
            os.close(_open(self.path))
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from None

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Write one finished note after the other."""
        render = markdown if pathlib.Path(self.path).suffix == ".md" else json_line
        async for note in inbox:
            if note.finished:
                await trio.to_thread.run_sync(_append, self.path, render(note))
                await outbox.send(note)


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _append(path: str, data: bytes) -> None:
    """Open anew for each note, so that a rotated or deleted file is simply made again."""
    file = _open(path)
    try:
        while data:
            data = data[os.write(file, data) :]
    finally:
        os.close(file)


def json_line(note: Note) -> bytes:
    """The note as one line of JSON."""
    return orjson.dumps(record(note), option=orjson.OPT_APPEND_NEWLINE)


def record(note: Note) -> dict[str, Any]:
    """The note as plain data, with the keys that are promised to users."""
    return {
        "id": f"{note.session}-{note.seq}",
        "seq": note.seq,
        "text": note.text,
        "status": note.status.value,
        "captured_at": _iso(note, note.captured_time),
        "sent_at": _iso(note, note.sent_time),
        "first_token_at": _iso(note, note.first_token_time),
        "done_at": _iso(note, note.done_time),
        "latency_ms": {
            "change_to_wire": _since(note, note.sent_time),
            "change_to_first_token": _since(note, note.first_token_time),
            "change_to_note": _since(note, note.done_time),
        },
        "monitor": note.monitor,
        "regions": [list(attrs.astuple(region)) for region in note.regions],
        "session": note.session,
        "model": note.model,
        "usage": attrs.asdict(note.usage),
        "usd": note.usd,
        "detail": note.detail,
    }


def markdown(note: Note) -> bytes:
    """The note as a list entry under its time."""
    clock = datetime.datetime.fromtimestamp(note.captured_wall_time).astimezone()
    text = note.text or f"*no note: {note.detail}*"
    mark = "" if note.status is Status.COMPLETED else f" *({note.status.value})*"
    body = text.replace("\n", "\n  ")
    return f"- **{clock:%Y-%m-%d %H:%M:%S}** {body}{mark}\n".encode()


def _iso(note: Note, time: float | None) -> str | None:
    if time is None:
        return None
    moment = datetime.datetime.fromtimestamp(note.wall_time(time)).astimezone()
    return moment.isoformat(timespec="milliseconds")


def _since(note: Note, time: float | None) -> float | None:
    return None if time is None else round((time - note.captured_time) * 1000, 1)
