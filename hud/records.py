"""Runs, turns and fates in the database of the notes: writing them, and reading them back.

A row of `fates` is an entry of the past: a frame that was sent, or the frames that met one end for
one reason within ten seconds. So the table grows with what happens, not with the frames, and the
sum of `count` over a run that has ended is the number of frames captured. Everything is written as
it stands by now, so that writing it twice does no harm.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from hud import database
from hud.errors import UsageError
from hud.fates import Entry, Exhibit, frame_number, lists, rects
from hud.items import Fate, Picture, Status, Usage, View
from hud.rect import Rect

PICTURES = 1000
"""Turns of which captions and pictures are kept, where they are; those of older ones are not."""

_RUN = ("id", "started_at", "written_at", "ended", "version", "watching", "notes_by", "frames")
_TURN = (
    *("id", "run", "seq", "monitor", "width", "height", "captured_at", "cause", "rule", "regions"),
    *("status", "text", "session", "model", "detail", *database.TOKENS, "usd", "milliseconds"),
    *("stages_ms", "caption"),
)
_FATE = (
    *("run", "number", "count", "fate", "rule", "monitor", "began_at", "last_at", "first_frame"),
    *("last_frame", "frames", "regions", "into_frame", "turn", "input_tokens", "output_tokens"),
    *("usd", "milliseconds", "stages_ms", "text"),
)


def _replace(table: str, columns: Sequence[str]) -> str:
    names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - our own names


_ADD_RUN = _replace("runs", (*_RUN, "usd"))
_ADD_TURN = _replace("turns", _TURN)
_ADD_FATE = _replace("fates", _FATE)
_ADD_PICTURE = _replace(
    "pictures", ("turn", "number", "width", "height", "detail", "rects", "jpeg")
)
_OLD = """
    SELECT id FROM turns WHERE caption IS NOT NULL ORDER BY captured_at DESC LIMIT -1 OFFSET ?
"""
"""Turns beyond the newest so many; what was forgotten already is not looked at again."""


@attrs.frozen
class Batch:
    """What is to be written at once."""

    run: Mapping[str, Any]
    """The columns of `runs`."""
    fates: Sequence[Mapping[str, Any]]
    exhibits: Sequence[Exhibit]
    pictures: bool
    """Whether the captions and the pictures are kept too."""


def add(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write all of it in one transaction, or nothing."""
    run = batch.run["id"]
    with database.transaction(connection):
        connection.execute(_ADD_RUN, batch.run)
        connection.executemany(_ADD_FATE, [row for row in batch.fates if row["count"]])
        empty = [(run, row["number"]) for row in batch.fates if not row["count"]]
        connection.executemany("DELETE FROM fates WHERE run = ? AND number = ?", empty)
        rows = [_turn(run, exhibit, batch.pictures) for exhibit in batch.exhibits]
        connection.executemany(_ADD_TURN, rows)
        if batch.pictures and batch.exhibits:
            pictures = [row for exhibit in batch.exhibits for row in _pictures(exhibit)]
            connection.executemany(_ADD_PICTURE, pictures)
            _forget(connection)


def _forget(connection: sqlite3.Connection) -> None:
    """Delete what was shown in the turns that are too old."""
    old = connection.execute(_OLD, [PICTURES]).fetchall()
    connection.executemany("DELETE FROM pictures WHERE turn = ?", old)
    connection.executemany("UPDATE turns SET caption = NULL WHERE id = ?", old)


def run_row(
    run: str, started: float, now: float, state: Mapping[str, Any], *, ended: bool
) -> dict[str, Any]:
    """The row of a run; times in seconds since the epoch."""
    return {
        "id": run,
        "started_at": _at(started),
        "written_at": _at(now),
        "ended": ended,
        "version": state.get("version", ""),
        "watching": state.get("watching", ""),
        "notes_by": state.get("notes_by", ""),
        "frames": state.get("frames", 0),
        "usd": state.get("usd", 0.0),
    }


def fate_row(run: str, entry: Entry) -> dict[str, Any]:
    """The row of an entry, as it is now."""
    ranges = [str(first) if first == last else f"{first}-{last}" for first, last in entry.frames]
    return {
        "run": run,
        "number": entry.number,
        "count": entry.count,
        "fate": entry.fate.value if entry.fate is not None else "",
        "rule": entry.rule,
        "monitor": entry.monitor,
        "began_at": _at(entry.began),
        "last_at": _at(entry.wall_time),
        "first_frame": entry.frames[0][0] if entry.frames else 0,
        "last_frame": entry.last,
        "frames": ",".join(ranges),
        "regions": json.dumps(lists(entry.regions)),
        "into_frame": entry.into,
        "turn": entry.note or None,
        "input_tokens": entry.input_tokens,
        "output_tokens": entry.output_tokens,
        "usd": entry.usd,
        "milliseconds": entry.milliseconds,
        "stages_ms": _stages(entry.stages),
        "text": entry.text,
    }


def _turn(run: str, exhibit: Exhibit, kept: bool) -> dict[str, Any]:
    row = {name: getattr(exhibit, name, None) for name in _TURN}
    return row | {
        "run": run,
        "width": exhibit.size[0],
        "height": exhibit.size[1],
        "captured_at": _at(exhibit.wall_time),
        "regions": json.dumps(lists(exhibit.regions)),
        "status": exhibit.status.value,
        **{name: getattr(exhibit.usage, name) for name in database.TOKENS},
        "stages_ms": _stages(exhibit.stages),
        "caption": exhibit.caption if kept else None,
    }


