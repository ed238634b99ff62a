from __future__ import annotations

import contextlib
import sqlite3

import attrs
import pytest

from hud import database
from hud.errors import UsageError
from stages.sink.sqlite import Sqlite
from tests.fakes import through
from tests.stages.sinking import GROWING, NOTE, notes, running, tiny_disk, until


def read(path, sql="SELECT seq FROM notes ORDER BY number"):
    with contextlib.closing(database.open_to_read(path)) as connection:
        return [row[0] for row in connection.execute(sql)]


async def test_each_finished_note_is_one_row(tmp_path):
    path = tmp_path / "notes.db"
    priced = attrs.evolve(NOTE, usd=0.009)
    delivered = await through(Sqlite(path=str(path)), GROWING, priced, *notes(3, first=8))
    assert [file.name for file in tmp_path.iterdir()] == ["notes.db"]
    assert [note.seq for note in delivered] == read(path) == [7, 8, 9, 10]
    assert read(path, "SELECT usd FROM notes LIMIT 1") == [0.009]
    assert read(path, "SELECT captured_at FROM notes LIMIT 1") == ["2027-01-15T08:00:00.000Z"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_it_is_read_while_it_is_written(tmp_path):
    path = tmp_path / "notes.db"
    async with running(Sqlite(path=str(path))) as (feed, delivered):
        for count in (1, 2, 3):
            feed(notes(1, first=count)[0])
            await until(lambda count=count: len(delivered) == count)
            assert read(path) == list(range(1, count + 1))


async def test_what_comes_during_a_commit_goes_into_the_next_one(tmp_path, monkeypatch):
    sizes, really = [], database.add
    monkeypatch.setattr(
        database, "add", lambda db, records: (sizes.append(len(records)), really(db, records))
    )
    async with running(Sqlite(path=str(tmp_path / "notes.db"))) as (feed, delivered):
        for note in notes(500):
            feed(note)
        await until(lambda: len(delivered) == 500)
    assert sum(sizes) == 500
    assert len(sizes) < 50


async def test_another_writer_delays_the_notes_and_loses_none(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY", 0.05)
    path, said = tmp_path / "notes.db", []
    async with running(Sqlite(path=str(path), warn=said.append)) as (feed, delivered):
        feed(notes(1)[0])
        await until(lambda: delivered)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for note in notes(5, first=2):
            feed(note)
        await until(lambda: said)
        assert read(path) == [1]
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: len(delivered) == 6)
    assert read(path) == [1, 2, 3, 4, 5, 6]
    assert said[0] == f"{path}: database is locked; the notes wait until it works"
    assert len(said) == 2


async def test_a_deleted_database_is_made_again(tmp_path):
    path = tmp_path / "notes.db"
    async with running(Sqlite(path=str(path))) as (feed, delivered):
        feed(notes(1)[0])
        await until(lambda: delivered)
        path.unlink()
        feed(notes(1, first=2)[0])
        await until(lambda: len(delivered) == 2)
    assert read(path) == [2]
    assert read(path, "PRAGMA integrity_check") == ["ok"]


async def test_a_full_disk_is_told_once_and_loses_nothing(tmp_path):
    path, said = tmp_path / "notes.db", []
    with tiny_disk(tmp_path, "400k"):
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(200 * 1024))
        async with running(Sqlite(path=str(path), warn=said.append)) as (feed, delivered):
            for note in notes(200):
                feed(note)
                await until(lambda note=note: said or note.seq == len(delivered))
            assert len(delivered) < 200
            assert read(path) == [note.seq for note in delivered]
            ballast.unlink()
            await until(lambda: len(delivered) == 200)
        assert read(path) == list(range(1, 201))
        assert read(path, "PRAGMA integrity_check") == ["ok"]
    assert [sentence.partition(": ")[2].split(";")[0] for sentence in said] == [
        "database or disk is full",
        "works again, the notes that waited go out",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [("x" * 5000, "file is not a database"), (None, "No such file or directory")],
)
def test_what_cannot_be_written_is_refused_before_the_start(tmp_path, text, says):
    path = tmp_path / "notes.db" if text else tmp_path / "none" / "notes.db"
    if text:
        path.write_text(text)
    with pytest.raises(UsageError, match=f"cannot be written: {says}"):
        Sqlite(path=str(path)).preflight()
