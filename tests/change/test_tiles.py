"""What is passed on and what is not, one idea a test, each at 5, 10 and 30 frames a second."""

import cv2
import numpy as np
import pytest

from hud.items import Cause, Fate, Frame
from hud.rect import Rect
from stages.change.detector.detector import Detector

from .drawing import BLACK, GREY, RED, WHITE, Screen


def test_the_first_frame_is_passed_on_whole():
    change = Screen().look()
    assert change.cause is Cause.FIRST
    assert change.regions[0].area == 640 * 360


def test_nothing_changed(screen):
    change = screen.look()
    assert (change.fate, change.regions) == (Fate.UNCHANGED, ())
    assert screen.detector.due() is None


def test_caret_is_noise(screen):
    for k in range(20):
        screen.fill(60, 110, 2, 18, WHITE if k % 2 else BLACK)
        screen.seconds(0.5)
    assert screen.passed == []


def test_block_caret_is_noise(screen):
    for k in range(20):
        screen.fill(60, 110, 10, 20, WHITE if k % 2 else BLACK)
        screen.seconds(0.5)
    assert screen.passed == []


def test_changed_digit_is_passed_on_at_once_and_tight(screen):
    begin = screen.time
    screen.value(84, 80, "13")
    screen.seconds(1)
    ((time, change),) = screen.passed
    assert time - begin <= 0.2
    assert change.regions[0].area < 70 * 30  # the line "open 13"
    assert screen.shows(96, 76)


def test_number_that_returns_is_news(screen):
    for words in ("13", "12", "13"):
        screen.value(84, 80, words)
        screen.seconds(4)
    assert len(screen.passed) == 3


def test_clock_becomes_background(screen):
    for k in range(30):
        screen.value(500, 340, f"10:41:{k:02}")
        screen.seconds(1)
    assert len(screen.passed) <= 3
    screen.passed.clear()
    screen.value(84, 80, "15")
    screen.seconds(1)
    assert len(screen.passed) == 1


def test_line_of_output_is_passed_on_at_once(screen):
    begin = screen.time
    screen.text(40, 200, "error: no such file or directory")
    screen.seconds(1)
    ((time, change),) = screen.passed
    assert time - begin <= 0.2
    assert screen.shows(200, 196)
    assert change.frame.time == begin or change.frame.time <= begin + 0.2


def test_recoloured_cell(screen):
    screen.value(300, 120, "OK", BLACK)
    screen.seconds(3)
    screen.passed.clear()
    screen.value(300, 120, "FAIL", RED)
    screen.seconds(1)
    assert len(screen.passed) == 1


def test_badge(screen):
    screen.fill(600, 60, 20, 18, RED)
    screen.text(605, 74, "1", WHITE)
    screen.seconds(1)
    assert len(screen.passed) == 1


def test_typed_word_is_passed_on_when_it_ends(screen):
    x = 40
    for k in range(6):
        screen.fill(x + 11 * k, 236, 2, 18, WHITE)
        screen.text(x + 11 * k, 250, "m")
        screen.fill(x + 11 * (k + 1), 236, 2, 18, BLACK)
        screen.seconds(0.2)
        assert screen.passed == []
    screen.seconds(1)
    assert len(screen.passed) == 1
    assert screen.shows(44, 248)
    assert screen.shows(98, 248)


def test_hover_is_noise(screen):
    before = screen.pixels.copy()
    screen.fill(20, 64, 600, 30, GREY)
    screen.text(40, 80, "open 12")
    screen.seconds(2)
    screen.pixels[:] = before
    screen.seconds(2)
    assert screen.passed == []


def test_dialog_and_its_end(screen):
    before = screen.pixels.copy()
    screen.fill(180, 120, 280, 120, (200, 200, 200))
    screen.text(200, 160, "Save the changes?")
    screen.fill(300, 200, 60, 24, RED)
    screen.seconds(2)
    assert len(screen.passed) == 1
    screen.passed.clear()
    screen.pixels[:] = before
    screen.seconds(2)
    assert screen.passed == []


def test_window_returned_to_is_known(screen):
    rng = np.random.default_rng(1)
    one = screen.pixels.copy()
    screen.pixels[:, :, :3] = 230
    for y in range(20, 340, 22):
        screen.text(10, y, "".join(map(chr, rng.integers(97, 122, 50))))
    screen.seconds(3)
    assert len(screen.passed) == 1
    screen.pixels[:] = one
    screen.seconds(3)
    assert len(screen.passed) == 1


