"""Serves the page of the web sink; each line on stdin `SEQ STATUS TEXT` is the state of a note.

python -m tests.stages.page_notes
"""

from __future__ import annotations

import sys

import attrs
import trio

from hud.items import Rect, Status
from stages.sink.web.sink import Web
from tests.stages.sinking import NOTE


async def main() -> None:
    feed, inbox = trio.open_memory_channel(0)
    outbox, _after = trio.open_memory_channel(10_000)
    sink = Web(
        warn=lambda sentence: print(sentence, flush=True),  # noqa: T201 - the test reads it
        figures=lambda _width: "hud: watching · 312 frames · 9 sent · p50 0.42 s · $0.0213",
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run, inbox, outbox)
        with feed:
            while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
                seq, status, text = line.rstrip("\n").split(" ", 2)
                await feed.send(state(int(seq), Status(status), text))


def state(seq: int, status: Status, text: str):
    column, row = seq % 3, seq // 3 % 3
    return attrs.evolve(
        NOTE,
        seq=seq,
        text=text,
        status=status,
        size=(900, 900),
        regions=(Rect(300 * column + 50, 300 * row + 50, 100, 40),),
        captured_wall_time=NOTE.captured_wall_time + 7 * seq,
        done_time=None if status is Status.IN_PROGRESS else 10.4 + seq / 100,
    )


if __name__ == "__main__":
    trio.run(main)
