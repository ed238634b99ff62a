"""kill -9 while notes are written: what is left of them.

    python benchmarks/killed.py [--times 200]

Each time a process writes notes through the file and the sqlite sink, one after the other, into
the same files, and what becomes of frames into the database, and is killed at a random moment. Then
both files are opened: every note that a sink had called delivered must be there once and in order,
at most the one being written may be missing, every run's fates must add up to the frames it had
written down, each frame once, and every turn that a fate names must be there; SQLite's integrity
check must pass. Prints the figures; exit status 1 if one is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

import attrs
import trio

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from hud import database
from hud.fates import Entry, Exhibit
from hud.items import Fate, Note, Picture, Status, Usage, View
from hud.past import Past
from hud.rect import Rect
from stages.sink import sqlite as sqlite_sink
from stages.sink.file import File

NOTE = Note(
    seq=0,
    text="",
    status=Status.COMPLETED,
    monitor=1,
    regions=(Rect(1, 2, 3, 4),),
    captured_wall_time=1_800_000_000.0,
    captured_time=0.0,
    sent_time=0.1,
    first_token_time=0.2,
    done_time=0.3,
    usage=Usage(input_tokens=900, output_tokens=30),
    session="sess",
    model="m",
)
PICTURE = Picture(View((Rect(1, 2, 3, 4),), (3, 4)), bytes(range(256)) * 40)
IGNORED = 3
"""Frames for each that is sent."""
BEFORE_THE_KILL = (0.005, 0.15)
"""Seconds, from the first delivery on."""


@attrs.define
class Tally:
    """What was found after all the kills."""

    kills: int = 0
    delivered: int = 0
    missing: int = 0
    """Notes in a sink's hand that are not in its file."""
    frames: int = 0
    """Whose fate is in the database."""
    half_lines: int = 0
    """At the end of the file, when it was opened after the kill."""
    wrong: list[str] = attrs.field(factory=list)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--times", type=int, default=200, help="kills (200)")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = kill_again_and_again(pathlib.Path(folder), given.times)
    print(
        f"{tally.kills} kills, {tally.delivered} notes delivered to each of file and sqlite, "
        f"fates of {tally.frames} frames: "
        f"{tally.missing} of those in hand missing, {tally.half_lines} half lines, "
        f"{len(tally.wrong)} wrong"
    )
    for sentence in tally.wrong:
        print(sentence)
    sys.exit(bool(tally.wrong))


def kill_again_and_again(folder: pathlib.Path, times: int) -> Tally:
    tally, first = Tally(), 1
    found: dict[str, list[int]] = {"file": [], "sqlite": []}
    for _ in range(times):
        delivered, in_hand = write_and_kill(folder, first)
        tally.kills += 1
        tally.delivered += delivered + 1 - first
        for name, seqs in (("file", in_file(folder, tally)), ("sqlite", in_database(folder))):
            last = max(seqs[-1], first - 1)
            tally.missing += in_hand - last
            expected = found[name] + list(range(first, last + 1))
            if seqs != expected or not delivered <= last <= in_hand:
                tally.wrong.append(
                    f"{name}: {delivered} delivered, {in_hand} in hand, found ... {seqs[-5:]}"
                )
            found[name] = seqs
        tally.wrong += wrong_fates(folder)
        first = in_hand + 1
    with contextlib.closing(database.open_to_read(folder / "n.db")) as connection:
        [(tally.frames,)] = connection.execute("SELECT sum(count) FROM fates")
    return tally