def test_scroll_shows_the_new_strip_only(screen):
    for k in range(12):
        screen.text(40, 110 + 20 * k, f"{k * 37 % 11} line number {k * 7919}")
    screen.seconds(4)
    screen.passed.clear()
    screen.pixels[100:330] = screen.pixels[120:350].copy()
    screen.fill(0, 316, 640, 22)
    screen.text(40, 330, "a line that nobody saw yet")
    screen.seconds(1)
    assert len(screen.passed) == 1
    assert all(r.y > 300 for r in screen.passed[0][1].regions)
    assert screen.shows(100, 326)


def logged(number):
    """Lines that differ in narrow columns: seconds, one digit, four digits."""
    return (
        f"14:13:{2 * number % 60:02d} worker {number * 7 % 9 + 1} finished "
        f"invoice {number * 7919 % 9000 + 1000} for Lisbon"
    )


def show_log(screen, count, rows=10, pitch=16):
    screen.fill(20, 100, 600, rows * pitch + 8)
    for row, number in enumerate(range(max(0, count - rows), count)):
        for column, letter in enumerate(logged(number)):
            screen.text(24 + 8 * column, 114 + pitch * row, letter, size=0.4)


def test_each_of_similar_lines_that_scroll_by_is_shown_whole_at_once(screen):
    show_log(screen, 10)
    screen.seconds(10)
    for count in range(11, 20):
        screen.passed.clear()
        show_log(screen, count)
        screen.seconds(1.2)
        ((_, change),) = screen.passed
        (region,) = change.regions
        assert region.y > 230
        assert (region.x <= 26, region.right >= 24 + 8 * len(logged(count)) - 8) == (True, True)


def test_several_similar_lines_at_once_are_shown_whole(screen):
    show_log(screen, 10)
    screen.seconds(10)
    for count in (13, 15, 19):
        screen.passed.clear()
        show_log(screen, count)
        screen.seconds(2)
        ((_, change),) = screen.passed
        (region,) = change.regions
        assert (region.x <= 26, region.right >= 24 + 8 * len(logged(count)) - 8) == (True, True)


def test_film_with_a_line_of_text_in_it(screen):
    rng = np.random.default_rng(5)

    def film(seconds, caption):
        for _ in range(round(seconds * screen.fps)):
            noise = rng.integers(0, 255, (20, 32, 3), np.uint8).repeat(10, 0).repeat(10, 1)
            screen.pixels[100:300, 200:520, :3] = noise
            if caption:
                screen.fill(230, 260, 260, 28, BLACK)
                screen.text(240, 280, caption, WHITE, 0.6)
            screen.look()

    film(4, "")
    assert len(screen.passed) <= 1
    screen.passed.clear()
    film(3, "This is a caption here")
    assert screen.shows(300, 275)
    assert len(screen.passed) <= 2


def test_wait_for_growing_text_has_a_bound(screen):
    for k in range(50):
        screen.text(20 + 11 * k, 250, "m" if k % 5 else " ")
        screen.seconds(0.2)
        if screen.passed:
            break
    assert 1.0 <= k * 0.2 <= 2.6


def test_fade_is_passed_on_when_it_comes_to_rest(screen):
    before = screen.pixels.copy()
    screen.text(40, 200, "A heading that fades in", BLACK, 0.8)
    after, begin = screen.pixels.copy(), screen.time
    for step in range(1, round(0.6 * screen.fps) + 1):
        share = step / round(0.6 * screen.fps)
        screen.pixels[:] = before + (after.astype(float) - before) * share
        screen.look()
    screen.seconds(1)
    ((time, _),) = screen.passed
    assert begin + 0.5 <= time <= begin + 1.2


def test_pointer_that_comes_to_rest_on_a_plain_ground_is_no_letter():
    """It is as large as one, and stands out from the ground as one does."""
    screen = Screen()
    screen.settle()
    for step in range(30):
        screen.fill(0, 0, 640, 360)
        left, top = 300 + 9 * step, 40 + 7 * step
        outline = [(left, top), (left, top + 17), (left + 4, top + 13), (left + 10, top + 12)]
        cv2.fillPoly(screen.pixels, [np.array(outline, np.int32)], (*BLACK, 255))
        screen.look()
    screen.seconds(3)
    assert screen.passed == []


def test_pointer_is_noise(screen):
    ground = screen.pixels.copy()
    for k in range(40):
        screen.pixels[:] = ground
        x, y = 50 + 12 * k, 120 + (k * 5) % 90
        screen.fill(x, y, 9, 14, BLACK)
        screen.fill(x + 2, y + 2, 4, 9, WHITE)
        screen.seconds(0.2)
    assert len(screen.passed) <= 1


