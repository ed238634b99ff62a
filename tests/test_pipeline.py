from __future__ import annotations

import itertools

import attrs
import pytest
import trio

from hud.channel import Handoff
from hud.errors import PipelineError, ServiceError, StageFailedError, unwrapped
from hud.items import Fate, Note
from hud.ledger import Ledger
from hud.pipeline import Pipeline, run_pipeline, run_recording
from stages.assemble import Assemble
from tests import fakes


@attrs.frozen
class Keep:
    """A sink that keeps the finished notes; may fail first, may be slow."""

    notes: list[Note] = attrs.field(factory=list)
    failures: list[int] = attrs.field(factory=list)
    work: float = 0.0

    async def run(self, inbox, outbox) -> None:
        async for note in inbox:
            await trio.sleep(self.work)
            if self.failures:
                self.failures.pop()
                raise OSError("No space left on device")
            self.notes.append(note)
            await outbox.send(note)


def pipeline(*sinks: Keep, **stages) -> Pipeline:
    defaults = {
        "capture": fakes.Count(),
        "change": fakes.Map(fakes.always),
        "encode": fakes.Map(fakes.as_shot),
        "send": fakes.Map(fakes.answered, work=1.0),
        "assemble": Assemble(),
        "sinks": {f"sink{number}": sink for number, sink in enumerate(sinks)},
    }
    return Pipeline(**defaults | stages)


async def run_for(line: Pipeline, seconds: float, observer=None, grace: float = 10.0) -> None:
    stop = trio.Event()
    with unwrapped():
        await _run_for(line, stop, seconds, observer, grace)


async def _run_for(line, stop, seconds, observer, grace) -> None:
    async with trio.open_nursery() as nursery:

        async def ring() -> None:
            await trio.sleep(seconds)
            stop.set()

        nursery.start_soon(ring)
        await run_pipeline(line, stop=stop, observer=observer, grace=grace)
        nursery.cancel_scope.cancel()


async def test_what_is_sent_is_always_the_present(autojump_clock):
    sink = Keep()
    await run_for(pipeline(sink), 10)
    seqs = [note.seq for note in sink.notes]
    gaps = [later - earlier for earlier, later in itertools.pairwise(seqs)]
    assert len(seqs) in range(9, 13)
    assert all(9 <= gap <= 11 for gap in gaps[:-1])
    ages = [note.sent_time - note.captured_time for note in sink.notes]
    assert max(ages) <= 1.2  # the model's own second lies in between: sent_time is after its work


@pytest.mark.parametrize("handoff", list(Handoff))
async def test_every_handoff_drains_in_order(autojump_clock, handoff):
    sink = Keep()
    line = attrs.evolve(
        pipeline(sink), handoffs=dict.fromkeys(["change", "encode", "send"], handoff)
    )
    await run_for(line, 5)
    seqs = [note.seq for note in sink.notes]
    assert seqs == sorted(set(seqs))
    assert len(seqs) >= 5


async def test_every_frame_has_one_fate(autojump_clock):
    ledger = Ledger()
    line = pipeline(Keep(), change=fakes.Map(fakes.every_third, work=0.15))
    await run_for(line, 20, ledger)
    ledger.close()
    assert sum(ledger.fates.values()) == ledger.captured > 100
    assert {Fate.UNCHANGED, Fate.REPLACED, Fate.MERGED, Fate.SENT} <= set(ledger.fates)
    assert "unchanged" in ledger.summary()


async def test_fates_add_up_when_stages_crash(autojump_clock):
    calls = iter(range(1000))

    def sometimes(change):
        if next(calls) in {3, 4, 20, 21}:  # the second try fails too
            raise ValueError("odd")
        return fakes.as_shot(change)

    ledger = Ledger()
    await run_for(pipeline(Keep(), encode=fakes.Map(sometimes)), 60, ledger)
    ledger.close()
    assert sum(ledger.fates.values()) == ledger.captured
    assert ledger.fates[Fate.FAILED] >= 2


@pytest.mark.parametrize("stage", ["change", "encode"])
async def test_a_crash_over_the_last_picture_of_a_still_screen_loses_nothing(stage, autojump_clock):
    crashes, sink = iter([ValueError("odd")]), Keep()
    works = {"change": fakes.always, "encode": fakes.as_shot}[stage]

    def once(item):
        if item.seq == 5 and (error := next(crashes, None)) is not None:
            raise error
        return works(item)

    ledger = Ledger()
    stages = {"capture": fakes.Count(most=5), stage: fakes.Map(once)}
    await run_pipeline(pipeline(sink, **stages), stop=trio.Event(), observer=ledger)
    assert sink.notes[-1].seq == 5
    assert ledger.fates[Fate.FAILED] == 0
    assert sum(ledger.fates.values()) == ledger.captured


async def test_the_end_of_the_capture_drains_everything(autojump_clock):
    sink = Keep()
    await run_pipeline(pipeline(sink, capture=fakes.Count(most=25)), stop=trio.Event())
    assert sink.notes[-1].seq == 25


async def test_a_failing_sink_loses_nothing_and_holds_nobody_up(autojump_clock):
    failing, healthy, slow = Keep(failures=[1, 2, 3]), Keep(), Keep(work=3.0)
    events = fakes.Events()
    await run_for(pipeline(failing, healthy, slow), 10, events, grace=60)
    assert [note.seq for note in failing.notes] == [note.seq for note in healthy.notes]
    assert [note.seq for note in slow.notes] == [note.seq for note in healthy.notes]
    assert [(stage, error) for stage, error, _ in events.crashes] == [
        ("sink0", "No space left on device")
    ] * 3


async def test_a_stage_that_crashes_too_often_ends_the_run(autojump_clock):
    def broken(_change):
        raise ZeroDivisionError("by zero")

    with pytest.raises(StageFailedError, match=r"encode crashed 6 times.*by zero"):
        await run_for(pipeline(Keep(), encode=fakes.Map(broken)), 1000)


async def test_a_refusal_ends_the_run_at_once(autojump_clock):
    def refuse(_shot):
        raise ServiceError("insufficient_quota")

    start = trio.current_time()
    with pytest.raises(ServiceError, match="insufficient_quota"):
        await run_for(pipeline(Keep(), send=fakes.Map(refuse)), 1000)
    assert trio.current_time() - start < 2


async def test_the_grace_period_ends_what_does_not_drain(autojump_clock):
    with pytest.raises(PipelineError, match="work in flight"):
        await run_for(pipeline(Keep(work=1e6)), 3, grace=5)


async def test_a_recording_gets_every_frame_it_can_write(autojump_clock):
    kept = Keep(work=0.25)
    await run_recording(fakes.Count(most=40), kept, stop=trio.Event())
    times = [frame.time for frame in kept.notes]
    assert len(times) in range(10, 41)
    assert times == sorted(times)


async def test_a_frame_that_is_passed_on_later_still_has_one_fate():
    ledger = Ledger()
    frame = fakes.frame(1)
    ledger.offered("capture→change", frame)
    held = attrs.evolve(fakes.always(frame), regions=(), fate=Fate.MERGED)
    ledger.offered("change→encode", held)
    ledger.ignored("change→encode", held)
    assert ledger.fates[Fate.MERGED] == 1
    ledger.offered("change→encode", fakes.always(frame))
    ledger.offered("send→assemble", fakes.answered(fakes.as_shot(fakes.always(frame))))
    assert (ledger.fates[Fate.MERGED], ledger.fates[Fate.SENT], ledger.in_flight) == (0, 1, 0)
