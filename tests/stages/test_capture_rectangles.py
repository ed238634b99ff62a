from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hud.rect import Rect
from stages.capture.rectangles import MANY, cut, merged, strips

SIDE = st.integers(0, 120)


def region(*rects):
    return {Rect(*rect) for rect in rects}


@given(st.lists(st.tuples(SIDE, SIDE, st.integers(1, 60), st.integers(1, 60)), max_size=60))
def test_a_few_rectangles_hold_all_of_many_and_never_overlap(rects):
    found = merged(region(*rects))
    assert len(found) <= MANY
    covered = np.zeros((200, 200), int)
    for rect in found:
        covered[rect.slices] += 1
    assert covered.max(initial=0) <= 1
    for x, y, width, height in rects:
        assert covered[y : y + height, x : x + width].all()


def test_what_lies_apart_stays_apart():
    caret, clock = (10, 400, 2, 15), (1800, 0, 60, 20)
    assert merged(region(caret, clock)) == [Rect(*clock), Rect(*caret)]
    lines = [(40, 30 * row, 200, 12) for row in range(MANY + 1)]
    assert merged(region(*lines)) == [Rect(40, 0, 200, 30 * MANY + 12)]
    assert merged(region()) == []


def test_the_part_of_a_monitor():
    monitor = Rect(1920, 100, 1280, 720)
    pixels = np.arange(30 * 40 * 4, dtype=np.uint8).reshape(30, 40, 4)
    rect, part = cut((Rect(1900, 90, 40, 30), pixels), monitor)
    assert rect == Rect(0, 0, 20, 20)
    assert np.array_equal(part, pixels[10:, 20:])
    assert cut((Rect(0, 100, 1920, 30), pixels), monitor) is None


def test_strips_are_all_of_a_monitor():
    monitor = Rect(1920, 100, 1280, 720)
    found = list(strips(monitor, 1280 * 300))
    assert found == [Rect(1920, y, 1280, h) for y, h in ((100, 300), (400, 300), (700, 120))]
    assert list(strips(Rect(0, 0, 5000, 2), 100)) == [Rect(0, y, 5000, 1) for y in (0, 1)]
