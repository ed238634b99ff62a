"""Many notes into the sinks at once: none lost, memory flat, the loop never stalled.

    python benchmarks/sinks.py [--notes 10000] [--rate 200]

Feeds file, sqlite and web, whose page another process reads, through the pipeline's own edges, each
note first as a growing one, and tells sqlite and web what became of its frame, with a picture of
50 kB, and of three others. Prints
  lost      notes that are not in the file, not in the database, or did not reach the reader; frames
            whose fate is not in the database; turns that are not
  late      milliseconds from a note's arrival to its delivery, median and 99th percentile, by sink
  step      the longest that one task kept the loop busy, in ms: on the processor, and by the clock,
            which on a busy machine counts other programs too; and how many took over 10 ms by each
  tick      how late a timer came at worst, in ms: the above, and all else on the machine
  memory    resident MB after the first tenth of the notes and at the end
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import attrs
import psutil
import trio

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.killed import IGNORED, NOTE, PICTURE, become
from hud import database
from hud.channel import Inbox, Observer, Outbox, open_edge
from hud.items import Note, Status
from hud.past import Past
from hud.pipeline import edges
from hud.stage import Stage
from stages.sink.file import File
from stages.sink.sqlite import Sqlite
from stages.sink.web.sink import Web

TOO_LONG = 0.010
READER = """\
import json, sys, urllib.request
seen = []
with urllib.request.urlopen(sys.argv[1] + "events") as stream:
    try:
        for line in stream:
            note = json.loads(line[6:]) if line.startswith(b"data: {") else {}
            if note.get("status") == "completed":
                seen.append(note["seq"])
    except OSError:
        pass  # the end of the run
print(len(seen) if seen == sorted(set(seen)) else -1)
"""
"""Counts the finished notes that arrive; -1 if one came twice or out of order."""


@attrs.define(eq=False)
class Steps(trio.abc.Instrument):
    """How long each task keeps the loop busy."""

    begun: tuple[float, float] = (0.0, 0.0)
    longest: list[float] = attrs.field(factory=lambda: [0.0, 0.0])
    too_long: list[int] = attrs.field(factory=lambda: [0, 0])

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """See trio.abc.Instrument."""
        self.begun = time.thread_time(), time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """See trio.abc.Instrument."""
        for way, now in enumerate((time.thread_time(), time.perf_counter())):
            spent = now - self.begun[way]
            self.too_long[way] += spent > TOO_LONG
            self.longest[way] = max(self.longest[way], spent)


@attrs.define
class Lateness(Observer):
    """From a finished note's arrival at a sink to its delivery."""

    arrived: dict[tuple[str, int], float] = attrs.field(factory=dict)
    late: dict[str, list[float]] = attrs.field(factory=lambda: collections.defaultdict(list))

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        before, _, behind = edge.partition("→")
        if isinstance(item, Note) and item.finished:
            if behind:
                self.arrived[behind, item.seq] = time.perf_counter()
            else:
                begun = self.arrived.pop((before, item.seq))
                self.late[before].append(time.perf_counter() - begun)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--notes", type=int, default=10_000, help="how many (10000)")
    arguments.add_argument("--rate", type=float, default=200.0, help="a second (200)")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trio.run(measure, pathlib.Path(folder), given.notes, given.rate)


