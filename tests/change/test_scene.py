"""A recorded scene, end to end: a page that loads, a bar that comes and goes, an update."""

from pathlib import Path

from benchmarks.replay import load, play
from benchmarks.scoring import score
from stages.change.detector.detector import Detector

LOAD = Path(__file__).parents[1] / "scenes" / "load"


def test_a_page_loads():
    scene, frames = load(LOAD)
    result = score(scene, play(frames, Detector()))
    assert result.missed == ()
    assert result.wasted <= 2
    assert result.sends <= 9
