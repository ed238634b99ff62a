"""Pictures that nobody draws into are kept, not copied; what is judged is the same."""

import attrs

from hud.items import Frame
from stages.change.detector.detector import Detector

from .drawing import Screen


def frames():
    """A line appears, a value changes, a caret blinks, each picture in memory of its own."""
    screen = Screen(detector=Detector())
    screen.text(40, 40, "An ordinary window title")
    for number in range(60):
        if number == 30:
            screen.text(40, 200, "error: no such file or directory")
        if number % 20 == 10:
            screen.value(300, 120, f"total {number}")
        screen.fill(60, 110, 2, 18, ((number // 5 % 2) * 255,) * 3)
        yield Frame(number, 1, 10.0 + number / 10, 0.0, screen.pixels.copy())


def passed(given):
    detector = Detector()
    return [(frame.seq, detector.look(frame).regions) for frame in given]


def read_only(frame):
    pixels = frame.pixels
    pixels.flags.writeable = False
    return attrs.evolve(frame, pixels=pixels)


def test_the_same_is_passed_on():
    plain = passed(frames())
    assert any(regions for _, regions in plain[1:])
    assert passed(map(read_only, frames())) == plain


def test_one_that_may_be_drawn_into_follows_one_that_may_not():
    mixed = [read_only(frame) if frame.seq % 3 else frame for frame in frames()]
    assert passed(mixed) == passed(frames())