def write_and_kill(folder: pathlib.Path, first: int) -> tuple[int, int]:
    """The last note that both sinks called delivered, and the last that they were given."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            trio.run(write, folder, first, writing)
        finally:
            os._exit(1)
    os.close(writing)
    told = b""
    while b"delivered" not in told:
        told += os.read(reading, 65536) or sys.exit("the writer ended by itself")
    time.sleep(random.uniform(*BEFORE_THE_KILL))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while piece := os.read(reading, 65536):
        told += piece
    os.close(reading)
    lines = [line.split() for line in told.decode().splitlines()]
    given = [int(seq) for word, seq in lines if word == "given"]
    delivered = [int(seq) for word, seq in lines if word == "delivered"]
    return delivered[-1], given[-1]


async def write(folder: pathlib.Path, first: int, told: int) -> None:
    past, settled = Past(), 0
    sqlite_sink.GATHER = sqlite_sink.PERIOD = 0.005
    sinks = [
        File(path=str(folder / "n.jsonl")),
        sqlite_sink.Sqlite(
            path=str(folder / "n.db"), pictures=True, past=past, state=lambda: {"frames": settled}
        ),
    ]
    async with trio.open_nursery() as nursery:
        ends = []
        for sink in sinks:
            feed, inbox = trio.open_memory_channel[Note](1)
            outbox, delivered = trio.open_memory_channel[Note](1)
            nursery.start_soon(sink.run, inbox, outbox)
            ends.append((feed, delivered))
        for seq in range(first, 10**9):
            os.write(told, f"given {seq}\n".encode())
            note = attrs.evolve(NOTE, seq=seq, text=f"note {seq} " + "x" * 200)
            settled += become(past, note)
            for feed, _ in ends:
                await feed.send(note)
            for _, delivered in ends:
                await delivered.receive()
            os.write(told, f"delivered {seq}\n".encode())


def become(past: Past, note: Note, picture: Picture = PICTURE) -> int:
    """Let a frame be sent, and some before it be ignored; how many they are."""
    last, time = note.seq * (IGNORED + 1), note.captured_wall_time + note.seq
    for seq in range(last - IGNORED, last):
        rule = "a clock" if seq % 2 else "a caret"
        past.settle(Entry(0, 1, [(seq, seq)], time, time, Fate.NOISE, rule))
    past.show(exhibit(note, picture))
    sent = Entry(0, 1, [(last, last)], time, time, Fate.SENT, "new content", note.regions)
    past.settle(attrs.evolve(sent, note=note.id, stages={"encode": 1.0, "answer": 300.0}))
    return IGNORED + 1


def exhibit(note: Note, picture: Picture) -> Exhibit:
    return Exhibit(
        id=note.id,
        seq=note.seq,
        monitor=1,
        size=(1920, 1080),
        wall_time=note.captured_wall_time,
        cause="content",
        rule="new content",
        regions=note.regions,
        caption="14:03:20, screen 1 (1920x1080); picture 1: 3x4 at x=1 y=2",
        pictures=(picture,),
        status=note.status,
        text=note.text,
    )


def wrong_fates(folder: pathlib.Path) -> list[str]:
    """What does not fit together in the newest run."""
    newest = "SELECT id FROM runs ORDER BY started_at DESC LIMIT 1"
    with contextlib.closing(database.open_to_read(folder / "n.db")) as connection:
        runs = connection.execute(f"SELECT id, frames FROM runs WHERE id = ({newest})").fetchall()
        if not runs:
            return []
        run, frames = runs[0]
        rows = connection.execute("SELECT count, frames FROM fates WHERE run = ?", [run]).fetchall()
        query = "SELECT count(*) FROM fates WHERE turn NOT IN (SELECT id FROM turns)"
        [(lost,)] = connection.execute(query)
    ranges = [each.partition("-") for _, text in rows for each in text.split(",")]
    seqs = [seq for first, _, last in ranges for seq in range(int(first), int(last or first) + 1)]
    counted, once = sum(count for count, _ in rows), len(set(seqs))
    if counted == frames == len(seqs) == once and not lost:
        return []
    return [f"run {run}: {frames} frames, {counted} in fates, {once} once, {lost} turns missing"]


def in_file(folder: pathlib.Path, tally: Tally) -> list[int]:
    *lines, rest = (folder / "n.jsonl").read_bytes().split(b"\n")
    tally.half_lines += bool(rest)
    return [seq for line in lines if (seq := seq_of(line)) is not None]


def seq_of(line: bytes) -> int | None:
    """None for half a line of an earlier kill."""
    try:
        return int(json.loads(line)["seq"])
    except ValueError:
        return None


def in_database(folder: pathlib.Path) -> list[int]:
    with contextlib.closing(database.open_to_write(folder / "n.db")) as connection:
        (check,) = connection.execute("PRAGMA integrity_check").fetchone()
        assert check == "ok", check
        connection.execute("INSERT INTO notes_fts (notes_fts) VALUES ('integrity-check')")
        return [seq for (seq,) in connection.execute("SELECT seq FROM notes ORDER BY number")]


if __name__ == "__main__":
    main()
