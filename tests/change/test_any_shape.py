"""Whatever changes, however small or thin it is, it is judged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.rect import Rect
from stages.change.detector import shapes
from stages.change.detector.detector import Detector
from stages.change.detector.options import SENSITIVITY

from .drawing import Screen

OF_ONE = ("alike_rows", "blank", "caret_moved", "edges", "lettered", "on_a_line", "one_word")
OF_ONE += ("palette", "plain_inside", "sheet", "textual", "vacant", "without_caret")
OF_TWO = ("bar", "caret", "changed_colours", "ends_in_caret", "erased", "filled", "framed")
OF_TWO += ("highlighted", "levels", "nudged", "sharper", "strongest", "written")


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 40), st.integers(1, 120), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_each_question_has_an_answer(height, width, tones, seed):
    rng = np.random.default_rng(seed)
    tone = rng.integers(0, 2**24, tones + 1, np.uint32)
    before, after = (rng.choice(tone, (height, width)) for _ in range(2))
    for name in OF_ONE:
        getattr(shapes, name)(before)
    for name in OF_TWO:
        getattr(shapes, name)(before, after)
    mask = shapes.differ(before, after, 16)
    shapes.tinted(before, after, 8)
    shapes.lines(mask)
    shapes.ruled(mask, int(mask.sum()))
    shapes.fills(mask, Rect(0, 0, width, height))


@pytest.mark.parametrize("sensitivity", SENSITIVITY)
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_screen_of_marks_of_any_size(sensitivity, seed):
    rng = np.random.default_rng(seed)
    screen = Screen(160, 96, detector=Detector(SENSITIVITY[sensitivity]))
    for _ in range(60):
        for _ in range(rng.integers(0, 3)):
            x, y = rng.integers(0, 159), rng.integers(0, 95)
            width, height = rng.choice([1, 2, 3, 8, 30], 2)
            place = screen.pixels[y : y + height, x : x + width, :3]
            noise = rng.integers(0, 256, place.shape, np.uint8)
            place[:] = noise if rng.random() < 0.5 else noise[0, 0]
        screen.look(int(rng.integers(1, 8)))
