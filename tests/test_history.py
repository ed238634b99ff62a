from __future__ import annotations

import json

import trio

from hud.channel import Observers
from hud.history import ENTRIES, Entry, History
from hud.items import Fate
from hud.ledger import Ledger
from hud.pipeline import Pipeline, run_pipeline
from tests import fakes


async def watched(count, detect=fakes.every_third, answer=4.0):
    ledger = Ledger()
    history = History(ledger)
    line = Pipeline(
        fakes.Count(period=1.0, most=count),
        fakes.Map(detect),
        fakes.Map(fakes.as_shot),
        fakes.Map(fakes.answered, work=answer),
        fakes.Map(lambda _delta: None),
        {},
    )
    # The history first: it must know a frame before the ledger knows its end.
    await run_pipeline(line, stop=trio.Event(), observer=Observers([history, ledger]))
    ledger.close()
    return ledger, history


async def test_every_frame_is_in_one_entry_with_its_fate(autojump_clock):
    ledger, history = await watched(60)
    counted: dict[Fate, int] = {}
    for entry in history.entries:
        counted[entry.fate] = counted.get(entry.fate, 0) + entry.last - entry.first + 1
    assert counted == {fate: count for fate, count in ledger.fates.items() if count}
    assert sum(counted.values()) == ledger.captured


async def test_an_entry_says_why(autojump_clock):
    _ledger, history = await watched(30)
    sent = [entry for entry in history.entries if entry.fate is Fate.SENT]
    assert all(entry.text == f"note {entry.first}" for entry in sent)
    assert all(entry.milliseconds >= 4000 for entry in sent)
    merged = [entry for entry in history.entries if entry.fate is Fate.MERGED]
    assert all(entry.into > entry.last for entry in merged)
    quiet = next(entry for entry in history.entries if entry.fate is Fate.UNCHANGED)
    assert "frames 1 to 2" in quiet.line()
    assert "at 8x8 at 0,0" in sent[0].line()
    assert json.loads(json.dumps(sent[0].record()))["fate"] == "sent"


async def test_an_entry_can_be_read_back_and_found(autojump_clock):
    _ledger, history = await watched(30)
    entries = [Entry.of(record) for record in json.loads(json.dumps(history.answer()))["entries"]]
    assert entries == list(history.entries)
    merged = next(entry for entry in entries if entry.into is not None)
    assert merged.concerns(merged.first)
    assert merged.concerns(merged.into)
    assert not merged.concerns(merged.first - 1)


async def test_what_is_remembered_is_bounded(autojump_clock):
    _ledger, history = await watched(5000, detect=fakes.always, answer=0.0)
    assert len(history.entries) == ENTRIES
    assert len(history._open) == 0
