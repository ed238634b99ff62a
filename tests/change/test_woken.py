"""What X tells of the moment it is drawn: the first line of a burst goes at once, and alone."""

import itertools

import numpy as np
import pytest

from hud.items import Frame
from stages.change.detector.detector import Detector
from stages.change.detector.options import SENSITIVITY

from .drawing import BLACK, WHITE, Screen

LINE = "error: no such file or directory"


class Woken:
    """A screen of which a frame comes only when something was drawn on it."""

    def __init__(self, detector=None):
        self.screen = Screen(detector=detector)
        self.screen.text(40, 40, "An ordinary window title")
        self.time, self.seqs = self.screen.time, itertools.count()
        self.passed, self.regions = [], []
        self.drawn()
        self.wait(4)
        self.forget()

    def forget(self):
        self.passed.clear()
        self.regions.clear()

    def drawn(self):
        """Give what was drawn to the detector; seconds until it was passed on, None: not yet."""
        frame = Frame(
            next(self.seqs), 1, self.time, 0.0, self.screen.pixels.copy(), None, woken=True
        )
        if regions := self.screen.detector.look(frame).regions:
            self.passed.append(self.time)
            self.regions += regions
        return 0.0 if self.passed and self.passed[-1] == self.time else None

    def wait(self, seconds):
        end = self.time + seconds
        while (due := self.screen.detector.due()) is not None and due <= end:
            if (change := self.screen.detector.wake(due)) is not None:
                self.passed.append(due)
                self.regions += change.regions
        self.time = end

    def seen(self, rows):
        """Whether each of these rows of text was passed on."""
        return all(any(r.y < row - 4 < r.bottom for r in self.regions) for row in rows)


@pytest.fixture
def woken():
    return Woken()


def test_a_line_after_quiet_goes_at_once(woken):
    woken.screen.text(40, 200, LINE)
    assert woken.drawn() == 0.0


def test_a_changed_value_goes_at_once(woken):
    woken.screen.value(40, 200, "total 118")
    woken.drawn()
    woken.wait(8)
    woken.screen.value(40, 200, "total 975")
    assert woken.drawn() == 0.0


@pytest.mark.parametrize("gap", [0.002, 0.01, 0.03])
def test_the_other_lines_of_a_burst_go_together(woken, gap):
    for row in range(6):
        woken.screen.text(40, 120 + 20 * row, f"{row} {LINE}")
        woken.drawn()
        woken.wait(gap)
    woken.wait(2)
    assert len(woken.passed) == 2


def test_a_line_that_stops_at_a_caret_may_go_on(woken):
    woken.screen.text(40, 200, "error: no such")
    woken.screen.fill(132, 187, 8, 16, BLACK)
    assert woken.drawn() is None
    woken.wait(0.005)
    woken.screen.fill(132, 187, 8, 16)
    woken.screen.text(140, 200, "file or directory")
    woken.drawn()
    woken.wait(2)
    assert len(woken.passed) == 1


def test_a_caret_that_went_first_holds_nothing_up(woken):
    for colour in (0, 255):
        woken.screen.fill(40, 187, 8, 16, (colour,) * 3)
        woken.drawn()
        woken.wait(0.007 if colour else 3)
    woken.screen.text(40, 200, LINE)
    assert woken.drawn() == 0.0


def test_a_word_typed_letter_by_letter_waits_for_its_end(woken):
    for number, letter in enumerate("ready"):
        woken.screen.text(40 + 10 * number, 200, letter)
        assert woken.drawn() is None
        woken.wait(0.15)
    woken.wait(2)
    assert len(woken.passed) == 1


def test_low_sensitivity_watches_everything():
    woken = Woken(Detector(SENSITIVITY["low"]))
    woken.screen.text(40, 200, LINE)
    assert woken.drawn() is None
    woken.wait(2)
    assert len(woken.passed) == 1


@pytest.mark.parametrize(("rows", "every"), [(1, 0.8), (1, 1.5), (2, 1.5), (3, 1.5), (3, 2.5)])
def test_output_that_comes_at_a_rhythm_is_never_noise(rows, every):
    """Whatever a program prints behind its caret stands in a fresh place each time."""
    woken, y = Woken(Detector()), 60
    woken.screen.fill(10, y - 12, 8, 16, BLACK)
    woken.drawn()
    woken.wait(3)
    woken.forget()
    blocks = 280 // (20 * rows)
    for block in range(blocks):
        woken.screen.fill(10, y - 12, 8, 16, WHITE)
        for _ in range(rows):
            woken.screen.text(10, y, f"{block}. something has changed, for the {block}. time")
            y += 20
        woken.screen.fill(10, y - 12, 8, 16, BLACK)
        woken.drawn()
        woken.wait(every)
    woken.wait(3)
    assert len(woken.passed) >= blocks * min(1.0, every / 1.5) - 1
    assert woken.seen(range(60, y, 20))


@pytest.mark.parametrize(("width", "height"), [(86, 76), (170, 90)])
def test_a_dialog_goes_at_once(woken, width, height):
    woken.screen.fill(200, 120, width, height, (220, 235, 250))
    for row in range(3):
        woken.screen.text(206, 140 + 20 * row, "Save it?")
    assert woken.drawn() == 0.0


def test_an_empty_window_is_not_complete(woken):
    woken.screen.fill(200, 120, 170, 90, (220, 235, 250))
    assert woken.drawn() is None
    woken.wait(0.05)
    woken.screen.text(210, 150, "Save it?")
    woken.drawn()
    woken.wait(2)
    assert len(woken.passed) == 1


def test_a_film_that_begins_is_no_dialog(woken):
    for _ in range(20):
        woken.screen.pixels[120:210, 200:370, :3] = np.random.randint(0, 255, (90, 170, 3))
        assert woken.drawn() is None
        woken.wait(0.04)