def test_damage_narrows_the_comparison():
    screen = Screen()
    screen.settle()
    screen.text(40, 200, "a line of text is here")
    frame = Frame(9, 1, screen.time, 0.0, screen.pixels.copy(), damage=())
    assert screen.detector.look(frame).fate is Fate.UNCHANGED


def test_same_frames_same_verdict():
    runs = []
    for _ in range(2):
        screen = Screen()
        screen.settle()
        for k in range(15):
            screen.value(84, 80, str(k * 37 % 100))
            screen.text(40, 120 + 14 * k, f"line {k}")
            screen.seconds(0.7)
        runs.append([(t, c.regions, c.rule) for t, c in screen.passed])
    assert runs[0] == runs[1]


def test_standing_buffer_may_be_drawn_into():
    detector, pixels = Detector(), np.full((200, 320, 4), 255, np.uint8)
    detector.look(Frame(0, 1, 0.0, 0.0, pixels))
    detector.look(Frame(1, 1, 5.0, 0.0, pixels))
    pixels[50:80, 50:200] = 90
    pixels[60:70, 60:190:3] = 0
    change = detector.look(Frame(2, 1, 6.0, 0.0, pixels))
    assert change.regions or detector.wake(detector.due()).regions


def test_the_same_changes_are_caught_at_any_rate():
    """A caret, a clock and a film beside a number, a line and a message that slides in."""
    told = {}
    for fps in (5, 10, 30):
        screen, rng = Screen(fps=fps), np.random.default_rng(1)
        caught = []
        for k in range(26 * fps):
            second = k / fps
            screen.fill(60, 110, 2, 18, WHITE if int(second / 0.5) % 2 else BLACK)
            screen.value(500, 340, f"10:41:{int(second):02}")
            dots = rng.integers(0, 255, (8, 12, 3), np.uint8).repeat(10, 0).repeat(10, 1)
            screen.pixels[120:200, 400:520, :3] = dots
            screen.value(84, 80, "12" if second < 11 else "13")
            if second >= 14:
                screen.fill(36, 200, 320, 30)
                screen.text(40, 220, "error: no such file or directory")
            top = 360 - min(60, max(0, round(150 * (second - 18))))
            screen.fill(260, top, 240, 360 - top, GREY)
            if top < 340:
                screen.text(270, top + 20, "A message slides into view", RED)
            screen.passed.clear()
            screen.look()
            for name, at in {"number": (96, 76), "line": (100, 216), "message": (300, 316)}.items():
                if second >= 9 and name not in caught and screen.shows(*at):
                    caught.append(name)
        told[fps] = caught
    assert told == {fps: ["number", "line", "message"] for fps in (5, 10, 30)}


def test_bar_that_grows_is_noise(screen):
    screen.fill(40, 200, 400, 8, (220, 220, 220))
    screen.fill(10, 200, 30, 8, BLACK)
    screen.seconds(6)
    screen.passed.clear()
    for step in range(4):
        screen.fill(40 + 30 * step, 200, 30, 8, BLACK)
        screen.seconds(5)
    assert screen.passed == []


def test_spinner_that_stops_in_another_colour_is_news(screen):
    for k in range(60):
        screen.value(300, 120, "|/-+"[k % 4])
        screen.seconds(0.2)
    screen.passed.clear()
    screen.value(300, 120, "X", RED)
    screen.seconds(2)
    assert len(screen.passed) == 1


def test_values_far_apart_are_no_table(screen):
    rng = np.random.default_rng(1)
    for _ in range(24):
        for x in (300, 380, 460, 540):
            screen.value(x, 340, str(rng.integers(10, 99)))
        screen.seconds(0.6)
    screen.passed.clear()
    screen.value(20, 340, "77")
    screen.seconds(2)
    assert screen.shows(30, 334)


