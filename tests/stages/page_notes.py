"""Serves the page of the web sink, as told by the lines on stdin.

    SEQ STATUS TEXT     the state of a note, whose picture was sent
    fate SEQ FATE       what became of a frame
    pause, resume       from elsewhere

python -m tests.stages.page_notes
"""

from __future__ import annotations

import sys
import time

import attrs
import cv2
import numpy as np
import trio

from hud.fates import Entry, Exhibit
from hud.items import Fate, Note, Picture, Status, View
from hud.past import Past
from hud.privacy.pause import Pause
from hud.rect import Rect
from stages.sink.web.sink import Web
from tests.stages.sinking import NOTE

SPENDING = {
    "usd": 0.0213,
    "limits": [{"per": "hour", "spent": 0.42, "most": 0.5}, {"per": "day", "spent": 1, "most": 3}],
}


async def main() -> None:
    feed, inbox = trio.open_memory_channel(0)
    outbox, _after = trio.open_memory_channel(10_000)
    past, pause = Past(), Pause()

    def state():
        fates = {"sent": 9, "merged": 3, "noise": 300}
        run = {"paused": pause.paused, "watching": "woken by what is drawn (X DAMAGE)"}
        run |= {"notes_by": "gpt-realtime-1.5 at api.openai.com", "free": False}
        return run | {"frames": 312, "fates": fates, "tokens": 12345, "p50_ms": 420.0} | SPENDING

    sink = Web(
        warn=lambda sentence: print(sentence, flush=True),  # noqa: T201 - the test reads it
        past=past,
        pause=pause,
        state=state,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run, inbox, outbox)
        with feed:
            while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
                first, *rest = line.rstrip("\n").split(" ", 2)
                if first in {"pause", "resume"}:
                    pause.turn(paused=first == "pause")
                elif first == "fate":
                    past.settle(entry(int(rest[0]), Fate(rest[1])))
                else:
                    note = note_of(int(first), Status(rest[0]), rest[1])
                    if note.id not in past.exhibits:
                        past.show(exhibit(note))
                    await feed.send(note)


def note_of(seq: int, status: Status, text: str) -> Note:
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


def exhibit(note: Note) -> Exhibit:
    """With a picture of the note's region and 20 pixels around it."""
    around = note.regions[0].padded(20, 900, 900)
    pixels = np.full((around.height, around.width, 3), (30, 160, 220), np.uint8)
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    picture = Picture(View((around,), (around.width, around.height)), jpeg)
    return Exhibit(
        id=note.id,
        seq=note.seq,
        monitor=1,
        size=note.size,
        wall_time=note.captured_wall_time,
        cause="content",
        rule="new content",
        regions=note.regions,
        caption="14:03:20, screen 1 (900x900)",
        pictures=(picture,),
        stages={"encode": 2.0, "send": 8.0, "answer": 300.0},
    )


def entry(seq: int, fate: Fate) -> Entry:
    now = time.time()
    rule = "new content" if fate is Fate.SENT else "one of many flickering values"
    found = Entry(0, 1, [(seq, seq)], now, now, fate, rule, (Rect(1, 2, 30, 40),))
    return attrs.evolve(found, note=f"{NOTE.session}-{seq}") if fate is Fate.SENT else found


if __name__ == "__main__":
    trio.run(main)
