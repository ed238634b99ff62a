"""A pointer that was seen moving is known where it rests, be it on a text."""

import cv2
import numpy as np
import pytest

from hud.pixels import words
from hud.rect import Rect
from stages.change.detector.pointer import Pointer

from .drawing import BLACK, RED, WHITE, Screen


def arrow(screen, x, y, size=1):
    outline = np.array([(0, 0), (0, 17), (4, 13), (10, 12)], np.int32) * size + (x, y)
    cv2.fillPoly(screen.pixels, [outline], (*BLACK, 255))
    cv2.polylines(screen.pixels, [outline], True, (*WHITE, 255))


@pytest.fixture
def desk():
    """A text, and a pointer that has come near it over plain ground."""
    screen = Screen()
    for line in range(5):
        screen.text(40, 200 + 20 * line, "A line of a text that stands there", size=0.45)
    screen.settle()
    screen.ground = screen.pixels.copy()
    for step in range(8):
        at(screen, 500 - 25 * step, 60 + 8 * step)
    return screen


def at(screen, x, y, size=1):
    screen.pixels[:] = screen.ground
    arrow(screen, x, y, size)
    screen.look()


def test_it_comes_to_rest_on_a_text(desk):
    for place in ((260, 150), (200, 183), (196, 186)):
        at(desk, *place)
    desk.seconds(4)
    for place in ((199, 188), (203, 191), (206, 196)):
        at(desk, *place)
    desk.seconds(4)
    assert desk.passed == []


def test_its_picture_explains_where_it_went_and_where_it_was_also_on_a_text(desk):
    learnt, here = Pointer(), Rect(196, 186, 11, 18)
    plain, ground = np.full_like(desk.ground, 255), desk.ground
    learnt.learn(words(plain), words(with_arrow(plain, here)), here)
    box = Rect(190, 180, 40, 40)
    before, after = (words(with_arrow(ground, place)) for place in (here, Rect(201, 191, 11, 18)))
    for one, other in ((before, words(ground)), (words(ground), after), (before, after)):
        mask = (one != other)[box.slices]
        assert mask.any()
        assert learnt.explains(one, other, box, mask)
    more = after.copy()
    more[192:196, 192:200] ^= 0xFFFFFF
    assert not learnt.explains(before, more, box, (before != more)[box.slices])


def test_its_soft_edge_takes_on_the_colours_of_a_text():
    night, here, there = Screen(), Rect(300, 100, 14, 19), Rect(91, 192, 14, 19)
    night.fill(0, 0, 640, 360, (40, 20, 10))
    plain = night.pixels.copy()
    for line in range(5):
        night.text(40, 200 + 12 * line, "Airlines: traffic up in May", (200, 190, 180), 0.4)
    learnt, ground = Pointer(), words(night.pixels)
    learnt.learn(words(plain), words(with_soft_arrow(plain, here)), here)
    after = words(with_soft_arrow(night.pixels, there))
    assert learnt.explains(ground, after, there, (ground != after)[there.slices])


def with_soft_arrow(picture, place):
    """White with a dark inside that is drawn at four times its size, and shrunk."""
    x, y = place.x, place.y
    outline = np.array([(x, y), (x, y + 17), (x + 4, y + 13), (x + 11, y + 12)], np.int32) * 4 + 2
    large = cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    cv2.fillPoly(large, [outline], (20, 10, 5, 255))
    cv2.polylines(large, [outline], True, (*WHITE, 255), 4)
    return cv2.resize(large, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)


def with_arrow(picture, place):
    screen = Screen()
    screen.pixels = picture.copy()
    arrow(screen, place.x, place.y)
    return screen.pixels


def test_button_lights_up_below_it():
    screen, button = Screen(), Rect(390, 130, 120, 48)
    screen.text(410, 160, "Send it")
    screen.settle()
    screen.ground = screen.pixels.copy()
    for step in range(8):
        at(screen, 100 + 25 * step, 60 + 8 * step, size=2)
    dark, plain = screen.ground.copy(), screen.ground
    dark[button.slices][dark[button.slices] > 200] -= 25
    for ground, places in ((dark, ((400, 135), (430, 138))), (plain, ((450, 190), (480, 220)))):
        screen.ground = ground
        for place in places:
            at(screen, *place, size=2)
        screen.seconds(4)
    assert screen.passed == []


def test_row_after_row_lights_up_below_it():
    """Rows as high as these are judged together, and only one of them has the pointer on it."""
    screen, rows = Screen(), [Rect(40, 60 + 41 * row, 560, 40) for row in range(3)]
    subjects = ("Invoice 4418 of Tuesday", "Can you take over at nine?", "Lift two is free")
    for row, subject in zip(rows, subjects, strict=True):
        screen.text(60, row.y + 25, subject)
    screen.settle()
    plain = screen.ground = screen.pixels.copy()
    for step in range(8):
        at(screen, 20 + 3 * step, 330 - 8 * step, size=2)
    for row in reversed(rows):
        screen.ground = plain.copy()
        screen.ground[row.slices][plain[row.slices] > 200] -= 16
        for step in range(6):
            at(screen, 300 + 20 * step, row.y + 30 - 6 * step, size=2)
    screen.seconds(4)
    assert screen.passed == []


def test_what_changes_below_it_is_news(desk):
    at(desk, 200, 183)
    desk.seconds(2)
    for picture in (desk.ground, desk.pixels):
        desk.pixels, kept = picture, desk.pixels
        desk.fill(150, 188, 80, 16)
        desk.text(150, 200, "FAILED", RED, 0.45)
        desk.pixels = kept
    arrow(desk, 200, 183)
    desk.seconds(2)
    assert len(desk.passed) == 1


def test_something_of_its_size_is_news(desk):
    cv2.putText(desk.ground, "7", (300, 110), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (*BLACK, 255), 1)
    at(desk, 400, 300)
    desk.seconds(2)
    assert len(desk.passed) == 1
    at(desk, 100, 300)
    desk.seconds(2)
    assert len(desk.passed) == 1
