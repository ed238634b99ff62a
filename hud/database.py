"""The notes in one SQLite file: its schema, writing notes, and finding them.

What became of the frames stands in the same file: `hud/records.py`.

The file is in WAL mode, so that others read it while it is written. `user_version` counts the
migrations a file has been through; a file of a newer program is refused rather than misread. The
full-text index is the table `notes_fts`, where `sqlite-utils` and Datasette look for it.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import sqlite3
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from hud.errors import UsageError

CACHE = 500
"""kB of pages that SQLite keeps in memory; four times as many by itself, filled in an hour."""
APPLICATION_ID = 0x687564
"""The letters `hud`, by which SQLite files are told apart."""
BUSY = 5.0
"""Seconds to wait for another program that writes the same file."""

Record = Mapping[str, Any]
"""A note with the keys of the JSON Lines file."""

_NOTES = (
    """
    CREATE TABLE notes (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        text TEXT NOT NULL,
        status TEXT NOT NULL,
        captured_at TEXT NOT NULL,
        sent_at TEXT,
        first_token_at TEXT,
        done_at TEXT,
        change_to_wire_ms REAL,
        change_to_first_token_ms REAL,
        change_to_note_ms REAL,
        monitor INTEGER,
        regions TEXT NOT NULL,
        session TEXT NOT NULL,
        model TEXT NOT NULL,
        input_tokens INTEGER NOT NULL,
        text_tokens INTEGER NOT NULL,
        image_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        cached_image_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        usd REAL,
        detail TEXT NOT NULL
    )
    """,
    "CREATE INDEX notes_by_time ON notes (captured_at)",
    """CREATE VIRTUAL TABLE notes_fts USING fts5(text, content="notes", content_rowid="number")""",
    """
    CREATE TRIGGER notes_added AFTER INSERT ON notes BEGIN
        INSERT INTO notes_fts (rowid, text) VALUES (new.number, new.text);
    END
    """,
    """
    CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
        INSERT INTO notes_fts (notes_fts, rowid, text) VALUES ('delete', old.number, old.text);
    END
    """,
    """
    CREATE TRIGGER notes_changed AFTER UPDATE ON notes BEGIN
        INSERT INTO notes_fts (notes_fts, rowid, text) VALUES ('delete', old.number, old.text);
        INSERT INTO notes_fts (rowid, text) VALUES (new.number, new.text);
    END
    """,
)
_FATES = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        started_at TEXT NOT NULL,
        written_at TEXT NOT NULL,
        ended INTEGER NOT NULL,
        version TEXT NOT NULL,
        watching TEXT NOT NULL,
        notes_by TEXT NOT NULL,
        frames INTEGER NOT NULL,
        usd REAL NOT NULL
    )
    """,
    """
    CREATE TABLE turns (
        id TEXT PRIMARY KEY,
        run TEXT NOT NULL REFERENCES runs (id),
        seq INTEGER NOT NULL,
        monitor INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        captured_at TEXT NOT NULL,
        cause TEXT NOT NULL,
        rule TEXT NOT NULL,
        regions TEXT NOT NULL,
        status TEXT NOT NULL,
        text TEXT NOT NULL,
        session TEXT NOT NULL,
        model TEXT NOT NULL,
        detail TEXT NOT NULL,
        input_tokens INTEGER NOT NULL,
        text_tokens INTEGER NOT NULL,
        image_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        cached_image_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        usd REAL,
        milliseconds REAL,
        stages_ms TEXT NOT NULL,
        caption TEXT
    )
    """,
    "CREATE INDEX turns_by_run ON turns (run, captured_at)",
    "CREATE INDEX turns_by_time ON turns (captured_at)",
    """
    CREATE TABLE pictures (
        turn TEXT NOT NULL REFERENCES turns (id),
        number INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        detail TEXT NOT NULL,
        rects TEXT NOT NULL,
        jpeg BLOB NOT NULL,
        PRIMARY KEY (turn, number)
    )
    """,
    """
    CREATE TABLE fates (
        run TEXT NOT NULL REFERENCES runs (id),
        number INTEGER NOT NULL,
        count INTEGER NOT NULL,
        fate TEXT NOT NULL,
        rule TEXT NOT NULL,
        monitor INTEGER NOT NULL,
        began_at TEXT NOT NULL,
        last_at TEXT NOT NULL,
        first_frame INTEGER NOT NULL,
        last_frame INTEGER NOT NULL,
        frames TEXT NOT NULL,
        regions TEXT NOT NULL,
        into_frame INTEGER,
        turn TEXT,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        usd REAL,
        milliseconds REAL,
        stages_ms TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (run, number)
    )
    """,
    "CREATE INDEX fates_by_frame ON fates (run, last_frame)",
    """
    CREATE VIEW sessions AS
        SELECT session, run, model, min(captured_at) AS first_at, max(captured_at) AS last_at,
            count(*) AS turns, sum(input_tokens) AS input_tokens,
            sum(output_tokens) AS output_tokens, sum(usd) AS usd
        FROM turns WHERE session <> '' GROUP BY run, session
    """,
    """
    CREATE VIEW costs AS
        SELECT captured_at, run, session, model, id AS turn, status, input_tokens, cached_tokens,
            output_tokens, usd,
            sum(usd) OVER (PARTITION BY run ORDER BY captured_at, id) AS run_usd
        FROM turns
    """,
    """
    CREATE VIEW fates_by_run AS
        SELECT run, fate, sum(count) AS frames FROM fates GROUP BY run, fate
    """,
)
_CAPTIONS = ("CREATE INDEX turns_with_caption ON turns (captured_at) WHERE caption IS NOT NULL",)
MIGRATIONS = (_NOTES, _FATES, _CAPTIONS)
"""Statements that bring a file from version N to N + 1; only ever appended to."""

