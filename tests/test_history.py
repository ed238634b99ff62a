from __future__ import annotations

import collections
import json

import attrs
import pytest
import trio

from hud import past as past_module
from hud.channel import Observers
from hud.fates import Entry, Exhibit
from hud.history import History
from hud.items import Fate, Picture, Status, View
from hud.ledger import Ledger
from hud.past import ENTRIES, Past
from hud.pipeline import Pipeline, run_pipeline
from hud.rect import Rect
from tests import fakes


async def watched(count, detect=fakes.every_third, answer=4.0, encode=fakes.as_shot, period=1.0):
    ledger = Ledger()
    history = History(ledger)
    line = Pipeline(
        fakes.Count(period=period, most=count),
        fakes.Map(detect),
        fakes.Map(encode),
        fakes.Map(fakes.answered, work=answer),
        fakes.Map(lambda _delta: None),
        {},
    )
    # The history first: it must know a frame before the ledger knows its end.
    await run_pipeline(line, stop=trio.Event(), observer=Observers([history, ledger]))
    history.close()
    return ledger, history


def counted(entries):
    counts: collections.Counter[Fate] = collections.Counter()
    for entry in entries:
        counts[entry.fate] += entry.count
    return {fate: count for fate, count in counts.items() if count}


def every_fate(frame):
    """Changes of all kinds, one after the other, and a crash now and then."""
    if frame.seq % 400 in range(7, 12):  # what it fails over twice is lost
        raise RuntimeError("a bug")
    if frame.seq % 5 == 1:
        return fakes.always(frame)
    kinds = {2: Fate.UNCHANGED, 3: Fate.NOISE}
    return fakes.Change(frame, (), None, f"rule {frame.seq % 5}", kinds.get(frame.seq % 5))


async def test_the_sum_of_all_fates_is_the_number_of_frames(autojump_clock):
    ledger, history = await watched(600, every_fate, answer=0.7, period=0.1)
    counts = counted(history.past.entries)
    assert counts == {fate: count for fate, count in ledger.fates.items() if count}
    assert sum(counts.values()) == ledger.captured >= 500
    assert set(counts) >= {Fate.UNCHANGED, Fate.NOISE, Fate.MERGED, Fate.SENT, Fate.FAILED}


async def test_every_frame_is_in_one_entry(autojump_clock):
    ledger, history = await watched(600, every_fate, answer=0.7, period=0.1)
    ranges = [each for entry in history.past.entries for each in entry.frames]
    frames = [seq for first, last in ranges for seq in range(first, last + 1)]
    assert len(set(frames)) == len(frames) == ledger.captured


async def test_every_end_has_its_reason(autojump_clock):
    _ledger, history = await watched(600, every_fate, answer=0.7, period=0.1)
    assert all(entry.rule for entry in history.past.entries)
    failed = [entry for entry in history.past.entries if entry.fate is Fate.FAILED]
    assert {entry.rule for entry in failed} == {"change failed: RuntimeError"}


@attrs.frozen
class ComesToRest:
    """A detector that passes a frame on after all, when it saw no more for a while."""

    async def run(self, inbox, outbox):
        async for frame in inbox:
            await outbox.send(fakes.Change(frame, (), None, "it moves", Fate.NOISE))
            await trio.sleep(0.5)
            if frame.seq % 4 == 0:
                await outbox.send(attrs.evolve(fakes.always(frame), rule="it rests"))


async def test_a_frame_that_comes_to_rest_has_one_end_and_its_reason(autojump_clock):
    ledger = Ledger()
    history = History(ledger)
    line = Pipeline(
        fakes.Count(period=1.0, most=40),
        ComesToRest(),
        fakes.Map(fakes.as_shot),
        fakes.Map(fakes.answered),
        fakes.Map(lambda _delta: None),
        {},
    )
    await run_pipeline(line, stop=trio.Event(), observer=Observers([history, ledger]))
    assert counted(history.past.entries) == {Fate.NOISE: 30, Fate.SENT: 10}
    sent = [entry for entry in history.past.entries if entry.fate is Fate.SENT]
    assert {(entry.rule, entry.regions) for entry in sent} == {("it rests", (fakes.BOX,))}
    assert all(entry.stages["change"] == pytest.approx(500) for entry in sent)
    assert all(sum(entry.stages.values()) == pytest.approx(entry.milliseconds) for entry in sent)


