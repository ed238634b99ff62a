from __future__ import annotations

import json

import attrs
import pytest

from hud import scene as scenes
from hud.estimate import Assumptions, Estimate, estimate
from hud.items import Cause, Change, Fate, Usage
from hud.packaged import recording
from hud.realtime.models import FREE, MODELS, cost
from stages.change.tiles import Tiles
from stages.encode.jpeg import Jpeg
from tests import fakes

ASSUMED = Assumptions("Watch.", MODELS["gpt-realtime-1.5"].price, answer=1.0)


@attrs.frozen
class Detector:
    look: object

    def wake(self, time):
        return None

    def due(self):
        return None


def play(frames, look=fakes.always, shoot=fakes.as_shot, **assumed):
    return estimate(frames, 10.0, Detector(look), shoot, attrs.evolve(ASSUMED, **assumed))


def ticks(count):
    return [fakes.frame(tick + 1, time=tick / 10) for tick in range(count)]


def test_a_busy_model_is_shown_the_present_when_it_is_free():
    result = play(ticks(35))
    assert [sent.frame for sent in result.sends] == [0, 9, 19, 29, 34]
    assert result.fates == {"merged": 30, "sent": 5}


def test_every_frame_has_one_fate():
    result = play(ticks(100), look=fakes.every_third)
    assert sum(result.fates.values()) == 100
    assert result.fates[Fate.UNCHANGED.value] == 67


@attrs.define
class Resting:
    """Passes on each of `rests`, seconds after a frame, one at a time."""

    rests: tuple[float, ...]
    frame: object = None
    waits: list[float] = attrs.Factory(list)

    def look(self, frame):
        self.frame, self.waits = frame, [frame.time + rest for rest in self.rests]
        return Change(frame, (), None, "not yet", Fate.NOISE)

    def due(self):
        return self.waits[0] if self.waits else None

    def wake(self, time):
        assert self.waits.pop(0) <= time
        return Change(self.frame, (fakes.BOX,), Cause.CONTENT, "it rests")


def test_what_comes_to_rest_behind_the_last_frame_is_shown():
    result = estimate(ticks(3), 10.0, Resting((0.5,)), fakes.as_shot, ASSUMED)
    assert [sent.frame for sent in result.sends] == [2]
    assert result.fates == {"noise": 2, "sent": 1}


def test_a_film_that_ends_with_the_recording_is_not_at_rest():
    result = estimate(ticks(3), 10.0, Resting((0.5, 20.0)), fakes.as_shot, ASSUMED)
    assert [sent.frame for sent in result.sends] == [2]


def test_what_is_due_with_a_frame_is_judged_with_it():
    """The third frame comes at 0.30000000000000004 s, what waits for it is due at 0.3."""
    frames = [fakes.frame(1, time=0.0), fakes.frame(2, time=0.1 + 0.2)]
    result = estimate(frames, 10.0, Resting((0.3,)), fakes.as_shot, ASSUMED)
    assert [sent.time for sent in result.sends] == [0.1 + 0.2]


def test_between_two_frames_everything_that_is_due_is_judged():
    frames = [fakes.frame(1, time=0.0), fakes.frame(2, time=10.0)]
    result = estimate(frames, 0.1, Resting((0.5, 1.0, 1.5)), fakes.as_shot, ASSUMED)
    assert len(result.sends) == 6
    assert result.seconds == 20.0


def test_no_heart_beats_behind_the_last_frame():
    detector = Tiles(heartbeat=1.0).detector()
    result = estimate(ticks(3), 10.0, detector, fakes.as_shot, ASSUMED)
    assert len(result.sends) == 1


def test_tokens_and_money_add_up():
    record = play(ticks(35)).record()
    assert record["usage"]["input_tokens"] == sum(send["tokens"] for send in record["sends"])
    assert record["usage"]["image_tokens"] == 5 * 194
    assert record["usd"] > 0
    assert record["usd_per_hour"] == pytest.approx(record["usd"] * 3600 / 3.5, rel=1e-3)
    assert play(ticks(35), price=FREE).usd == 0


def test_the_price_of_the_documented_turn():
    """626 text, 323 image and 22 output tokens on gpt-realtime-1.5."""
    usage = Usage(input_tokens=949, text_tokens=626, image_tokens=323, output_tokens=22)
    assert cost(usage, MODELS["gpt-realtime-1.5"].price) == pytest.approx(0.004471)
    cached = attrs.evolve(usage, cached_tokens=700)
    assert cost(cached, MODELS["gpt-realtime-1.5"].price) < 0.003


def test_the_same_scene_twice_gives_the_same_result():
    scene = scenes.load(recording())

    def run():
        encode = Jpeg().sketcher()
        result = estimate(scene.frames(), scene.fps, Tiles().detector(), encode, ASSUMED)
        return json.dumps(result.record())

    first = run()
    assert first == run()
    assert len(json.loads(first)["sends"]) in range(5, 26)


@pytest.mark.parametrize(("seconds", "warned"), [(8.0, True), (300.0, False)])
def test_a_short_recording_is_called_short(seconds, warned):
    said = Estimate((), {}, seconds, 0.01, ()).text("a model")
    assert ("short for saying what an hour costs" in said) is warned