_TIMES = ("captured_at", "sent_at", "first_token_at", "done_at")
_LATENCIES = ("change_to_wire", "change_to_first_token", "change_to_note")
TOKENS = (
    *("input_tokens", "text_tokens", "image_tokens"),
    *("cached_tokens", "cached_image_tokens", "output_tokens"),
)
_COLUMNS = (
    *("id", "seq", "text", "status", *_TIMES, *(f"{name}_ms" for name in _LATENCIES)),
    *("monitor", "regions", "session", "model", *TOKENS, "usd", "detail"),
)
# A note that comes again, after a crash, is the same note.
_INSERT = (
    f"INSERT INTO notes ({', '.join(_COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
    f" ON CONFLICT (id) DO UPDATE SET"
    f" {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS if name != 'id')}"
)


@attrs.frozen
class Query:
    """Which notes are wanted."""

    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    words: str = ""
    """All of them, in any order; `word*` also finds what begins so."""
    limit: int = 50
    """The newest so many."""


def open_to_write(path: pathlib.Path) -> sqlite3.Connection:
    """Open a file, made where there is none; for one thread at a time.

    Raises:
        UsageError: it is no file of this program, or of a newer one.
        OSError, sqlite3.Error: it cannot be opened.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=16
    )
    try:
        _migrate(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE}")
        # What is deleted was on the screen, and must not stay in the file's free pages.
        connection.execute("PRAGMA secure_delete = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: pathlib.Path) -> sqlite3.Connection:
    """Open a file read-only, while another program may be writing it.

    Raises:
        UsageError: it is no file of this program, or of a newer one.
        sqlite3.Error: it cannot be opened.
    """
    name = urllib.parse.quote(str(path.absolute()))
    connection = sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=BUSY)
    try:
        if not _version(connection, path):
            raise UsageError(f"{path}: has no notes yet")
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """An empty one that is gone when it is closed."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _migrate(connection, pathlib.Path(":memory:"))
    return connection


def add(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Write notes in one transaction: all of them or none."""
    with transaction(connection):
        connection.executemany(_INSERT, map(_row, records))


def find(connection: sqlite3.Connection, query: Query) -> list[dict[str, Any]]:
    """The notes wanted, oldest first, with the keys of the JSON Lines file."""
    conditions, values = ["1"], list[object]()
    if query.since is not None:
        conditions.append("captured_at >= ?")
        values.append(utc(query.since))
    if query.until is not None:
        conditions.append("captured_at < ?")
        values.append(utc(query.until))
    if query.words.strip():
        conditions.append("number IN (SELECT rowid FROM notes_fts WHERE notes_fts MATCH ?)")
        values.append(_match(query.words))
    rows = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM notes WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own names
        " ORDER BY captured_at DESC, number DESC LIMIT ?",
        [*values, query.limit],
    ).fetchall()
    return [_record(dict(zip(_COLUMNS, row, strict=True))) for row in reversed(rows)]


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or leave no trace of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has already rolled it back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection, path: pathlib.Path) -> None:
    if _version(connection, path) == len(MIGRATIONS):
        return
    with transaction(connection):
        # Another program may have done it while we waited for our turn.
        for migration in MIGRATIONS[_version(connection, path) :]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _version(connection: sqlite3.Connection, path: pathlib.Path) -> int:
    """How many migrations the file has been through.

    Raises:
        UsageError: it is no file of ours, or of a newer program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (tables or version or owner):
        raise UsageError(f"{path}: is another program's database, name a file of its own")
    if version > len(MIGRATIONS):
        raise UsageError(
            f"{path}: was written by a newer hud (schema {version}, this one knows up to "
            f"{len(MIGRATIONS)}): update hud, or name another file"
        )
    return int(version)


def _row(record: Record) -> dict[str, Any]:
    """A note as it is stored: flat, times in UTC so that they sort as text."""
    latency, usage = record.get("latency_ms") or {}, record.get("usage") or {}
    row: dict[str, Any] = {name: record.get(name) for name in _COLUMNS}
    row |= {name: utc(datetime.datetime.fromisoformat(row[name])) for name in _TIMES if row[name]}
    row |= {f"{name}_ms": latency.get(name) for name in _LATENCIES}
    row |= {name: usage.get(name, 0) for name in TOKENS}
    return row | {"regions": json.dumps(record.get("regions", []))}


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The other way round, times in the local zone."""
    record = {name: row[name] for name in _COLUMNS if not name.endswith(("_ms", "_tokens"))}
    record |= {name: _local(row[name]) for name in _TIMES}
    record["latency_ms"] = {name: row[f"{name}_ms"] for name in _LATENCIES}
    record["usage"] = {name: row[name] for name in TOKENS}
    return record | {"regions": json.loads(row["regions"])}


def utc(moment: datetime.datetime) -> str:
    """As it stands in the file: in UTC to the millisecond, so that it sorts as text."""
    there = moment.astimezone(datetime.UTC)
    return there.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(text: str | None) -> str | None:
    if text is None:
        return None
    return datetime.datetime.fromisoformat(text).astimezone().isoformat(timespec="milliseconds")


def _match(words: str) -> str:
    """Words as a query of FTS5 in which nothing is an operator but a last *."""
    quoted = (word.replace('"', '""') for word in words.split())
    return " ".join(f'"{word[:-1]}"*' if word.endswith("*") else f'"{word}"' for word in quoted)