def test_state_is_shown_with_the_line_it_stands_in(screen):
    screen.text(40, 200, "night surcharge runs")
    screen.seconds(3)
    screen.passed.clear()
    screen.fill(165, 184, 80, 22)
    screen.text(170, 200, "FAILED")
    screen.seconds(2)
    assert screen.shows(200, 195)
    assert screen.shows(45, 195)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ((40, 160, 40), RED, True),  # a tile that turns from green to red
        (WHITE, (150, 150, 255), True),  # a row with an alarm
        ((150, 150, 255), WHITE, True),  # and without it again
        (WHITE, (230, 120, 50), False),  # a row that is selected
        (WHITE, (210, 210, 210), False),
    ],
)
def test_a_ground_that_signals_is_news_and_a_selection_is_not(screen, before, after, shown):
    for ground in (before, after):
        screen.fill(120, 200, 400, 30, ground)
        screen.text(130, 220, "replica of the database in the north")
        screen.seconds(6)
        if ground is before:
            screen.passed.clear()
    assert screen.shows(320, 215) == shown


def test_a_stripe_that_turns_red_is_news(screen):
    screen.fill(120, 200, 120, 9, (40, 160, 40))
    screen.seconds(6)
    screen.passed.clear()
    screen.fill(120, 200, 120, 9, RED)
    screen.seconds(3)
    assert screen.shows(180, 204)


@pytest.mark.parametrize(("width", "shown"), [(10, False), (15, True)])
def test_coloured_card_is_no_caret(screen, width, shown):
    screen.fill(120, 200, width, 20, RED)
    screen.seconds(2)
    assert screen.shows(124, 210) == shown


def test_what_is_new_below_a_dialog_that_closes_goes_with_what_came_beside_it(screen):
    for line in range(10):
        screen.text(60, 110 + 22 * line, f"an old line of text, number {line} of ten lines")
    screen.seconds(3)
    below = screen.pixels.copy()
    screen.fill(50, 90, 420, 240, (120, 190, 190))
    screen.text(60, 120, "Copy this file?")
    screen.seconds(3)
    screen.passed.clear()
    screen.pixels[:] = below
    screen.text(60, 330, "alpha.c")
    screen.text(520, 200, "112 bytes")
    screen.seconds(3)
    assert len(screen.passed) == 1
    assert screen.shows(540, 195)
    assert screen.shows(80, 325)


def test_title_goes_with_the_large_drawing_that_came_at_the_same_moment(screen):
    screen.value(300, 30, "chart 1")
    screen.seconds(8)
    screen.passed.clear()
    screen.value(300, 30, "chart 2")
    cv2.line(screen.pixels, (60, 120), (300, 300), (*BLACK, 255), 2)
    cv2.line(screen.pixels, (300, 300), (560, 120), (*BLACK, 255), 2)
    screen.seconds(3)
    assert len(screen.passed) == 1
    assert screen.shows(340, 26)
    assert screen.shows(300, 290)


def test_caption_that_comes_word_by_word_is_shown_as_a_line(screen):
    x = 40
    for word in ("It", "was", "expected", "by", "nobody", "here"):
        screen.text(x, 200, word)
        x += cv2.getTextSize(word + " ", cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)[0][0]
        screen.seconds(0.2)
    screen.seconds(3)
    assert len(screen.passed) == 1
    assert screen.shows(44, 195)
    assert screen.shows(x - 14, 195)


def test_what_is_still_doubted_goes_with_what_is_shown(screen):
    for words in ("13", "14"):
        screen.value(84, 80, words)
        screen.seconds(2)
    screen.passed.clear()
    screen.value(84, 80, "15")
    screen.seconds(0.4)
    assert screen.passed == []
    screen.text(40, 200, "error: no such file or directory")
    screen.seconds(3)
    assert len(screen.passed) == 1
    assert screen.shows(96, 76)
    assert screen.shows(200, 196)


def test_line_is_shown_with_the_space_above_and_below_it(screen):
    screen.text(40, 200, "Hopping", size=1.0)
    screen.seconds(2)
    ((_, change),) = screen.passed
    (region,) = change.regions
    changed = np.flatnonzero((screen.pixels[150:250] != screen.pixels[150, 0]).any(axis=(1, 2)))
    assert region.height >= 1.45 * (changed[-1] + 1 - changed[0])


def field(screen, y, colour):
    cv2.rectangle(screen.pixels, (40, y), (340, y + 44), (*colour, 255), 3)


def test_focus_that_goes_from_field_to_field_is_noise(screen):
    for y in (120, 200):
        field(screen, y, GREY)
        screen.text(52, y + 28, "Ottilie Brandauer")
    screen.seconds(3)
    screen.passed.clear()
    for old, new in ((200, 120), (120, 200)):
        field(screen, old, GREY)
        field(screen, new, RED)
        screen.fill(48, new + 12, 2, 20, BLACK)
        screen.seconds(3)
    assert screen.passed == []


