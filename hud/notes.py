"""Reading back what was noted, out of a database or a JSON Lines file."""

from __future__ import annotations

import datetime
import pathlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from hud import database
from hud.errors import UsageError

DEFAULTS = ("notes.db", "notes.jsonl")
"""What is read when no file is named: the first of these that is there."""

_AGO = re.compile(r"(\d+(?:\.\d+)?) ?([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_TIME_OF_DAY = re.compile(r"\d\d?:\d\d(:\d\d)?")
_SQLITE = b"SQLite format 3\0"


def read(
    paths: Sequence[pathlib.Path], query: database.Query, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The notes wanted out of all the files together, oldest first.

    `tell` gets a sentence for a file with lines that are no notes.

    Raises:
        UsageError: a file cannot be read.
    """
    found = [note for path in paths or _default() for note in _read(path, query, tell)]
    found.sort(key=lambda note: datetime.datetime.fromisoformat(note["captured_at"]))
    return found[-query.limit :]


def moment(text: str, now: datetime.datetime) -> datetime.datetime:
    """The point in time meant by `2h` (ago), `14:30`, `yesterday`, `2026-11-21` or ISO 8601.

    Raises:
        ValueError: none is meant.
    """
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if ago := _AGO.fullmatch(text):
        return now - datetime.timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
    if text in {"today", "yesterday"}:
        return day - datetime.timedelta(days=text == "yesterday")
    if _TIME_OF_DAY.fullmatch(text):
        return datetime.datetime.combine(
            day, datetime.time.fromisoformat(text.zfill(5)), now.tzinfo
        )
    parsed = datetime.datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.astimezone()


def line(note: Mapping[str, Any], *, named: bool = False) -> str:
    """A note for people: day, time, its id where it is `named`, and words, further lines indented.

    By the id `hud why` finds it.
    """
    time = datetime.datetime.fromisoformat(note["captured_at"]).astimezone()
    text = note["text"] or f"(no note: {note.get('detail', '')})"
    indented = text.replace("\n", "\n" + " " * 21)
    end = "" if note["status"] == "completed" else f" … ({note['status']})"
    name = f"{note['id']}  " if named else ""
    return f"{time:%Y-%m-%d %H:%M:%S}  {name}{indented}{end}"


def _default() -> Sequence[pathlib.Path]:
    for name in DEFAULTS:
        if (path := pathlib.Path(name)).exists():
            return [path]
    raise UsageError(
        f"there is no {' and no '.join(DEFAULTS)} here: name the file, or let a run keep its notes "
        f"with hud run --sink terminal --sink sqlite:{DEFAULTS[0]}"
    )


def _read(
    path: pathlib.Path, query: database.Query, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
        connection = database.open_to_read(path) if is_database else _load(path, tell)
        try:
            return database.find(connection, query)
        finally:
            connection.close()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except sqlite3.Error as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _load(path: pathlib.Path, tell: Callable[[str], None]) -> sqlite3.Connection:
    """A JSON Lines file as a database, so that both are searched alike."""
    connection = database.open_in_memory()
    odd = 0

    def notes() -> Iterator[Mapping[str, Any]]:
        nonlocal odd
        with path.open("rb") as file:
            for text in file:
                note = _parse(text)
                if note is None:
                    odd += 1
                else:
                    yield note

    database.add(connection, notes())
    if odd:
        tell(f"{path}: {odd} line{'s are' if odd > 1 else ' is'} no note")
    return connection


def _parse(text: bytes) -> Mapping[str, Any] | None:
    """A line as a note; None when it is none, such as half a line of a killed program."""
    try:
        note = orjson.loads(text)
        datetime.datetime.fromisoformat(note["captured_at"])
        complete = {"id", "seq", "text", "status", "session", "model", "detail"} <= note.keys()
    except (ValueError, TypeError, KeyError):
        return None
    return note if complete else None
