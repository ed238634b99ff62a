from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import trio

from hud.channel import Observers, open_edge
from hud.errors import UsageError
from hud.latency import Drop, Latency, Span, Spans, percentiles
from hud.pipeline import Pipeline, edges, run_pipeline
from hud.trace import open_trace
from tests import fakes


@pytest.fixture
def line():
    """A pipeline whose stages need known times."""
    return Pipeline(
        fakes.Count(period=1.0, most=20),
        fakes.Map(fakes.every_third),
        fakes.Map(fakes.as_shot, work=0.05),
        fakes.Map(fakes.answered, work=4.0),
        fakes.Map(lambda delta: delta),
        {"sink": fakes.Map(lambda _note: None, work=0.01)},
    )


async def test_spans_say_how_long_each_stage_worked(autojump_clock, line):
    latency = Latency()
    await run_pipeline(line, stop=trio.Event(), observer=Observers([Spans(latency.take)]))
    (work,) = {round(each, 3) for each in latency.samples["encode", "work"]}
    assert work == 0.05
    assert {round(each, 3) for each in latency.samples["send", "work"]} == {4.0}
    # Frames 6 and 9, 12 and 15 come while the model is busy.
    assert latency.drops["change→encode", "merged"] >= 1
    assert latency.drops["change→encode", "ignored"] == 14


async def test_what_is_kept_of_the_times_is_bounded_by_what_is_in_flight(autojump_clock):
    spans = Spans(lambda _: None)
    outbox, inbox = open_edge("change→encode", edges({})["encode"], spans)
    for seq in range(50):
        await outbox.send(fakes.always(fakes.frame(seq)))
        assert len(spans._offered) == 1
    await inbox.receive()
    assert spans._offered == {}


async def test_a_trace_is_json_with_a_row_for_each_stage(autojump_clock, line, tmp_path):
    with open_trace(tmp_path / "t.json") as trace:
        await run_pipeline(line, stop=trio.Event(), observer=Spans(trace.take))
    events = json.loads((tmp_path / "t.json").read_text())[:-1]
    rows = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert {"send (work)", "encode (wait)", "change→encode"} <= set(rows.values())
    spans = [event for event in events if event["ph"] == "X"]
    sends = [event for event in spans if rows[event["tid"]] == "send (work)"]
    assert {event["dur"] for event in sends} == {4_000_000}
    assert sorted(event["ts"] for event in sends) == [event["ts"] for event in sends]
    assert all(set(event["args"]) == {"frame"} for event in spans)
    assert oct((tmp_path / "t.json").stat().st_mode)[-3:] == "600"


async def test_a_full_disk_ends_the_trace_and_not_the_run(autojump_clock, line):
    said = []
    with open_trace(Path("/dev/full"), said.append) as trace:
        await run_pipeline(line, stop=trio.Event(), observer=Spans(trace.take))
    assert said == ["the trace ends here: No space left on device"]


async def test_a_trace_that_cannot_be_written_is_one_line(tmp_path):
    with (
        pytest.raises(UsageError, match="cannot be written: No such file"),
        open_trace(tmp_path / "no" / "t.json"),
    ):
        pass


def test_what_is_kept_is_what_is_in_flight():
    seen, now = [], [0.0]
    spans = Spans(seen.append, now=lambda: now[0])
    for number in range(1000):
        frame = fakes.frame(number)
        spans.offered("capture→change", frame)
        now[0] += 1.0
        (spans.taken if number % 2 else spans.dropped)("capture→change", frame)
    assert len(spans._offered) == 0
    assert sum(isinstance(each, Drop) for each in seen) == 500
    assert {each.end - each.begin for each in seen if isinstance(each, Span)} == {1.0}


def test_percentiles_by_nearest_rank():
    assert percentiles(range(1, 101), 0.5, 0.95, 0.99) == [50, 95, 99]
    assert percentiles([7.0], 0.01, 0.99) == [7.0, 7.0]
    assert math.isnan(percentiles([], 0.5)[0])
