from __future__ import annotations

import datetime
import json
import os

import attrs
import pytest

from hud.errors import PipelineError
from hud.items import Status
from stages.sink import backlog
from stages.sink.file import File
from tests.fakes import through
from tests.stages.sinking import NOTE, notes, running, tiny_disk, until

pytestmark = pytest.mark.usefixtures("inline_threads")


def seqs(path):
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


async def test_a_file_for_each_day(tmp_path):
    noon = datetime.datetime(2026, 11, 21, 12).timestamp()
    tomorrow = notes(2, first=3, captured_wall_time=noon + 86400)
    sink = File(path=str(tmp_path / "notes.jsonl"), rotate="daily")
    await through(sink, *notes(2, captured_wall_time=noon), *tomorrow)
    assert len(list(tmp_path.iterdir())) == 2
    assert seqs(tmp_path / "notes-2026-11-21.jsonl") == [1, 2]
    assert seqs(tmp_path / "notes-2026-11-22.jsonl") == [3, 4]


async def test_a_clock_that_is_set_back_or_forth_loses_nothing(tmp_path):
    """The day is the note's own: what jumps is the file's name, and no note is in two."""
    noon = datetime.datetime(2026, 11, 21, 12).timestamp()
    walls = [noon, noon + 3 * 86400, noon - 86400, noon, noon - 40 * 86400]
    told = [attrs.evolve(NOTE, seq=seq, captured_wall_time=wall) for seq, wall in enumerate(walls)]
    await through(File(path=str(tmp_path / "notes.jsonl"), rotate="daily"), *told)
    files = {path.name: seqs(path) for path in tmp_path.iterdir()}
    assert files == {
        "notes-2026-11-21.jsonl": [0, 3],
        "notes-2026-11-24.jsonl": [1],
        "notes-2026-11-20.jsonl": [2],
        "notes-2026-10-12.jsonl": [4],
    }


async def test_half_a_line_of_a_killed_run_spoils_only_itself(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('{"seq": 1}\n{"seq": 2, "te')
    await through(File(path=str(path)), NOTE)
    lines = path.read_text().splitlines()
    assert lines[:2] == ['{"seq": 1}', '{"seq": 2, "te']
    assert json.loads(lines[2])["seq"] == 7


@pytest.mark.parametrize(("policy", "times"), [("never", 0), ("each", 1), ("interval", 1)])
async def test_when_the_disk_is_told_to_keep_it(
    tmp_path, monkeypatch, autojump_clock, policy, times
):
    synced, really = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(file), really(file)))
    async with running(File(path=str(tmp_path / "n.jsonl"), fsync=policy)) as (feed, delivered):
        feed(NOTE)
        await until(lambda: delivered)
        await until(lambda: len(synced) == times)
    assert len(synced) == times


async def test_a_full_disk_is_told_once_and_loses_nothing(tmp_path, autojump_clock):
    path, said = tmp_path / "notes.jsonl", []
    path.symlink_to("/dev/full")
    async with running(File(path=str(path), warn=said.append)) as (feed, delivered):
        for note in notes(40):
            feed(note)
        await until(lambda: said)
        for note in notes(40, first=41):
            feed(note)
        assert not delivered
        path.unlink()
        await until(lambda: len(delivered) == 80, 60)
    assert seqs(path) == list(range(1, 81))
    assert said == [
        f"{path}: No space left on device; the notes wait until it works",
        f"{path}: works again, the notes that waited go out",
    ]


async def test_what_waits_for_a_full_disk_is_bounded(tmp_path, autojump_clock, monkeypatch):
    monkeypatch.setattr(backlog, "MOST", 10)
    path, said = tmp_path / "notes.jsonl", []
    path.symlink_to("/dev/full")
    async with running(File(path=str(path), warn=said.append)) as (feed, delivered):
        feed(notes(1)[0])
        await until(lambda: said)
        for note in notes(14, first=2):
            feed(note)
        await until(lambda: len(said) > 1)
        path.unlink()
        await until(lambda: len(delivered) == 11, 60)
    assert seqs(path) == [1, *range(6, 16)]
    assert "10 notes wait, now the oldest are given up" in said[1]
    assert said[2].endswith("4 older ones are lost")


async def test_a_disk_that_stays_full_ends_with_an_error(tmp_path, autojump_clock):
    path = tmp_path / "notes.jsonl"
    path.symlink_to("/dev/full")
    # Not a group of one, which would be taken for a crash and tried for ever.
    with pytest.raises(PipelineError, match="3 notes could not be delivered: No space"):
        await through(File(path=str(path), fsync="interval"), *notes(3))


async def test_a_line_is_written_whole_or_not_at_all_on_a_disk_that_fills_up(
    tmp_path, autojump_clock
):
    path, said = tmp_path / "notes.jsonl", []
    with tiny_disk(tmp_path, "64k"):
        (tmp_path / "ballast").write_bytes(bytes(32 * 1024))
        async with running(File(path=str(path), warn=said.append)) as (feed, delivered):
            for note in notes(75):
                feed(note)
                await until(lambda note=note: said or note.seq == len(delivered))
            assert len(delivered) < 75
            assert path.read_bytes().endswith(b"\n")
            assert seqs(path) == [note.seq for note in delivered]
            (tmp_path / "ballast").unlink()
            await until(lambda: len(delivered) == 75, 60)
        assert seqs(path) == list(range(1, 76))


async def test_an_unfinished_note_is_not_written(tmp_path):
    path = tmp_path / "notes.jsonl"
    await through(File(path=str(path)), attrs.evolve(NOTE, status=Status.IN_PROGRESS))
    assert not path.exists()
