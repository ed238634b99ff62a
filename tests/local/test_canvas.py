from __future__ import annotations

import random

import cv2
import numpy as np
import pytest

from hud.local.canvas import Canvas, Piece
from hud.rect import Rect

WIDTH, HEIGHT, PITCH = 640, 360, 20
WHOLE = Rect(0, 0, WIDTH, HEIGHT)


def words(count: int = 4) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(random.choices(letters, k=6)) for _ in range(count))


def screen(texts: list[str], top: int = 0) -> np.ndarray:
    """A dark window with lines in a bright screen."""
    drawn = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    drawn[20:340, 20:600] = 20
    for row, text in enumerate(texts):
        place = (30, 40 + top + PITCH * row)
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_PLAIN, 1.0, (230, 230, 230), 1)
    return drawn


def piece(drawn: np.ndarray, rect: Rect = WHOLE, quality: int = 85, scale: float = 1.0) -> Piece:
    part = drawn[rect.slices]
    if scale != 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(part), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    return Piece(rect, cv2.resize(decoded, (rect.width, rect.height)), scale)


def looked(*pieces: Piece) -> Canvas:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.rows(canvas.look(pieces), [])
    return canvas


@pytest.fixture
def texts() -> list[str]:
    return [words() for _ in range(14)]


def test_the_first_look_shows_every_row_whole(texts):
    canvas = Canvas(WIDTH, HEIGHT)
    rows = canvas.rows(canvas.look([piece(screen(texts))]), [])
    inside = [row for row in rows if row.width > 60]
    assert len(inside) == len(texts)
    assert all(row.x <= 34 and row.height < PITCH for row in inside)


@pytest.mark.parametrize("quality", [75, 85])
def test_the_same_picture_encoded_again_is_nothing(texts, quality):
    drawn = screen(texts)
    canvas = looked(piece(drawn))
    for _ in range(8):
        x, y = random.randrange(40), random.randrange(40)
        news = canvas.look([piece(drawn, Rect(x, y, WIDTH - x - 7, HEIGHT - y - 3), quality)])
        assert not news.moves
        assert canvas.rows(news, []) == []


def test_one_changed_letter_brings_its_whole_row(texts):
    canvas = looked(piece(screen(texts)))
    row = random.randrange(len(texts))
    changed = [*texts]
    changed[row] = texts[row][:-1] + ("x" if texts[row][-1] != "x" else "o")
    drawn = screen(changed)
    close_up = Rect(180, 20 + PITCH * row, 300, 30)
    (found,) = canvas.rows(canvas.look([piece(drawn, close_up, 75)]), [])
    whole_canvas = Canvas(WHOLE.width, WHOLE.height)
    whole = whole_canvas.rows(whole_canvas.look([piece(drawn)]), [])[row]
    assert abs(found.x - whole.x) <= 4
    assert abs(found.right - whole.right) <= 4
    assert found.y < 40 + PITCH * row <= found.bottom + 4


@pytest.mark.parametrize("lines", [1, 3, -2])
def test_a_scroll_is_a_movement_and_only_what_came_is_read(texts, lines):
    canvas = looked(piece(screen(texts)))
    more = [words() for _ in range(abs(lines))]
    shifted = texts[lines:] + more if lines > 0 else more + texts[:lines]
    news = canvas.look([piece(screen(shifted), Rect(10, 10, 600, 340), 80)])
    (move,) = news.moves
    assert move.up == lines * PITCH
    rows = canvas.rows(news, [])
    assert len(rows) == abs(lines)
    expected = range(14 - lines, 14) if lines > 0 else range(-lines)
    for row, number in zip(rows, expected, strict=True):
        assert row.y < 40 + PITCH * number <= row.bottom + 4


def test_other_words_are_no_movement(texts):
    canvas = looked(piece(screen(texts)))
    news = canvas.look([piece(screen([words() for _ in texts]))])
    assert not news.moves


def test_a_repeated_line_is_exposed(texts):
    texts[-1] = texts[-2] = "ok"
    canvas = looked(piece(screen(texts)))
    news = canvas.look([piece(screen([*texts[1:], "ok"]))])
    assert len(canvas.rows(news, [])) >= 1


def test_a_reduced_picture_of_the_same_is_nothing_and_does_not_blur(texts):
    drawn = screen(texts)
    canvas = looked(piece(drawn))
    assert canvas.rows(canvas.look([piece(drawn, scale=0.5)]), []) == []
    assert canvas.rows(canvas.look([piece(drawn)]), []) == []


def test_a_picture_beyond_the_screen_is_clipped(texts):
    canvas = Canvas(WIDTH, HEIGHT)
    outside = Rect(WIDTH - 20, HEIGHT - 20, 100, 100)
    canvas.look([Piece(outside, np.zeros((100, 100, 3), np.uint8))])
    canvas.look([Piece(Rect(5000, 5000, 10, 10), np.zeros((10, 10, 3), np.uint8))])


def similar(number: int) -> str:
    return (
        f"14:13:{2 * number:02d} worker {number * 7 % 9 + 1} finished job {number * 791 % 900 + 99}"
    )


def log(first: int, count: int = 14) -> np.ndarray:
    """Lines that differ in a few columns, as a terminal draws them."""
    drawn = screen([])
    for row in range(count):
        for column, letter in enumerate(similar(first + row)):
            place = (30 + 10 * column, 40 + PITCH * row)
            cv2.putText(drawn, letter, place, cv2.FONT_HERSHEY_PLAIN, 1.0, (230, 230, 230), 1)
    return drawn


@pytest.mark.parametrize("lines", [1, 2, 5])
def test_similar_lines_that_scroll_are_one_movement(lines):
    canvas = looked(piece(log(0)))
    news = canvas.look([piece(log(lines), Rect(10, 10, 600, 340), 80)])
    (move,) = news.moves
    assert move.up == lines * PITCH
    rows = canvas.rows(news, [])
    assert len(rows) == lines
    for row, number in zip(rows, range(14 - lines, 14), strict=True):
        assert row.y < 40 + PITCH * number <= row.bottom + 4


@pytest.mark.parametrize(("before", "after"), [(3, 4), (5, 9), (2, 8)])
def test_lines_like_those_above_them_are_no_movement(before, after):
    canvas = looked(piece(log(0, before)))
    news = canvas.look([piece(log(0, after), Rect(20, 20, 570, 320), 80)])
    assert not news.moves
    assert len(canvas.rows(news, [])) == after - before
