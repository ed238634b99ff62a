"""Streams notes word by word into the terminal sink of this terminal.

python -m tests.stages.live_notes NOTES SECONDS_BETWEEN_WORDS
"""

from __future__ import annotations

import itertools
import sys

import attrs
import trio

from hud.items import Status
from stages.sink.terminal import Terminal
from tests.stages.sinking import NOTE

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


async def main(count: int, pause: float) -> None:
    drawn = itertools.count()
    feed, inbox = trio.open_memory_channel(0)
    outbox, _after = trio.open_memory_channel(count)
    sink = Terminal(figures=lambda width: f"hud: watching · {next(drawn)} · end"[:width])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run, inbox, outbox)
        with feed:
            for seq in range(count):
                await stream(feed, seq, pause)
            print("told on stderr", file=sys.stderr, flush=True)  # noqa: T201 - as `say` does
            await trio.sleep(float("inf") if pause else 0)


async def stream(feed, seq: int, pause: float) -> None:
    text = f"begin{seq}"
    for word in [*WORDS.split(), f"finish{seq}"]:
        text += f" {word}"
        growing = attrs.evolve(NOTE, seq=seq, text=text, status=Status.IN_PROGRESS)
        await feed.send(attrs.evolve(growing, size=(1000, 1000)))
        await trio.sleep(pause)
    await feed.send(attrs.evolve(NOTE, seq=seq, text=text, size=(1000, 1000)))


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), float(sys.argv[2]))
