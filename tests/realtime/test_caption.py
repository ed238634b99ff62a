from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hud.items import Rect
from hud.realtime import caption

SIDES = st.integers(1, 8000)
RECTS = st.lists(st.builds(Rect, SIDES, SIDES, SIDES, SIDES), max_size=5)


@given(st.integers(1, 9), SIDES, SIDES, RECTS)
def test_what_is_written_is_read_back(screen, width, height, rects):
    text = caption.write("14:03:20", screen, (width, height), rects)
    assert caption.read(text) == tuple(caption.Place(screen, width, height, rect) for rect in rects)


def test_the_whole_screen_has_a_word():
    text = caption.write("14:03:20", 1, (640, 480), [Rect(0, 0, 640, 480), Rect(1, 2, 3, 4)])
    assert (
        text == "14:03:20, screen 1 (640x480); picture 1: whole screen; picture 2: 3x4 at x=1 y=2"
    )


@given(st.text())
def test_any_other_text_describes_nothing_or_something(text):
    assert isinstance(caption.read(text), tuple)
