"""What machines write: clocks, tables that are refreshed, lists and charts that never rest."""

import cv2
import numpy as np
import pytest

from stages.change.detector.past import EBB, FLOOD
from stages.change.detector.shapes import lines, nudged, on_a_line, one_word

from .drawing import BLACK, WHITE, Screen

GROUNDS = (WHITE, (180, 230, 180), (190, 190, 245))


def centred(screen, words, middle=480, y=40, push=0):
    """Draw a line around a middle, pushed on by eighths of a pixel."""
    big = np.full((200, 1600), 255, np.uint8)
    (width, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_COMPLEX, 4.0, 8)
    cv2.putText(big, words, (800 - width // 2 + push, 140), cv2.FONT_HERSHEY_COMPLEX, 4.0, 0, 8)
    small = cv2.resize(big, (200, 25), interpolation=cv2.INTER_AREA)
    screen.pixels[y : y + 25, middle - 100 : middle + 100, :3] = small[..., None]


def test_centred_clock_moves_all_its_letters_and_is_one_clock(screen):
    for k in range(12):
        centred(screen, f"10:04:{k + 10}")
        screen.seconds(1)
    screen.passed.clear()
    for k in range(12, 34):
        centred(screen, f"10:04:{k + 10}", push=4 * (k // 7 % 2))
        screen.seconds(1)
    assert screen.passed == []


def test_another_text_in_place_of_a_clock_is_not_lost(screen):
    for k in range(12):
        centred(screen, f"10:04:{k + 10}")
        screen.seconds(1)
    screen.passed.clear()
    centred(screen, "ALARM!")
    screen.seconds(40)
    assert screen.shows(480, 52)


def column(screen, values, x=300):
    for k, value in enumerate(values):
        screen.fill(x, 60 + 26 * k, 60, 20)
        screen.text(x, 76 + 26 * k, str(value))


@pytest.mark.parametrize("period", [3, 7])
def test_column_that_is_refreshed_slowly_is_a_reading(screen, period):
    rng = np.random.default_rng(5)
    for _ in range(3):
        column(screen, rng.integers(100, 999, 8))
        screen.seconds(period)
    screen.passed.clear()
    for _ in range(5):
        column(screen, rng.integers(100, 999, 8))
        screen.seconds(period)
    assert screen.passed == []


def test_one_value_of_a_reading_that_changes_by_itself_is_news(screen):
    rng = np.random.default_rng(5)
    values = rng.integers(100, 999, 8)
    for _ in range(5):
        column(screen, values := rng.integers(100, 999, 8))
        screen.seconds(7)
    screen.passed.clear()
    values[4] = 1001
    column(screen, values)
    screen.seconds(2.5)
    assert screen.shows(310, 172)


def test_list_that_moves_on_without_a_pause_is_no_news_until_it_rests():
    screen = Screen()
    screen.settle()
    rng = np.random.default_rng(1)
    for _ in range(round((FLOOD + 6) / 0.3)):
        screen.pixels[40:340, 20:220] = np.roll(screen.pixels[40:340, 20:220], 20, axis=0)
        screen.fill(20, 40, 200, 20)
        screen.text(24, 55, f"{rng.integers(1e9)} sold")
        screen.seconds(0.3)
    since = [time for time, _ in screen.passed if time > screen.time - 5]
    assert since == []
    screen.seconds(EBB + 0.3)
    assert screen.passed[-1][0] > screen.time - 0.6


def test_last_state_of_a_value_that_was_background_is_shown():
    screen = Screen()
    screen.settle()
    for k in range(8):
        screen.value(84, 80, f"{k * 137 + 1000}")
        screen.seconds(4.5)
    before = len(screen.passed)
    screen.value(84, 80, "7777")
    screen.seconds(40)
    assert len(screen.passed) > before


def test_bars_are_no_caption():
    rng = np.random.default_rng(2)
    chart = np.zeros((40, 200, 4), np.uint8)
    for x in range(0, 200, 12):
        top = int(rng.integers(0, 20))
        chart[top : top + int(rng.integers(6, 20)), x : x + 7] = (90, 200, 90, 255)
    text = np.zeros((40, 200, 4), np.uint8)
    cv2.putText(text, "Today it is full", (4, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255,) * 4, 2)
    assert on_a_line(text.view(np.uint32)[..., 0])
    assert not on_a_line(chart.view(np.uint32)[..., 0])


def test_lines_of_a_frame_are_none():
    mask = np.zeros((200, 16), bool)
    mask[:, 3:5] = True
    assert lines(mask) == 0
    mask[:] = False
    for top in range(0, 200, 20):
        mask[top : top + 10, 2:12] = True
    assert lines(mask) == 10


def test_a_letter_that_changed_pushes_the_line():
    def line(words, x):
        screen = Screen(200, 40)
        screen.text(x, 26, words)
        return np.ascontiguousarray(screen.pixels).view(np.uint32)[..., 0]

    assert nudged(line("10:04:08 stands", 20), line("10:04:09 stands", 22)) > 0.85
    assert nudged(line("10:04:08 stands", 20), line("Fetching it all", 22)) < 0.85


def type_letters(screen, words, x, y, pause):
    for k, letter in enumerate(words):
        screen.text(x + 11 * k, y, letter)
        screen.seconds(pause)


def test_rest_of_a_word_that_was_shown_half_comes_when_the_typing_pauses(screen):
    type_letters(screen, "abcdefghijklm", 40, 250, 0.2)
    assert screen.passed
    screen.seconds(0.8)
    assert screen.shows(40 + 12 * 11 + 4, 248)


@pytest.mark.parametrize(("width", "is_word"), [(20, True), (140, True), (160, False)])
def test_writing_without_spaces_is_a_word_only_while_it_is_short(width, is_word):
    """Japanese has none, and is not waited for until the end of the line."""
    patch = np.zeros((18, width), np.uint32)
    patch[4:14, ::3] = 0xFFFFFF
    assert one_word(patch) is is_word


def test_letter_typed_where_a_caret_stood_is_no_word():
    screen = Screen()
    screen.settle()
    screen.fill(40, 236, 2, 10, BLACK)
    screen.seconds(2)
    screen.passed.clear()
    screen.fill(40, 236, 2, 10, WHITE)
    screen.text(40, 250, "m")
    screen.seconds(0.2)
    assert screen.passed == []
    screen.seconds(1)
    assert screen.shows(46, 248)


def test_writing_that_loses_its_caret_does_not_travel():
    screen = Screen()
    screen.settle()
    screen.fill(38, 236, 2, 18, BLACK)
    type_letters(screen, "abcd", 44, 250, 0.2)
    screen.fill(38, 236, 2, 18, WHITE)
    type_letters(screen, "e", 88, 250, 0.2)
    screen.seconds(2)
    assert screen.shows(92, 248)


def test_what_follows_the_keys_is_shown_when_they_rest():
    screen = Screen()
    screen.settle()
    for k, letter in enumerate("abcd"):
        screen.text(40 + 11 * k, 250, letter)
        screen.value(400, 80, f"{'wxyz'[k] * 4}")
        screen.seconds(0.2)
    screen.fill(30, 230, 80, 30)  # and what was typed is taken back
    screen.seconds(2)
    assert screen.shows(404, 76)


def test_values_that_change_side_by_side_by_chance_are_all_shown(screen):
    rows = [100 + 30 * k for k in range(7)]
    for row in rows:
        screen.value(200, row, "up 1234")
    screen.settle()
    for row in rows:
        screen.value(200, row, "no 9876")
        screen.seconds(0.4)
    screen.seconds(3)
    assert all(screen.shows(205, row - 5) for row in rows)


def test_a_field_of_values_that_goes_on_is_not_shown(screen):
    rng = np.random.default_rng(4)
    rows = [100 + 30 * k for k in range(7)]
    begun = screen.settle()
    for _ in range(100):
        screen.value(200, rows[int(rng.integers(7))], f"{rng.integers(1000, 9999)}")
        screen.seconds(0.4)
    assert not [time for time, _ in screen.passed if time > begun + 16]


def sort_anew(screen, turn, rng):
    """Draw a table of processes whose rows go up and down with what they need."""
    names = ("trio", "xterm", "cargo", "postgres", "chrome", "sshd", "cron", "nginx", "vim", "bash")
    shift = (0, 2, 1, 3, 1, 2)[turn % 6]
    screen.fill(20, 60, 300, 230)
    for row in range(10):
        screen.text(30, 80 + 22 * row, names[(row + shift) % 10])
        screen.text(180, 80 + 22 * row, f"{rng.integers(10, 99)}.{rng.integers(10)}")


def test_a_table_sorted_anew_each_second_is_shown_when_it_rests_and_hides_nothing_below_it():
    rng = np.random.default_rng(1)
    screen = Screen(width=640, height=480)
    screen.settle()
    for turn in range(8):
        sort_anew(screen, turn, rng)
        screen.seconds(1)
    screen.passed.clear()
    for turn in range(8, 20):
        sort_anew(screen, turn, rng)
        if turn == 14:
            screen.text(40, 330, "make: no rule to make target")
        screen.seconds(1)
        if turn == 14:
            assert screen.shows(60, 326)
    assert not screen.shows(60, 120)
    screen.seconds(4)
    assert any(screen.shows(190, 76 + 22 * row) for row in range(10))


def test_dialog_over_flickering_cells_is_shown(screen):
    rng = np.random.default_rng(8)

    def flicker():
        for _ in range(6):
            x, y = 20 + 100 * int(rng.integers(6)), 20 + 26 * int(rng.integers(12))
            screen.fill(x, y, 96, 24, GROUNDS[int(rng.integers(3))])
            screen.text(x + 8, y + 17, f"{rng.integers(1000, 9999)}")

    for _ in range(100):
        flicker()
        screen.seconds(0.2)
    screen.passed.clear()
    for _ in range(10):
        screen.fill(140, 80, 340, 170, (250, 230, 220))
        screen.text(160, 120, "Margin warning")
        screen.text(160, 160, "New orders need approval")
        screen.seconds(0.2)
    assert screen.shows(200, 115)
    assert screen.shows(300, 155)


def test_a_reading_that_goes_by_a_clock_is_shown_a_few_times_and_when_it_stands_still(screen):
    for k in range(12):
        screen.value(84, 80, str(37 * (k + 3) % 100 + 100))
        screen.seconds(5)
    shown = len(screen.passed)
    assert shown <= 5
    screen.seconds(4)
    assert len(screen.passed) == shown + 1


def test_a_value_that_changes_at_any_time_is_shown_each_time(screen):
    for k, pause in enumerate((5, 3, 6, 4, 7, 3, 5, 8)):
        screen.value(84, 80, str(37 * (k + 3) % 100 + 100))
        screen.seconds(pause)
    assert len(screen.passed) == 8