async def test_a_frame_may_go_on_after_others_have_met_their_end():
    ledger = Ledger()
    both = Observers([history := History(ledger), ledger])
    older, newer = fakes.always(fakes.frame(1)), fakes.always(fakes.frame(2))
    for change in (older, newer):
        both.offered("capture→change", change.frame)
    still = fakes.Change(newer.frame, (), None, "it moves", Fate.MERGED)
    both.ignored("change→encode", still)
    both.merged("change→encode", attrs.evolve(older, rule="it moves"), still, still)
    assert counted(history.past.entries) == {Fate.MERGED: 2}
    both.offered("change→encode", newer)
    shot = fakes.as_shot(newer)
    both.offered("send→assemble", fakes.answered(shot))
    assert counted(history.past.entries) == {Fate.MERGED: 1, Fate.SENT: 1} == dict(+ledger.fates)


async def test_a_frame_that_is_asked_about_twice_has_one_end_two_turns_and_both_costs(
    autojump_clock,
):
    def twice(shot):
        return [
            attrs.evolve(fakes.answered(shot), turn=2 * shot.seq + more, usd=0.5, session="s")
            for more in (0, 1)
        ]

    @attrs.frozen
    class Asking:
        async def run(self, inbox, outbox):
            async for shot in inbox:
                for delta in twice(shot):
                    await outbox.send(delta)

    ledger = Ledger()
    history = History(ledger)
    stages = (fakes.Map(fakes.always), fakes.Map(fakes.as_shot), Asking())
    line = Pipeline(fakes.Count(period=1.0, most=5), *stages, fakes.Map(lambda _delta: None), {})
    await run_pipeline(line, stop=trio.Event(), observer=Observers([history, ledger]))
    assert counted(history.past.entries) == {Fate.SENT: 5}
    assert [entry.usd for entry in history.past.entries] == [1.0] * 5
    assert list(history.past.exhibits) == [f"s-{turn}" for turn in range(2, 12)]
    assert sum(each.usd for each in history.past.exhibits.values()) == 5.0


async def test_an_entry_says_why(autojump_clock):
    _ledger, history = await watched(30)
    entries = history.past.entries
    sent = [entry for entry in entries if entry.fate is Fate.SENT]
    assert all(entry.text == f"note {entry.last}" for entry in sent)
    assert all(entry.milliseconds >= 4000 for entry in sent)
    assert all(entry.stages["answer"] >= 0 for entry in sent)
    assert {"capture", "before change", "change", "before encode", "encode"} < set(sent[1].stages)
    # A frame comes each second, and what waited for the model is shown as of the newest.
    assert all(entry.stages["before encode"] <= 1000 for entry in sent)
    merged = [entry for entry in entries if entry.fate is Fate.MERGED]
    assert all(entry.into > entry.last for entry in merged)
    quiet = next(entry for entry in entries if entry.fate is Fate.UNCHANGED)
    assert quiet.frames[:2] == [(1, 2), (4, 5)]
    assert "7 of frames 1 to 11" in quiet.line()
    assert "at 8x8 at 0,0" in sent[0].line()
    assert json.loads(json.dumps(sent[0].record()))["fate"] == "sent"


async def test_an_entry_can_be_read_back_and_found(autojump_clock):
    _ledger, history = await watched(30)
    entries = [Entry.of(record) for record in json.loads(json.dumps(history.answer()))["entries"]]
    assert sorted(entry.number for entry in entries) == [e.number for e in history.past.entries]
    merged = next(entry for entry in entries if entry.into is not None)
    first = merged.frames[0][0]
    assert merged.concerns(first)
    assert merged.concerns(merged.into)
    assert not merged.concerns(first - 1)
    found = history.answer(str(first))["entries"]
    assert [entry["number"] for entry in found] == [merged.number]