def listed(screen, chosen, size="4096"):
    for row, words in enumerate(("Makefile 112", f"alpha.c {size}", "beta.c 88")):
        screen.fill(30, 110 + 30 * row, 400, 30, (250, 160, 90) if row == chosen else WHITE)
        screen.text(40, 130 + 30 * row, words)


def test_selection_that_goes_down_a_list_is_noise(screen):
    listed(screen, None)
    screen.seconds(3)
    screen.passed.clear()
    for chosen in (0, 1, 2, None):
        listed(screen, chosen)
        screen.seconds(2)
    assert screen.passed == []


def test_row_that_is_coloured_when_its_value_changes_is_news(screen):
    listed(screen, None)
    screen.seconds(3)
    screen.passed.clear()
    listed(screen, 1, "8192")
    screen.seconds(2)
    assert screen.shows(130, 156)


def test_rounded_bar_that_grows_is_noise(screen):
    def drawn(share):
        cv2.line(screen.pixels, (60, 200), (360, 200), (*GREY, 255), 14, cv2.LINE_AA)
        cv2.line(screen.pixels, (60, 200), (60 + round(300 * share), 200), (*RED, 255), 14)

    drawn(0.02)
    screen.seconds(3)
    screen.passed.clear()
    for share in (0.4, 0.7, 1.0):
        drawn(share)
        screen.seconds(4)
    assert screen.passed == []


def test_word_that_takes_long_is_shown_when_it_is_complete(screen):
    for k in range(12):
        screen.text(40 + 8 * k, 250, "o")
        screen.seconds(0.2)
    assert screen.passed == []
    screen.seconds(2)
    assert len(screen.passed) == 1
    assert screen.shows(44, 246)
    assert screen.shows(40 + 8 * 11 + 4, 246)


def test_what_comes_and_goes_is_shown_twice(screen):
    for _ in range(5):
        screen.text(40, 200, "up to sixty per cent off")
        screen.seconds(5)
        screen.fill(40, 180, 400, 30)
        screen.seconds(3)
    assert len(screen.passed) == 2


def test_number_beside_a_plural_that_became_a_singular_is_no_pointer(screen):
    screen.text(40, 200, "0 errors")
    screen.seconds(3)
    screen.passed.clear()
    screen.fill(38, 184, 100, 24)
    screen.text(40, 200, "1 error")
    screen.seconds(2)
    assert screen.shows(44, 195)


def test_dots_of_a_word_being_typed_belong_to_it(screen):
    for k, letter in enumerate("m.a.b.c"):
        if letter == ".":
            screen.fill(43 + 11 * k, 248, 2, 2, BLACK)
        else:
            screen.text(40 + 11 * k, 250, letter)
        screen.seconds(0.2)
        assert screen.passed == []
    screen.seconds(2)
    assert len(screen.passed) == 1
    assert screen.shows(44, 248)
    assert screen.shows(40 + 11 * 6 + 4, 248)


def test_words_in_place_of_what_said_where_to_write_are_shown_while_typing_goes_on():
    screen = Screen(fps=5)
    screen.text(40, 250, "Message to everybody in this team", (140, 140, 140))
    screen.settle()
    for letter in range(26):
        if letter == 0:
            screen.fill(30, 230, 400, 30)
        screen.text(40 + 9 * letter, 250, "Words that are typed on and on"[letter])
        screen.look()
    assert screen.shows(60, 248)


def test_first_letter_of_a_word_is_no_card(screen):
    screen.text(40, 250, "Please")
    screen.seconds(3)
    screen.passed.clear()
    screen.fill(100, 236, 5, 15, BLACK)
    for y in (236, 242, 248):
        screen.fill(105, y, 5, 3, BLACK)
    screen.seconds(0.4)
    assert screen.passed == []
    screen.text(112, 250, "xit")
    screen.seconds(2)
    assert len(screen.passed) == 1