async def measure(folder: pathlib.Path, count: int, rate: float) -> None:
    past, frames = Past(), count * (IGNORED + 1)
    state = {"frames": frames, "fates": {"sent": count}, "p50_ms": None}
    sinks = {
        "file": File(path=str(folder / "n.jsonl")),
        "sqlite": Sqlite(path=str(folder / "n.db"), past=past, state=lambda: state),
    }
    steps, lateness, ticks, said = Steps(), Lateness(), list[float](), list[str]()
    listening = trio.Event()
    sinks["web"] = Web(
        warn=lambda sentence: (said.append(sentence), listening.set()),
        past=past,
        state=lambda: state,
    )
    sinks["web"].preflight()
    memory = list[int]()
    async with trio.open_nursery() as ticking:
        ticking.start_soon(tick, ticks)
        async with trio.open_nursery() as nursery:
            feeds = [start(nursery, name, sink, lateness) for name, sink in sinks.items()]
            await listening.wait()
            reader = read(said[0].split()[-1])
            await trio.sleep(0.5)
            steps.begun = time.thread_time(), time.perf_counter()
            trio.lowlevel.add_instrument(steps)
            with contextlib.ExitStack() as stack:
                for feed in feeds:
                    stack.enter_context(feed)
                await pour(feeds, past, count, rate, memory)
        ticking.cancel_scope.cancel()
    trio.lowlevel.remove_instrument(steps)
    memory.append(psutil.Process().memory_info().rss)
    report(steps, lateness, ticks, memory)
    missing = count - len((folder / "n.jsonl").read_bytes().splitlines())
    with contextlib.closing(database.open_to_read(folder / "n.db")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM notes").fetchone()
        (fates, entries) = connection.execute("SELECT sum(count), count(*) FROM fates").fetchone()
        (turns,) = connection.execute("SELECT count(*) FROM turns").fetchone()
    arrived = int(reader.communicate()[0])
    lost = f"file {missing}, sqlite {count - rows}, web {count - arrived}"
    print(f"lost      {lost}, of {count} at {rate:g} a second; in {entries} rows of fates")
    print(f"lost      fates {frames - fates} of {frames} frames, turns {count - turns} of {count}")


def read(address: str) -> subprocess.Popen[bytes]:
    """Read the page's events in another process."""
    return subprocess.Popen([sys.executable, "-c", READER, address], stdout=subprocess.PIPE)


def start(
    nursery: trio.Nursery, name: str, sink: Stage[Note, Note], observer: Observer
) -> Outbox[Note]:
    """The end of the edge that feeds the sink."""
    feed, inbox = open_edge(f"sinks→{name}", edges({})["sink"], observer)
    delivered, _nobody = open_edge(f"{name}→", edges({})["delivered"], observer)
    nursery.start_soon(run, sink, inbox, delivered, name=name)
    return feed


async def run(sink: Stage[Note, Note], inbox: Inbox[Note], delivered: Outbox[Note]) -> None:
    with inbox, delivered:
        await sink.run(inbox, delivered)


async def pour(
    feeds: list[Outbox[Note]], past: Past, count: int, rate: float, memory: list[int]
) -> None:
    begun = trio.current_time()
    for seq in range(1, count + 1):
        note = attrs.evolve(NOTE, seq=seq, text=f"note {seq} " + "words of a usual length " * 5)
        growing = attrs.evolve(note, status=Status.IN_PROGRESS, text=note.text[:20])
        # A picture of its own each: what is kept of them is not shared.
        picture = attrs.evolve(PICTURE, jpeg=os.urandom(50_000))
        become(past, note, picture)
        for feed in feeds:
            await feed.send(growing)
        for feed in feeds:
            await feed.send(note)
        if seq == count // 10:
            memory.append(psutil.Process().memory_info().rss)
        await trio.sleep_until(begun + seq / rate)


async def tick(late: list[float]) -> None:
    while True:
        due = trio.current_time() + 0.005
        await trio.sleep_until(due)
        late.append(trio.current_time() - due)


def report(steps: Steps, lateness: Lateness, ticks: list[float], memory: list[int]) -> None:
    for name, late in lateness.late.items():
        p99 = statistics.quantiles(late, n=100)[98]
        print(f"late      {name} {1000 * statistics.median(late):.1f} / {1000 * p99:.1f} ms")
    cpu, wall = (f"{1000 * longest:.1f} ms" for longest in steps.longest)
    over = "{} and {} over 10 ms".format(*steps.too_long)
    print(f"step      {cpu} on the processor, {wall} by the clock; {over}")
    p99 = statistics.quantiles(ticks, n=100)[98]
    print(f"tick      {1000 * max(ticks):.1f} ms at worst, p99 {1000 * p99:.1f} ms")
    print(f"memory    {' → '.join(f'{size / 1e6:.1f}' for size in memory)} MB")


if __name__ == "__main__":
    main()