async def test_what_a_note_was_made_from_is_found_by_frame_id_time_and_words(autojump_clock):
    _ledger, history = await watched(30)
    last = list(history.past.exhibits.values())[-1]
    for wanted in (str(last.seq), last.id, f"NOTE {last.seq}"):
        answer = json.loads(json.dumps(history.answer(wanted)))
        exhibit = Exhibit.of(answer["exhibit"])
        assert attrs.evolve(exhibit, stages=last.stages).id == last.id
        assert exhibit.text == f"note {last.seq}"
        assert [picture.jpeg for picture in exhibit.pictures] == [b"jpeg"]
        assert exhibit.regions == last.regions == (fakes.BOX,)
        assert exhibit.caption == "caption"
        assert any(entry["fate"] == "sent" for entry in answer["entries"])
    assert history.answer("nobody said this") == {"entries": [], "exhibit": None}


async def test_a_number_that_is_no_frame_is_looked_for_in_the_notes(autojump_clock):
    _ledger, history = await watched(30)
    name, last = list(history.past.exhibits.items())[-1]
    history.past.exhibits[name] = attrs.evolve(last, text=f"order 31035, {last.seq - 1}")
    answer = history.answer("31035")
    assert answer["exhibit"]["id"] == last.id
    assert [entry["number"] for entry in answer["entries"]] == [
        entry["number"] for entry in history.answer(str(last.seq))["entries"]
    ]
    # A frame of that number comes first.
    about = history.answer(str(last.seq - 1))["exhibit"]
    assert about is None or about["id"] != last.id
    assert history.answer("9" * 5000) == {"entries": [], "exhibit": None}


async def test_what_is_remembered_is_bounded(autojump_clock):
    _ledger, history = await watched(5000, detect=fakes.always, answer=0.0)
    assert len(history.past.entries) == ENTRIES
    assert len(history.past.exhibits) == past_module.EXHIBITS
    assert not history._flights


def exhibit(name, size):
    picture = Picture(View((fakes.BOX,), (8, 8)), bytes(size))
    return Exhibit(name, 1, 1, (8, 8), 0.0, "content", "new", (), "", (picture,))


def test_the_oldest_pictures_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(past_module, "WEIGHT", 1000)
    past = Past()
    for name in "abc":
        past.show(exhibit(name, 400))
    assert list(past.exhibits) == ["b", "c"]
    past.show(attrs.evolve(exhibit("b", 400), status=Status.COMPLETED))
    assert list(past.exhibits) == ["c", "b"]
    past.show(exhibit("d", 5000))
    assert list(past.exhibits) == ["d"]


def entry(seq, time=0.0, rule="a clock", **more):
    return Entry(0, 1, [(seq, seq)], time, time, Fate.NOISE, rule, **more)


def test_frames_of_one_reason_share_an_entry_for_a_while():
    past = Past()
    for seq in range(1, 101):
        past.settle(entry(seq, seq, rule="a clock" if seq % 2 else "a caret"))
    assert sum(each.count for each in past.entries) == 100
    assert len(past.entries) == 18
    alone = Past()
    for seq in range(1, 101):
        alone.settle(entry(seq, seq))
    assert [each.frames for each in alone.entries] == [[(1, 61)], [(62, 100)]]


def test_a_frame_that_is_taken_out_again_is_told_to_who_follows():
    past = Past()
    past.settle(entry(1))
    past.settle(entry(2))
    known = past.version
    assert past.reopen(2, 2.0, {}).frames == [(2, 2)]
    assert past.reopen(7, 7.0, {}) is None
    [changed], _ = past.since(known)
    assert changed.frames == [(1, 1)]
    past.reopen(1, 1.0, {})
    assert past.entries[0].count == 0


def test_endless_reasons_and_regions_are_bounded():
    past = Past()
    for seq in range(1, 200):
        past.settle(entry(seq, rule=f"{seq} bits"))
    assert len(past._growing) == past_module.KINDS
    for seq in range(200, 230):
        past.settle(entry(seq, rule="same", regions=(Rect(seq, 0, 1, 1),)))
    assert len(past.entries[-1].regions) <= past_module.REGIONS
