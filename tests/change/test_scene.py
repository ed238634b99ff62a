"""Recorded scenes of real programs, end to end, through the stages of `hud estimate`."""

from pathlib import Path

import pytest

from benchmarks.replay import load, sends
from benchmarks.scoring import score, together
from hud import scene as scenes
from stages.change.tiles import Tiles

SCENES = sorted(path.parent for path in Path(__file__).parents[1].glob("scenes/*/scene.json"))


def run(folder, sensitivity="normal", every=1):
    labels, thinned = load(folder, every)
    frames = thinned if every > 1 else list(scenes.load(folder).frames())
    return score(labels, sends(frames, Tiles(sensitivity=sensitivity).detector()))


@pytest.mark.parametrize("folder", SCENES, ids=lambda folder: folder.name)
def test_every_change_is_caught_and_little_is_wasted(folder):
    result = run(folder)
    assert result.missed == ()
    assert result.wasted <= 2
    assert result.sends <= 9


def test_half_the_frames_give_the_same_verdict():
    results = [run(folder, every=2) for folder in SCENES]
    assert [event["label"] for result in results for event in result.missed] == []
    assert together(results).row()["wasted"] <= 0.2


def test_a_higher_sensitivity_sends_no_less():
    low, normal, high = (
        together([run(folder, word) for folder in SCENES]) for word in ("low", "normal", "high")
    )
    assert low.sends <= normal.sends <= high.sends
    assert low.caught <= normal.caught <= high.caught
