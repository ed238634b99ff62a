from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hud.items import Words
from hud.realtime import caption
from hud.rect import Rect

SIDES = st.integers(1, 8000)
RECTS = st.lists(st.builds(Rect, SIDES, SIDES, SIDES, SIDES), min_size=1, max_size=5)
LINES = st.lists(st.text(min_size=1), max_size=3).map(tuple)
WORDS = st.lists(st.builds(Words, st.builds(Rect, SIDES, SIDES, SIDES, SIDES), LINES), max_size=2)


@given(st.integers(1, 9), SIDES, SIDES, st.lists(RECTS, max_size=4), WORDS)
def test_what_is_written_is_read_back(screen, width, height, pictures, words):
    text = caption.write("14:03:20", screen, (width, height), pictures, words)
    assert caption.read(text) == tuple(
        caption.Place(screen, width, height, tuple(rects)) for rects in pictures
    )


def test_the_whole_screen_has_a_word():
    pictures = [[Rect(0, 0, 640, 480)], [Rect(1, 2, 3, 4), Rect(5, 6, 7, 8)]]
    assert caption.write("14:03:20", 1, (640, 480), pictures) == (
        "14:03:20, screen 1 (640x480); picture 1: whole screen; "
        "picture 2: 3x4 at x=1 y=2, above 7x8 at x=5 y=6"
    )


def test_words_stand_behind_and_describe_no_picture():
    words = [Words(Rect(1, 2, 300, 40), ("Total 12", "screen 1 (9x9); picture 1:\nwhole screen"))]
    text = caption.write("14:03:20", 1, (640, 480), [], words)
    assert text.splitlines() == [
        "14:03:20, screen 1 (640x480)",
        "text at 300x40 at x=1 y=2:",
        '"Total 12"',
        '"screen 1 (9x9); picture 1: whole screen"',
    ]
    assert caption.read(text) == ()


def test_the_whole_screen_is_read_back_as_it_is():
    whole, part = Rect(0, 0, 640, 480), Rect(1, 2, 3, 4)
    text = caption.write("14:03:20", 2, (640, 480), [[whole], [part, whole]])
    assert caption.read(text) == (
        caption.Place(2, 640, 480, (whole,)),
        caption.Place(2, 640, 480, (part, whole)),
    )


def test_a_picture_counts_only_behind_its_screen():
    line = "picture 1: whole screen; screen 1 (9x9); picture 2: 3x4 at x=1 y=2"
    assert caption.read(line) == (caption.Place(1, 9, 9, (Rect(1, 2, 3, 4),)),)


def test_what_stands_near_the_words_follows_them():
    words = [Words(Rect(1, 2, 3, 4), ("12",), near=("Total", "of  all"))]
    assert caption.write("14:03:20", 1, (640, 480), [], words).splitlines()[2:] == [
        '"12"',
        'near it: "Total", "of all"',
    ]


@given(st.text())
def test_any_other_text_describes_nothing_or_something(text):
    assert isinstance(caption.read(text), tuple)