def _pictures(exhibit: Exhibit) -> list[dict[str, Any]]:
    return [
        {
            "turn": exhibit.id,
            "number": number,
            "width": picture.view.size[0],
            "height": picture.view.size[1],
            "detail": picture.view.detail,
            "rects": json.dumps(lists(picture.view.rects)),
            "jpeg": picture.jpeg,
        }
        for number, picture in enumerate(exhibit.pictures, 1)
    ]


_HAS_FATES = "SELECT 1 FROM sqlite_schema WHERE name = 'fates'"
_MEANT = """
    id = ?1 OR instr(lower(text), lower(?1)) OR strftime('%H:%M:%S', captured_at, 'localtime') = ?1
    ORDER BY id = ?1 DESC, captured_at DESC LIMIT 1
"""
"""The turn with that id, else the newest with those words or of that time of day."""


def why(path: pathlib.Path, wanted: str, last: int) -> tuple[list[Entry], Exhibit | None]:
    """What a file knows of the newest run: its last entries, or those about what is wanted.

    A frame's number gives its entries and the last turn about it; anything else, a number that is
    no frame's as well, a turn of any run.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        path.open("rb").close()  # SQLite would not say why it cannot
        connection = database.open_to_read(path)
        try:
            if not connection.execute(_HAS_FATES).fetchone():
                raise UsageError(f"{path}: was written by an older hud, which kept notes only")
            return _why(connection, wanted, last)
        finally:
            connection.close()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except sqlite3.Error as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _why(
    connection: sqlite3.Connection, wanted: str, last: int
) -> tuple[list[Entry], Exhibit | None]:
    newest = "(SELECT id FROM runs ORDER BY started_at DESC LIMIT 1)"
    if not wanted:
        return _entries(connection, f"run = {newest} ORDER BY last_at DESC LIMIT ?", last), None
    frame = frame_number(wanted)
    if frame is not None:
        turn = f"run = {newest} AND seq = ? ORDER BY captured_at DESC, rowid DESC LIMIT 1"
        about = f"run = {newest} AND (into_frame = ? OR ? BETWEEN first_frame AND last_frame)"
        found = _entries(connection, f"{about} ORDER BY last_at DESC", frame, frame)
        entries = [entry for entry in found if entry.concerns(frame)]
        exhibit = _exhibit(connection, turn, frame)
        if entries or exhibit is not None:
            return entries, exhibit
    exhibit = _exhibit(connection, _MEANT, wanted)
    if exhibit is None:
        return [], None
    same_run = "run = (SELECT run FROM turns WHERE id = ?) AND (into_frame = ? OR turn = ?)"
    about = f"{same_run} ORDER BY last_at DESC"
    return _entries(connection, about, exhibit.id, exhibit.seq, exhibit.id), exhibit


def _entries(connection: sqlite3.Connection, rest: str, *values: object) -> list[Entry]:
    rows = connection.execute(
        f"SELECT {', '.join(_FATE)} FROM fates WHERE {rest}",  # noqa: S608 - our own names
        values,
    ).fetchall()
    return [_entry(dict(zip(_FATE, row, strict=True))) for row in reversed(rows)]


def _entry(row: Mapping[str, Any]) -> Entry:
    ranges = [each.partition("-") for each in row["frames"].split(",")]
    return Entry(
        number=row["number"],
        monitor=row["monitor"],
        frames=[(int(first), int(last or first)) for first, _, last in ranges],
        began=_time(row["began_at"]),
        wall_time=_time(row["last_at"]),
        fate=Fate(row["fate"]),
        rule=row["rule"],
        regions=_rects(row["regions"]),
        into=row["into_frame"],
        note=row["turn"] or "",
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        usd=row["usd"],
        milliseconds=row["milliseconds"],
        text=row["text"],
        stages=json.loads(row["stages_ms"]),
    )


def _exhibit(connection: sqlite3.Connection, rest: str, *values: object) -> Exhibit | None:
    query = f"SELECT {', '.join(_TURN)} FROM turns WHERE {rest}"  # noqa: S608 - our own names
    found = connection.execute(query, values).fetchone()
    if found is None:
        return None
    row = dict(zip(_TURN, found, strict=True))
    same = {name: row[name] for name in _TURN if name in _PLAIN}
    return Exhibit(
        **same,
        size=(row["width"], row["height"]),
        wall_time=_time(row["captured_at"]),
        regions=_rects(row["regions"]),
        caption=row["caption"] or "",
        pictures=tuple(map(_picture, _pictures_of(connection, row["id"]))),
        status=Status(row["status"]),
        usage=Usage(**{name: row[name] for name in database.TOKENS}),
        stages=json.loads(row["stages_ms"]),
    )


_PLAIN = frozenset(
    {"id", "seq", "monitor", "cause", "rule", "text", "session", "model", "detail", "usd"}
    | {"milliseconds"}
)
"""Columns of a turn that are fields of an exhibit just so."""


def _pictures_of(connection: sqlite3.Connection, turn: str) -> list[tuple[Any, ...]]:
    query = "SELECT width, height, detail, rects, jpeg FROM pictures WHERE turn = ? ORDER BY number"
    return connection.execute(query, [turn]).fetchall()


def _picture(row: tuple[Any, ...]) -> Picture:
    width, height, detail, shown, jpeg = row
    return Picture(View(_rects(shown), (width, height), detail), jpeg)


def _rects(text: str) -> tuple[Rect, ...]:
    return rects(json.loads(text))


def _stages(stages: Mapping[str, float]) -> str:
    return json.dumps({stage: round(spent, 2) for stage, spent in stages.items()})


def _at(wall_time: float) -> str:
    return database.utc(datetime.datetime.fromtimestamp(wall_time, datetime.UTC))


def _time(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()
