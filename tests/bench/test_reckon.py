"""What was drawn, joined with what arrived and what was observed."""

from __future__ import annotations

import attrs
import pytest
import trio

from hud.bench.model import Arrival
from hud.bench.observe import Record, Recorder, Steps, Turn
from hud.bench.reckon import Act, Use, figures
from hud.bench.scenes import Drawn
from hud.latency import Drop, Span
from hud.pipeline import Pipeline, run_pipeline
from hud.rect import Rect
from tests import fakes

HERE, THERE = Rect(10, 10, 200, 13), Rect(900, 500, 200, 13)


def turn(at, shown, *, seq=1, word=0.1):
    return Turn(seq, (shown,), at, at + 0.001, at + 0.002, at + word)


def act(*drawn, used=()):
    return Act(100.0, 110.0, list(drawn), list(used))


def record(turns=(), spans=(), drops=()):
    return Record("woken", list(spans), list(drops), list(turns), [])


def only(scene, metric):
    ((sample,),) = scene.metrics[metric]
    return sample


def test_a_change_arrives_with_the_first_request_that_shows_its_place():
    turns = [turn(101.001, THERE), turn(101.003, HERE, word=0.1), turn(101.5, HERE)]
    arrivals = [Arrival(each.sent, 1000) for each in turns]
    scene = figures(act(Drawn(101.0, HERE)), record(turns), arrivals, None)
    assert (scene.changes, scene.shown, scene.turns) == (1, 1, 3)
    assert only(scene, "change_to_wire") == pytest.approx(5.0)
    assert only(scene, "change_to_first_word") == pytest.approx(103.0)
    assert scene.kilobytes == 3.0


def test_a_turn_whose_request_never_arrived_does_not_take_another_ones():
    turns = [turn(101.001, THERE), turn(101.5, HERE), turn(102.0, THERE)]
    arrivals = [Arrival(each.sent, 1000) for each in turns[1:]]
    scene = figures(act(Drawn(101.4, HERE)), record(turns), arrivals, None)
    assert scene.turns == 2
    assert only(scene, "change_to_wire") == pytest.approx(102.0)


def test_a_request_with_older_pixels_does_not_show_it():
    """Its close-up was cut before the change, though it arrives after it."""
    turns = [Turn(1, (HERE,), 100.9, 101.2, 101.3, 101.4)]
    scene = figures(act(Drawn(101.0, HERE)), record(turns), [Arrival(101.3, 1)], None)
    assert (scene.changes, scene.shown) == (1, 0)
    assert "change_to_wire" not in scene.metrics


def test_what_arrives_outside_of_a_scene_is_not_counted_in_it():
    turns = [turn(99.0, HERE), turn(110.5, HERE)]
    arrivals = [Arrival(each.sent, 1000) for each in turns]
    spans = [Span("change", "work", 1, 99.0, 99.1), Span("change", "work", 2, 105.0, 105.002)]
    drops = [Drop("change→encode", "merged", 1, time) for time in (99.0, 104.0, 111.0)]
    scene = figures(act(Drawn(101.0, HERE)), record(turns, spans, drops), arrivals, None)
    assert (scene.turns, scene.shown) == (0, 0)
    assert only(scene, "change_work") == 2.0
    assert scene.drops == {"change→encode merged": 1}


def test_the_time_in_which_the_detector_holds_a_change_is_told_apart():
    """Frame 7 holds the line first, the change is passed on with frame 8."""
    spans = [
        Span("capture", "work", 7, 101.001, 101.002),
        Span("change", "work", 7, 101.002, 101.004),
        Span("capture", "work", 8, 101.030, 101.031),
        Span("encode", "wait", 8, 101.044, 101.045),
    ]
    turns = [turn(101.03, HERE, seq=8)]
    drawn = act(Drawn(101.0, HERE))
    scene = figures(drawn, record(turns, spans), [Arrival(101.046, 1)], None)
    assert only(scene, "wake") == 1.0
    assert only(scene, "change_held") == pytest.approx(40.0)


def test_a_frame_is_stale_from_the_next_one_on():
    turns = [Turn(1, (HERE,), 101.0, 101.3, 101.31, 101.4), turn(102.0, HERE, seq=3)]
    looks = [(1, 101.0), (2, 101.29), (3, 102.0)]
    spans = [Span("capture", "work", seq, begin, begin + 0.001) for seq, begin in looks]
    arrivals = [Arrival(each.sent, 1) for each in turns]
    scene = figures(act(), record(turns, spans), arrivals, None)
    assert scene.metrics["stale_when_sent"] == [[pytest.approx(20.0), 0.0]]


def test_cpu_is_what_is_used_between_two_looks_and_x_counts_without_the_scene():
    uses = [Use(100 + n / 2, n * 0.01, n * 0.02, 90.0) for n in range(5)]
    last = Use(102.01, 0.0401, 0.0801, 91.0)
    scene = figures(act(used=[*uses, last]), record(), [], 3.0)
    hud, x = scene.samples("cpu_hud"), scene.samples("cpu_x_extra")
    # The look at the end stands for the one shortly before it.
    assert len(hud) == 4
    assert hud == pytest.approx([2.0] * 4, abs=0.1)
    assert x == pytest.approx([1.0] * 4, abs=0.1)


async def test_what_the_recorder_sees_of_a_pipeline(autojump_clock):
    line = Pipeline(
        fakes.Count(period=1.0, most=4),
        fakes.Map(fakes.always, work=0.002),
        fakes.Map(fakes.as_shot, work=0.05),
        fakes.Map(lambda shot: attrs.evolve(fakes.answered(shot), text="Seen."), work=0.2),
        fakes.Map(lambda _delta: None),
        {},
    )
    recorder, steps = Recorder(), Steps()
    await run_pipeline(line, stop=trio.Event(), observer=recorder)
    seen = recorder.record("by the clock", steps)
    assert [each.seq for each in seen.turns] == [1, 2, 3, 4]
    assert all(each.first_word >= each.sent > each.taken > each.captured for each in seen.turns)
    works = {(span.stage, round(span.end - span.begin, 3)) for span in seen.spans
             if span.kind == "work"}  # fmt: skip
    assert works == {("capture", 0.0), ("change", 0.002), ("encode", 0.05), ("send", 0.2)}


async def test_a_step_that_holds_up_the_loop_is_written_down():
    import time

    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    await trio.lowlevel.checkpoint()
    time.sleep(0.02)  # noqa: ASYNC251 - that is what is looked for
    await trio.lowlevel.checkpoint()
    trio.lowlevel.remove_instrument(steps)
    longest = max(steps.long, key=lambda step: step.seconds)
    assert longest.seconds >= 0.02
    assert longest.cpu < longest.seconds
