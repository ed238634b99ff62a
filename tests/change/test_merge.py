"""What the merge keeps while the model is busy."""

import numpy as np

from hud.items import Cause, Change, Fate, Frame, Mark, Rect

A, B = Rect(10, 10, 40, 20), Rect(100, 60, 30, 30)


def frame(seq, *filled):
    pixels = np.zeros((120, 160, 4), np.uint8)
    for rect in filled:
        pixels[rect.slices] = 200
    return Frame(seq, 1, float(seq), 0.0, pixels)


def change(frame, rect, before):
    mark = Mark(rect, before.pixels[rect.slices].copy())
    return Change(frame, (rect,), Cause.CONTENT, "new", marks=(mark,))


def test_regions_are_united():
    f0, f1, f2 = frame(0), frame(1, A), frame(2, A, B)
    merged = change(f2, B, f1).absorb(change(f1, A, f0))
    assert set(merged.regions) == {A, B}
    assert merged.frame is f2


def test_what_came_and_went_is_dropped():
    f0, f1, f2 = frame(0), frame(1, A), frame(2, B)
    merged = change(f2, B, f1).absorb(change(f1, A, f0))
    assert merged.regions == (B,)


def test_a_value_that_went_back_before_it_was_shown_is_nothing():
    f0, f1, f2 = frame(0), frame(1, A), frame(2)
    merged = change(f2, A, f1).absorb(change(f1, A, f0))
    assert (merged.regions, merged.fate) == ((), Fate.MERGED)


def test_the_oldest_view_counts():
    f0, f1, f2, f3 = frame(0), frame(1, A), frame(2, A, B), frame(3, B)
    merged = change(f2, B, f1).absorb(change(f1, A, f0))
    again = change(f3, A, f2).absorb(merged)
    assert again.regions == (B,)


def test_first_stays_first():
    first = Change(frame(0), (Rect(0, 0, 160, 120),), Cause.FIRST, "first")
    merged = change(frame(1, A), A, frame(0)).absorb(first)
    assert merged.cause is Cause.FIRST
    assert merged.regions == (Rect(0, 0, 160, 120),)
