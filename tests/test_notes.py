"""What was written is found again, by time and by words, in either kind of file."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import sqlite3
import subprocess
import sys

import attrs
import orjson
import pytest
import sqlite_utils

from hud import database, notes
from hud.database import Query
from hud.errors import UsageError
from stages.sink.record import record
from tests.stages import sinking

ZONE = datetime.timezone(datetime.timedelta(hours=2))
NOW = datetime.datetime(2026, 11, 21, 14, 30, tzinfo=ZONE)
EPOCH = 1_800_000_000.0
WORDS = ["build teapot failed", "teapot.py passed", "Größe 42 \x1b[2J", "a OR b"]


def written():
    made = [*sinking.notes(4), sinking.GROWING]
    return [
        record(attrs.evolve(note, text=text, captured_wall_time=EPOCH + 60 * index))
        for index, (note, text) in enumerate(zip(made, WORDS, strict=False))
    ]


@pytest.fixture(params=["notes.db", "notes.jsonl"])
def path(request, tmp_path):
    path = tmp_path / request.param
    if path.suffix == ".db":
        connection = database.open_to_write(path)
        database.add(connection, written())
        connection.close()
    else:
        path.write_bytes(b"".join(orjson.dumps(note) + b"\n" for note in written()))
    return path


def found(path, **query):
    return [note["seq"] for note in notes.read([path], Query(**query), pytest.fail)]


@pytest.mark.parametrize(
    ("words", "seqs"),
    [
        ("teapot", [1, 2]),
        ("failed teapot", [1]),
        ("tea*", [1, 2]),
        ("teapot.py", [2]),
        ("grosse", []),
        ("größe", [3]),
        ("grÖße", [3]),
        ("a OR", [4]),
        ('"OR (', [4]),
        ("*", []),
        ("nothing", []),
        ("", [1, 2, 3, 4]),
    ],
)
def test_words_are_searched_and_never_operators(path, words, seqs):
    assert found(path, words=words) == seqs


def test_times_bound_what_is_found(path):
    second = datetime.datetime.fromtimestamp(EPOCH + 60, datetime.UTC)
    assert found(path, since=second) == [2, 3, 4]
    assert found(path, until=second) == [1]
    assert found(path, limit=2) == [3, 4]


def test_what_was_written_comes_back_with_its_keys(path):
    (first, *_) = notes.read([path], Query(), pytest.fail)
    expected = written()[0]
    assert first.keys() == expected.keys()
    assert first == expected


def test_several_files_are_one_record(tmp_path):
    for day, note in enumerate(reversed(written())):
        (tmp_path / f"{day}.jsonl").write_bytes(orjson.dumps(note))
    files = sorted(tmp_path.iterdir())
    assert [note["seq"] for note in notes.read(files, Query(limit=3), pytest.fail)] == [2, 3, 4]


def test_half_a_line_is_told_and_left_out(tmp_path):
    path, said = tmp_path / "notes.jsonl", []
    path.write_bytes(orjson.dumps(written()[0]) + b'\n{"id": "x", "te\n')
    assert len(notes.read([path], Query(), said.append)) == 1
    assert said == [f"{path}: 1 line is no note"]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2h", "2026-11-21T12:30+02:00"),
        ("1.5d", "2026-11-20T02:30+02:00"),
        ("9:05", "2026-11-21T09:05+02:00"),
        ("14:29:30", "2026-11-21T14:29:30+02:00"),
        ("today", "2026-11-21T00:00+02:00"),
        ("yesterday", "2026-11-20T00:00+02:00"),
        ("2026-11-19T03:00+00:00", "2026-11-19T03:00+00:00"),
    ],
)
def test_a_time_as_people_write_it(text, means):
    assert notes.moment(text, NOW) == datetime.datetime.fromisoformat(means)


def test_a_day_begins_in_the_zone_of_the_user():
    assert notes.moment("2026-11-21", NOW) == datetime.datetime(2026, 11, 21).astimezone()


@pytest.mark.parametrize("text", ["", "soon", "2y", "25:00", "2026-13-01", "2 fortnights"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError):  # noqa: PT011 - any
        notes.moment(text, NOW)


def test_a_newer_file_is_refused(tmp_path):
    path = tmp_path / "notes.db"
    connection = database.open_to_write(path)
    connection.execute(f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
    connection.close()
    for opened in (database.open_to_write, database.open_to_read):
        with pytest.raises(UsageError, match=r"newer hud \(schema 4.* up to 3\): update"):
            opened(path)


def test_a_file_of_another_program_is_refused(tmp_path):
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    for opened in (database.open_to_write, database.open_to_read):
        with pytest.raises(UsageError, match="another program's database"):
            opened(path)


def test_every_migration_leads_to_the_same_file(tmp_path, monkeypatch):
    """A file that begins with the first version gets what came later, and keeps its notes."""
    path = tmp_path / "notes.db"
    connection = database.open_to_write(path)
    database.add(connection, written())
    connection.close()
    monkeypatch.setattr(
        database, "MIGRATIONS", (*database.MIGRATIONS, ("ALTER TABLE notes ADD COLUMN run TEXT",))
    )
    connection = database.open_to_write(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
    assert connection.execute("SELECT count(*) FROM notes WHERE run IS NULL").fetchone() == (4,)
    connection.close()


def test_a_note_that_comes_again_is_the_same_note(tmp_path):
    connection = database.open_in_memory()
    database.add(connection, written())
    database.add(connection, [written()[0] | {"text": "another word"}])
    assert len(database.find(connection, Query())) == 4
    assert [note["seq"] for note in database.find(connection, Query(words="another"))] == [1]
    assert not database.find(connection, Query(words="failed"))
    connection.close()


def test_sqlite_utils_reads_and_searches_it_while_it_is_written(tmp_path):
    path = tmp_path / "notes.db"
    writing = database.open_to_write(path)
    database.add(writing, written())
    reading = sqlite_utils.Database(path)
    assert reading["notes"].detect_fts() == "notes_fts"
    with database.transaction(writing):
        writing.execute("DELETE FROM notes WHERE seq = 2")
        assert [row["seq"] for row in reading["notes"].search("teapot")] == [1, 2]
    assert [row["seq"] for row in reading["notes"].search("teapot")] == [1]
    assert path.stat().st_mode & 0o777 == 0o600
    reading.conn.close()
    writing.close()


def test_the_command_prints_what_it_finds(path):
    def hud(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "hud", "notes", *arguments],
            cwd=path.parent,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"TZ": "UTC", "PYTHONPATH": str(pathlib.Path.cwd())},
        )

    assert hud("--search", "failed").stdout == "2027-01-15 08:00:00  build teapot failed\n"
    assert hud("--search", "größe").stdout.endswith("Größe 42  [2J\n")
    name = json.loads(hud("--json", "--search", "failed").stdout)["id"]
    named = f"2027-01-15 08:00:00  {name}  build teapot failed\n"
    assert hud("--ids", "--search", "failed").stdout == named
    assert json.loads(hud("--json", "--limit", "1", path.name).stdout)["text"] == "a OR b"
    assert hud("--since", "soon").stderr.startswith("hud: --since soon: must be a time such as 2h")
    assert hud("none.db").stderr == "hud: none.db: No such file or directory\n"
    path.unlink()
    (line,) = hud().stderr.splitlines()
    assert line.startswith("hud: there is no notes.db and no notes.jsonl here: name the file, or")
    assert "hud run --sink terminal --sink sqlite:notes.db" in line
