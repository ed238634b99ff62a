"""What grows sign by sign, what moves on sideways, and what is underlined."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.pixels import words
from hud.rect import Rect
from stages.change.detector.chart import moves_on
from stages.change.detector.link import underlined
from stages.change.detector.past import Past
from stages.change.detector.progress import grows
from stages.change.detector.shapes import end_moved

from .drawing import Screen

HIGH, WIDE = 40, 400
SIGN = 9
"""Pixels from one sign of the terminal to the next."""


def paper():
    return np.full((HIGH, WIDE, 4), 240, np.uint8)


def terminal(line):
    """A line of a terminal, each sign in a cell of its own, from 20 pixels on."""
    pixels = paper()
    for place, sign in enumerate(line):
        cell = np.full((HIGH, SIGN, 4), 240, np.uint8)
        cv2.putText(cell, sign, (0, 26), cv2.FONT_HERSHEY_PLAIN, 0.9, (40, 40, 40, 0), 1)
        pixels[:, 20 + SIGN * place : 20 + SIGN * (place + 1)] = cell
    return words(pixels)


def around(before, after):
    """The tight rectangle around what differs."""
    rows, columns = np.nonzero((before ^ after) & 0xFFFFFF)
    x, y = int(columns.min()), int(rows.min())
    return Rect(x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y)


def goes_on(before, after):
    before, after = terminal(before), terminal(after)
    return grows(before, after, around(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[=====>      ]", "[======>     ]"),
        ("[=====>      ]", "[========>   ]"),
        ("[######      ]", "[#######     ]"),
        ("[#####-------]", "[#######-----]"),
        ("tests .....", "tests ........"),
        ("tests .....", "tests ......"),
    ],
)
def test_a_bar_of_signs_grows(before, after):
    assert goes_on(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tests ......", "tests ......F"),
        ("tests ......", "tests .......F"),
        ("[=====>      ]", "completa      "),
        ("rows: 1112", "rows: 1113"),
        ("ready", "ready: 12 of 40"),
        ("[=>          ]", "[==>         ]"),
    ],
)
def test_another_sign_is_news(before, after):
    assert not goes_on(before, after)


def curve(moved):
    pixels = paper()
    at = np.arange(WIDE)
    height = 20 + 8 * np.sin((at + moved) / 17) + 6 * np.sin((at + moved) / 41)
    points = np.stack([at, height], axis=1)
    line = np.round(points * 16).astype(np.int32)
    cv2.polylines(pixels, [line], False, (200, 90, 30, 0), 1, cv2.LINE_AA, 4)
    pixels[(4, 36),] = 200  # the grid stands still
    return words(pixels)


@pytest.mark.parametrize("step", [-20.0, -8.9, 10.0, 30.0])
def test_a_curve_moves_on(step):
    assert moves_on(curve(100), curve(100 + step))


def test_what_changes_in_its_place_does_not_move_on():
    assert not moves_on(terminal("12,911 34,100"), terminal("13,480 34,100"))
    assert not moves_on(curve(100), curve(100))
    assert not moves_on(curve(100), terminal("notice: disk full"))
    other = curve(100).copy()
    other[10:30, 150:260] = terminal("all 3 jobs failed")[10:30, 20:130]
    assert not moves_on(curve(100), other)


def test_a_list_goes_on_though_only_a_part_of_it_is_seen_to_move():
    past = Past()
    for step in range(20):
        past.scroll(0.3 * step, Rect(100, 100, 300, 400), down=True)
    past.scroll(6.0, Rect(100, 300, 150, 30), down=True)
    elsewhere_in_it = Rect(120, 120, 40, 10)
    assert past.flood(elsewhere_in_it) == pytest.approx(5.7 + 1.8)
    assert past.flood(Rect(500, 120, 40, 10)) is None


BLACK, RED = (30, 30, 30, 0), (30, 30, 180, 0)


def headline(text, colour=BLACK, line=None):
    pixels = paper()
    cv2.putText(pixels, text, (2, 26), cv2.FONT_HERSHEY_DUPLEX, 0.8, colour, 1, cv2.LINE_AA)
    end = int(np.flatnonzero((pixels != 240).any(axis=(0, 2)))[-1])
    if line is not None:
        pixels[31:33, 2 : end + 1] = line
    return words(pixels[:, : end + 1])


@pytest.mark.parametrize("colour", [BLACK, RED])
def test_a_link_that_the_pointer_is_on_says_nothing(colour):
    plain, touched = headline("Bridge closed"), headline("Bridge closed", colour, colour)
    assert underlined(plain, touched)
    assert underlined(touched, plain)


def test_what_is_underlined_in_another_colour_or_with_other_words_is_news():
    plain = headline("Bridge closed")
    assert not underlined(plain, headline("Bridge closed", BLACK, RED))
    assert not underlined(plain, headline("Bridge closed", RED))
    other = headline("Bridge opened", RED, RED)
    width = min(plain.shape[1], other.shape[1])
    assert not underlined(plain[:, :width], other[:, :width])
    assert not underlined(plain, np.full_like(plain, 0x00F0F0F0))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 40), st.integers(0, 2**31))
def test_any_shape_may_be_asked(height, width, left, seed):
    rng = np.random.default_rng(seed)
    colours = rng.choice([0x00000000, 0x00F0F0F0, 0x00303030], 3).astype(np.uint32)
    shown, now = (rng.choice(colours, (60, 120)).astype(np.uint32) for _ in range(2))
    rect = Rect(left, 5, width, height)
    assert grows(shown, now, rect) in (True, False)
    assert underlined(shown[rect.slices], now[rect.slices]) in (True, False)
    assert moves_on(shown[rect.slices], now[rect.slices]) in (True, False)


@pytest.mark.parametrize("left", [1, 2, 3])
def test_a_bar_that_grows_near_to_its_end_is_a_bar(left):
    screen, track, full = Screen(), (38, 49, 58), (31, 142, 217)
    screen.fill(100, 100, 200, 5, track)
    screen.fill(100, 100, 197 - left, 5, full)
    screen.settle()
    screen.fill(100, 100, 200 - left, 5, full)
    screen.seconds(2)
    assert not screen.passed


def rounded_bar(screen, end, height=8, bar=(233, 174, 61), track=(40, 36, 32)):
    """A bar whose smoothed, round end lies at `end`, on its track."""
    fine = np.full((8 * height, 3200, 3), track, np.uint8)
    radius = 4 * height
    tip = round(8 * end) - radius
    cv2.rectangle(fine, (0, 0), (tip, 8 * height), bar, -1)
    cv2.circle(fine, (tip, radius), radius, bar, -1)
    smooth = cv2.resize(fine, (400, height), interpolation=cv2.INTER_AREA)
    screen.pixels[200 : 200 + height, 100:500, :3] = smooth


@pytest.mark.parametrize(("old", "new"), [(100, 101), (100, 101.4), (57.3, 58.7), (120, 118.6)])
def test_a_bar_that_ends_round_and_between_two_pixels_is_a_bar(old, new):
    screen, light = Screen(), {"bar": (180, 140, 50), "track": (231, 235, 229)}
    rounded_bar(screen, old, **light)
    screen.text(100, 190, "Parcels")
    screen.settle()
    rounded_bar(screen, new, **light)
    screen.seconds(3)
    assert not screen.passed


def test_a_digit_on_its_ground_is_no_end_of_a_bar():
    def line(digit):
        pixels = paper()
        cv2.putText(pixels, digit, (40, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0, 255), 1)
        return words(pixels)[20:32, 36:52]

    assert not end_moved(line("1"), line("7"))
    assert not end_moved(line("3"), line("8"))


@pytest.mark.parametrize("height", [8, 24])
def test_a_rounded_bar_is_never_news_wherever_it_becomes_background(height):
    screen = Screen()
    screen.text(40, 40, "An ordinary window title")
    rounded_bar(screen, 40, height)
    screen.settle()
    for step in range(60):
        rounded_bar(screen, 44.3 + 4.3 * step, height)
        screen.look(4)
    assert not screen.passed