def test_chart_that_moves_on_and_on_is_shown_ever_more_seldom(screen):
    shown = []
    x = np.arange(600)
    for step in range(40 * screen.fps):
        if step % max(1, screen.fps // 5) == 0:
            screen.fill(20, 110, 600, 200)
            wave = 210 + 80 * np.sin((x + 12 * (step * 5 // screen.fps)) / 60)
            points = np.stack([x + 20, wave], axis=1).astype(np.int32)
            cv2.polylines(screen.pixels, [points], False, (*BLACK, 255), 2, cv2.LINE_AA)
        screen.look()
        shown += [time for time, _ in screen.passed]
        screen.passed.clear()
    assert len(shown) <= 8


def test_number_that_gets_shorter_from_the_left_is_news(screen):
    screen.text(200, 200, "1500")
    screen.settle()
    screen.fill(196, 180, 28, 26)
    screen.seconds(2)
    assert screen.shows(210, 195)
    screen.passed.clear()
    screen.fill(190, 180, 80, 26)
    screen.seconds(3)
    assert screen.passed == []  # that is erased


def test_a_caption_that_rolls_up_and_grows_pale_is_no_news(screen):
    screen.fill(40, 200, 500, 80, BLACK)
    screen.text(50, 260, "In October the permit came", WHITE, 0.6)
    screen.settle()
    screen.fill(40, 200, 500, 80, BLACK)
    screen.text(50, 224, "In October the permit came", (170, 170, 170), 0.6)
    screen.seconds(3)
    assert not screen.passed
    screen.fill(40, 200, 500, 80, BLACK)
    screen.text(50, 224, "It was for sea water only", (170, 170, 170), 0.6)
    screen.seconds(3)
    assert screen.shows(100, 219)


def test_a_state_that_reads_as_the_row_below_does_is_news(screen):
    for y, state in ((200, "WORKING 0 of 10"), (230, "FILLED 10 of 10")):
        screen.text(50, y, state)
    screen.settle()
    screen.fill(40, 184, 300, 24)
    screen.text(50, 200, "FILLED 10 of 10")
    screen.seconds(2)
    assert screen.shows(100, 195)


@pytest.fixture
def desk():
    """A larger screen with a title, four seconds old."""
    desk = Screen(width=1280, height=720)
    desk.text(40, 40, "An ordinary window title")
    desk.settle()
    return desk


def show_a_notice(screen):
    screen.fill(800, 0, 420, 90, BLACK)
    screen.text(820, 60, "A backup has been made", WHITE)


def type_three_letters(screen, tick):
    if tick < 3:
        screen.text(80 + 12 * tick, 120, "a")


def test_what_waits_for_its_surroundings_goes_with_what_is_shown(desk):
    for tick in range(14):
        type_three_letters(desk, tick)
        if tick == 7:
            desk.text(900, 640, "saved to the archive")
        if tick >= 6:
            desk.text(80 + 12 * (tick - 6), 300, "m")
        desk.look()
    first, *later = [change.regions for _, change in desk.passed]
    saved, typed = Rect(897, 623, 138, 24), Rect(37, 105, 78, 23)
    assert any(saved.intersects(region) for region in first)
    assert any(typed.intersects(region) for region in first)
    assert not any(saved.intersects(region) for regions in later for region in regions)


def test_what_is_due_in_a_moment_goes_with_what_is_shown(desk):
    for tick in range(12):
        type_three_letters(desk, tick)
        if 6 <= tick < 9:  # it slides in
            desk.fill(800, 0, 420, 30 * (tick - 3), BLACK)
            desk.text(820, 30 * (tick - 5), "A backup has been made", WHITE)
        desk.look()
    desk.seconds(2)
    assert len(desk.passed) == 1
    assert desk.shows(85, 115)
    assert desk.shows(1000, 60)


def test_unfinished_word_goes_with_what_is_shown_and_again_only_if_it_goes_on(desk):
    for tick in range(7):
        desk.text(80 + 12 * tick, 120, "m")
        if tick == 5:
            show_a_notice(desk)
        desk.look()
    desk.seconds(2)
    assert len(desk.passed) == 1
    assert desk.shows(1000, 60)
    assert desk.shows(155, 115)
    desk.text(80 + 12 * 7, 120, "m")
    desk.seconds(2)
    assert len(desk.passed) == 2
    assert desk.shows(170, 115)


def test_lines_around_what_was_seen_first_are_shown_though_it_went_along_before(desk):
    for tick in range(30):
        if tick < 11:  # it spins until the lines are there
            desk.fill(480, 264, 24, 24)
            cv2.ellipse(desk.pixels, (492, 276), (9, 9), 45 * tick, 0, 90, (40, 40, 40, 255), 2)
        if tick == 8:
            for line in range(5):
                desk.text(400, 262 + 12 * line, "what is painted around it", size=0.4)
            for word in range(9):
                desk.text(40 + 130 * word, 600, "a page")
        if tick == 7:
            show_a_notice(desk)
        desk.look()
    desk.seconds(2)
    assert desk.shows(1000, 60)
    assert desk.shows(410, 258)
    assert desk.shows(410, 306)
