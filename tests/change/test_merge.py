"""What the merge keeps while the model is busy."""

import functools
import random
import string

import attrs
import numpy as np
import pytest

from hud.items import Cause, Change, Fate, Frame, Mark, Scroll
from hud.rect import Rect

from .drawing import Screen

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


LIST = Rect(20, 20, 600, 240)
LINE = 15
DICE = random.Random(2)


def printed(screen):
    """Scroll a terminal up by a line, below which a new one stands."""
    rows = screen.pixels[LIST.slices]
    rows[:-LINE], rows[-LINE:] = rows[LINE:].copy(), 255
    words = " ".join("".join(DICE.choices(string.ascii_lowercase, k=6)) for _ in range(6))
    screen.text(LIST.x + 4, LIST.bottom - 4, words, size=0.42)


@pytest.fixture
def terminal():
    screen = Screen(1280, 720)
    for _ in range(LIST.height // LINE):
        printed(screen)
    screen.settle()
    return screen


def waiting(screen):
    """What waits to be sent when the model was busy all along."""
    changes = [change for _, change in screen.passed]
    return functools.reduce(lambda older, newer: newer.absorb(older), changes)


@pytest.mark.parametrize("pause", [0.3, 1.0, 2.5])
def test_lines_that_scrolled_on_while_the_model_was_busy_are_shown_where_they_stand(
    terminal, pause
):
    for _ in range(6):
        printed(terminal)
        terminal.seconds(pause)
    terminal.seconds(2)
    shown = waiting(terminal).regions
    for line in range(6):
        middle = LIST.bottom - LINE * line - LINE // 2
        assert any(rect.y <= middle < rect.bottom for rect in shown), line


def test_a_line_that_scrolled_out_of_sight_is_not_looked_for(terminal):
    for _ in range(LIST.height // LINE + 4):
        printed(terminal)
        terminal.seconds(1)
    for rect in waiting(terminal).regions:
        assert LIST.padded(LINE, 1280, 720).holds(rect)


def test_what_stands_beside_a_scroll_stays():
    f1, f2 = frame(1, A), frame(2, A, B)
    newer = attrs.evolve(change(f2, B, f1), scrolls=(Scroll(2, Rect(80, 0, 80, 120), -10),))
    assert set(newer.absorb(change(f1, A, frame(0))).regions) == {A, B}


@pytest.mark.parametrize(("since", "moved"), [(0, 0), (1, 0), (2, -10), (3, -10)])
def test_only_scrolls_behind_the_older_frame_count(since, moved):
    older, now = change(frame(1, A), A, frame(0)), attrs.evolve(A, y=A.y + moved)
    scroll = Scroll(since, Rect(0, 0, 160, 55), -10)
    newer = Change(frame(4, now, B), (B,), Cause.CONTENT, "new", scrolls=(scroll,))
    assert newer.absorb(older).regions == (now, B)


@pytest.mark.parametrize(
    ("rect", "down", "where"),
    [
        (Rect(10, 40, 20, 10), -30, Rect(10, 10, 20, 10)),
        (Rect(10, 40, 20, 10), -36, Rect(10, 4, 20, 10)),
        (Rect(10, 40, 20, 10), -45, Rect(10, 0, 20, 5)),
        (Rect(10, 40, 20, 10), -50, None),
        (Rect(10, 40, 20, 10), 55, Rect(10, 95, 20, 5)),
        (Rect(200, 40, 20, 10), -30, Rect(200, 40, 20, 10)),  # beside it
        (Rect(90, 40, 20, 10), -30, Rect(90, 10, 20, 40)),  # partly in it
        (Rect(0, 0, 900, 900), -30, Rect(0, 0, 900, 900)),
    ],
)
def test_where_a_scroll_carries_a_place(rect, down, where):
    assert Scroll(1, Rect(0, 0, 100, 100), down).carried(rect) == where


def test_mark_keeps_what_was_there_before_across_the_whole_screen():
    screen = Screen()
    screen.settle()
    screen.fill(0, 300, 640, 24, (200, 90, 20))
    screen.text(10, 317, "3 tests failed")
    screen.seconds(2)
    ((_, change),) = screen.passed
    assert any(mark.rect.width == 640 for mark in change.marks)
    assert not any(mark.gone(change.frame) for mark in change.marks)
