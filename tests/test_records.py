"""What the database says of runs, turns and fates, after real runs of the pipeline."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys

import attrs
import pytest
import trio

from hud import database, records
from hud.channel import Observers
from hud.errors import UsageError
from hud.figures import Figures
from hud.history import History
from hud.items import Fate
from hud.ledger import Ledger
from hud.pipeline import Pipeline, run_pipeline
from stages.assemble import Assemble
from stages.sink.sqlite import Sqlite
from tests import fakes
from tests.stages.sinking import NOTE, running, until
from tests.test_history import counted, every_fate, exhibit


async def write_a_run(path, count=600, detect=every_fate, **options):
    ledger = Ledger()
    history, figures = History(ledger), Figures(ledger)
    gifts = {"past": history.past, "end_fates": history.close, "state": figures.record}
    line = Pipeline(
        fakes.Count(period=0.1, most=count),
        fakes.Map(detect),
        fakes.Map(fakes.as_shot),
        fakes.Map(priced, work=0.7),
        Assemble(),
        {"sqlite": attrs.evolve(Sqlite(path=str(path), **options), **gifts)},
    )
    observers = Observers([history, ledger, figures])
    await run_pipeline(line, stop=trio.Event(), observer=observers)
    return ledger, history.past


def priced(shot):
    delta = fakes.answered(shot)
    usage = attrs.evolve(delta.usage, input_tokens=100, output_tokens=10)
    return attrs.evolve(delta, usd=0.001, usage=usage, session="sess", model="m")


def rows(path, query):
    with contextlib.closing(database.open_to_read(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notes.db"


async def test_the_fates_in_the_file_are_the_frames_captured(path, inline_threads, autojump_clock):
    ledger, _past = await write_a_run(path)
    [(frames, ended)] = rows(path, "SELECT frames, ended FROM runs")
    counts = dict(rows(path, "SELECT fate, frames FROM fates_by_run"))
    assert counts == {fate.value: count for fate, count in ledger.fates.items() if count}
    assert sum(counts.values()) == frames == ledger.captured >= 500
    assert ended
    assert {"sent", "merged", "noise", "unchanged", "failed"} <= set(counts)
    # 600 frames in a minute are no 600 rows.
    [(entries,)] = rows(path, "SELECT count(*) FROM fates WHERE fate <> 'sent'")
    assert entries < frames / 4


async def test_every_turn_is_a_delta_of_cost(path, inline_threads, autojump_clock):
    ledger, _past = await write_a_run(path, 100)
    turns = rows(path, "SELECT usd, run_usd, input_tokens FROM costs ORDER BY captured_at")
    assert len(turns) == ledger.fates[Fate.SENT]
    assert [round(total, 6) for _, total, _ in turns] == [
        round(0.001 * number, 6) for number in range(1, len(turns) + 1)
    ]
    [(session, model, count, usd)] = rows(path, "SELECT session, model, turns, usd FROM sessions")
    assert (session, model, count) == ("sess", "m", len(turns))
    assert usd == pytest.approx(0.001 * len(turns))
    sent = rows(path, "SELECT stages_ms, usd, turn FROM fates WHERE fate = 'sent'")
    assert all("encode" in json.loads(stages) for stages, _, _ in sent)
    notes = {note for (note,) in rows(path, "SELECT id FROM notes")}
    assert {turn for _, _, turn in sent} == notes


async def test_pictures_and_captions_are_kept_only_where_that_was_asked(
    path, tmp_path, inline_threads, autojump_clock, monkeypatch
):
    await write_a_run(path, 60)
    assert rows(path, "SELECT count(*) FROM pictures") == [(0,)]
    assert rows(path, "SELECT DISTINCT caption FROM turns") == [(None,)]
    monkeypatch.setattr(records, "PICTURES", 3)
    other = tmp_path / "with.db"
    await write_a_run(other, 60, pictures=True)
    assert rows(other, "SELECT DISTINCT jpeg FROM pictures") == [(b"jpeg",)]
    assert rows(other, "SELECT count(*) FROM pictures") == [(3,)]


async def test_of_older_turns_neither_captions_nor_pictures_are_kept(
    path, inline_threads, autojump_clock, monkeypatch
):
    monkeypatch.setattr(records, "PICTURES", 2)
    await write_a_run(path, 200, pictures=True)
    newest = "SELECT id FROM turns ORDER BY captured_at DESC LIMIT 2"
    kept = set(rows(path, newest))
    assert len(rows(path, "SELECT id FROM turns")) > 2
    assert set(rows(path, "SELECT id FROM turns WHERE caption IS NOT NULL")) == kept
    assert set(rows(path, "SELECT turn FROM pictures")) == kept


def test_what_was_forgotten_is_not_looked_at_again_and_leaves_no_trace(path):
    connection = database.open_to_write(path)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {records._OLD}", [2]).fetchall()
    assert ["turns_with_caption" in step[-1] for step in plan] == [True]
    assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    connection.close()


async def test_why_is_answered_after_the_run(path, inline_threads, autojump_clock):
    _ledger, past = await write_a_run(path, 200, pictures=True)
    entries, nothing = records.why(path, "", 1000)
    assert nothing is None
    assert counted(entries) == counted(past.entries)
    last = list(past.exhibits.values())[-1]
    for wanted in (str(last.seq), last.id, f"NOTE {last.seq}"):
        entries, found = records.why(path, wanted, 1000)
        assert found is not None
        assert (found.id, found.text) == (last.id, last.text)
        assert [picture.jpeg for picture in found.pictures] == [b"jpeg"]
        assert found.regions == last.regions
        assert [entry.fate for entry in entries if entry.note == found.id] == [Fate.SENT]
    quiet = next(e for e in past.entries if e.fate is Fate.UNCHANGED)
    frame = quiet.frames[1][0]
    [entry], _ = records.why(path, str(frame), 1000)
    assert entry.frames == quiet.frames
    assert records.why(path, "nobody said this", 9) == ([], None)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE turns SET text = 'order 31035' WHERE id = ?", [last.id])
    entries, found = records.why(path, "31035", 9)
    assert found is not None
    assert (found.id, bool(entries)) == (last.id, True)
    assert records.why(path, "9" * 5000, 9) == ([], None)


@pytest.mark.parametrize(
    ("name", "says"), [("none.db", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_said(tmp_path, name, says):
    with pytest.raises(UsageError, match=says):
        records.why(tmp_path / name, "", 1)


def test_a_file_of_an_older_program_is_brought_up_to_date(path, monkeypatch):
    with monkeypatch.context() as old:
        old.setattr(database, "MIGRATIONS", database.MIGRATIONS[:1])
        with contextlib.closing(database.open_to_write(path)) as connection:
            connection.execute(
                "INSERT INTO notes SELECT 1, 'a', 1, 'kept', 'completed', '2026', NULL, NULL, NULL,"
                "0, 0, 0, 1, '[]', 's', 'm', 0, 0, 0, 0, 0, 0, 0, ''"
            )
    with pytest.raises(UsageError, match="older hud, which kept notes only"):
        records.why(path, "", 1)
    database.open_to_write(path).close()
    assert rows(path, "SELECT text FROM notes") == [("kept",)]
    assert rows(path, "SELECT * FROM fates") == []


async def test_fates_wait_for_a_database_that_is_away(path, monkeypatch):
    monkeypatch.setattr(database, "BUSY", 0.05)
    ledger = Ledger()
    past = History(ledger).past
    sink = Sqlite(path=str(path), past=past)
    sink.preflight()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with running(sink) as (feed, delivered):
        past.show(exhibit("a", 3))
        past.show(attrs.evolve(exhibit("b", 3), status=NOTE.status))
        await trio.sleep(1.3)
        assert rows(path, "SELECT id FROM turns") == []
        other.execute("ROLLBACK")
        other.close()
        feed(NOTE)
        await until(lambda: delivered)
    # One that has not ended is no turn yet.
    assert rows(path, "SELECT id FROM turns") == [("b",)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_sqlite_utils_reads_the_tables(path):
    trio.run(write_a_run, path, 30)
    command = [sys.executable, "-m", "sqlite_utils", "rows", path, "fates", "--limit", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"fate", "rule", "count", "stages_ms"} <= set(json.loads(done.stdout)[0])
