"""What the tests of sinks share: some notes, and a run of a sink that can be watched."""

from __future__ import annotations

import contextlib
import subprocess

import attrs
import pytest
import trio

from hud.items import Note, Status, Usage
from hud.rect import Rect

NOTE = Note(
    seq=7,
    text='New: "build teapot failed"',
    status=Status.COMPLETED,
    monitor=1,
    regions=(Rect(1, 2, 3, 4),),
    captured_wall_time=1_800_000_000.0,
    captured_time=10.0,
    sent_time=10.004,
    first_token_time=10.3,
    done_time=10.5,
    usage=Usage(input_tokens=9),
    session="sess_1",
    model="m",
)
GROWING = attrs.evolve(NOTE, status=Status.IN_PROGRESS, text="New:", done_time=None)


def notes(count, first=1, **changes):
    return [
        attrs.evolve(NOTE, seq=seq, text=f"note {seq}", **changes)
        for seq in range(first, first + count)
    ]


@contextlib.asynccontextmanager
async def running(sink):
    """Gives a function that feeds the sink, and the notes it has delivered so far."""
    feed, inbox = trio.open_memory_channel(20_000)
    outbox, after = trio.open_memory_channel(20_000)
    delivered = []

    async def collect():
        async for note in after:
            delivered.append(note)  # noqa: PERF401 - seen while it grows

    async def run():
        with outbox:
            await sink.run(inbox, outbox)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(collect)
        nursery.start_soon(run)
        with feed:
            yield feed.send_nowait, delivered


async def until(condition, seconds=20):
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 - any condition
            await trio.sleep(0.01)


@contextlib.contextmanager
def tiny_disk(folder, size):
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk can be mounted by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
