"""The steps of the detector, each by itself."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.pixels import middle, words
from hud.rect import Rect
from stages.change.detector.dirty import Difference, damaged_bands
from stages.change.detector.field import Field
from stages.change.detector.film import Films
from stages.change.detector.intake import Intake
from stages.change.detector.judge import Judge
from stages.change.detector.memory import Known, Rates
from stages.change.detector.options import SENSITIVITY, Limits
from stages.change.detector.past import EBB, LATE, Past, same_place
from stages.change.detector.regions import blobs, tidy, with_line
from stages.change.detector.screen import Screen as Pictures
from stages.change.detector.screen import cell_slices
from stages.change.detector.scroll import find_shift, follow
from stages.change.detector.shapes import (
    caret,
    erased,
    one_word,
    palette,
    sharper,
    tinted,
    written,
)
from stages.change.detector.signature import signatures
from stages.change.detector.spot import MANY, Spot, travelled
from stages.change.detector.verdict import Say
from stages.change.whole_frame import HashDetector, dhash, phash

from .drawing import BLACK, Screen


def picture(height, width, seed=None):
    rng = np.random.default_rng(seed)
    top = 255 if seed is not None else 1
    return rng.integers(0, top, (height, width, 4), np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 130), st.integers(1, 200), st.data())
def test_difference_is_exact(height, width, data):
    old = picture(height, width, 1)
    new = old.copy()
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    new[y, x, 1] ^= 1
    padded = np.zeros((-(-height // 8) * 8, -(-width // 8) * 8), np.uint32)
    padded[:height, :width] = words(old)
    difference = Difference(height, width)
    assert difference.compare(words(new), padded, None)
    assert np.argwhere(difference.mask).tolist() == [[y, x]]
    assert np.argwhere(difference.cells).tolist() == [[y // 8, x // 8]]
    assert not difference.compare(words(old), padded, None)
    assert not difference.mask.any()


def test_fourth_byte_carries_nothing():
    old = picture(64, 64, 1)
    new = old.copy()
    new[..., 3] ^= 255
    padded = words(old).copy()
    assert not Difference(64, 64).compare(words(new), padded, None)


def test_damage_becomes_bands():
    apart = [Rect(0, 90, 5, 20), Rect(0, 41, 5, 5)]
    assert list(damaged_bands(apart, 100, 50)) == [(40, 48), (88, 100)]
    assert list(damaged_bands([*apart, Rect(0, 58, 5, 5)], 100, 50)) == [(40, 100)]
    assert list(damaged_bands([], 100, 50)) == []


def test_signature_sees_one_level_and_forgets_the_fourth_byte():
    pixels = words(picture(16, 16, 3)).copy()
    rows, columns = np.array([0, 1]), np.array([0, 1])
    before = signatures(pixels, rows, columns)
    pixels[0, 0] ^= 0xFF000000
    assert (signatures(pixels, rows, columns) == before).all()
    pixels[9, 9] ^= 1
    assert (signatures(pixels, rows, columns) == before).tolist() == [True, False]


def test_known_holds_what_was_left_not_what_is():
    known, at, sign = Known(2, 2), (np.array([0]), np.array([1])), np.array([77], np.uint64)
    known.rest(*at, sign)
    assert not known.holds(*at, sign).any()
    known.leave(*at, 1.0)
    assert known.holds(*at, sign).all()


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_film_becomes_background_at_any_rate(fps):
    rates, at = Rates(1, 1, Limits()), (np.array([0]), np.array([0]))
    for k in range(2 * fps):
        if rates.background(k / fps).any():
            break
        rates.count(*at, k / fps)
    assert 1.0 <= k / fps <= 1.6


def test_blobs_are_tight_and_near_pieces_are_one():
    mask = np.zeros((80, 160), bool)
    mask[10:14, 20:30] = mask[10:14, 36:50] = mask[60:62, 100:104] = True
    cells = mask.reshape(10, 8, 20, 8).any(axis=(1, 3))
    assert {b.rect for b in blobs(mask, cells)} == {Rect(20, 10, 30, 4), Rect(100, 60, 4, 2)}


def test_tidy_gives_few_regions():
    rects = [Rect(40 * k, 40 * (k % 7), 10, 10) for k in range(40)]
    assert len(tidy(rects, 1800, 400)) <= 12


def test_shift_is_found_and_followed():
    screen = Screen()
    for k in range(14):
        screen.text(30, 30 + 22 * k, f"{k * 31 % 17} words of line {k * 7}")
    old = words(screen.pixels).copy()
    new = old.copy()
    new[0:338] = old[22:360]
    shift = find_shift(new, old, Rect(0, 0, 640, 360))
    assert shift is not None
    assert shift.distances[0] == -22
    shown = old.copy()
    follow(shown, new, old, shift)
    assert (shown[:330] == new[:330]).all()


def test_shapes():
    blank, bar, letter = (np.full((20, 12), 0xFFFFFF, np.uint32) for _ in range(3))
    bar[:, 4:6] = 0
    letter[4:16, 3:9:4] = 0
    letter[8, 3:9] = 0
    assert caret(blank, bar)
    assert not caret(blank, letter)
    assert written(blank, letter)
    assert erased(letter, blank)
    assert tinted(blank, blank - 0x101010, 40)
    assert not tinted(blank, letter, 40)
    assert sharper(letter, letter ^ 0x070707)
    assert palette(blank)[63] == 1


def test_a_narrow_space_with_smoothed_letters_beside_it_parts_two_words():
    line = np.full((20, 60, 4), 255, np.uint8)
    line[4:16, 2:40:4] = 0
    assert one_word(words(line))
    line[:, 19:25] = 255
    line[4:16, [19, 24]] = 230  # the smoothed sides of what stands there
    assert not one_word(words(line))


def test_another_digit_is_not_the_same_sharper():
    two, three = (np.full((9, 7), 0xFFFFFF, np.uint32) for _ in range(2))
    two[(1, 2, 3, 4, 5, 6, 7), (4, 5, 4, 3, 2, 1, 1)] = 0xA8748A
    three[(1, 2, 3, 4, 5, 6, 7), (4, 5, 4, 3, 5, 5, 4)] = 0xA8748A
    assert not sharper(two, three)


@pytest.mark.parametrize("row", [54, 63, 64, 65, 127, 185])
def test_what_is_no_sharper_in_one_place_is_another_picture(row):
    """High pictures are compared a few rows at a time."""
    page = np.full((200, 40), 0xFFFFFF, np.uint32)
    for top in range(10, 190, 12):
        page[top : top + 4, 4:36] = 0x606060
    pixels = page.view(np.uint8).reshape(200, 40, 4)
    soft = cv2.GaussianBlur(pixels, (3, 3), 0.5).view(np.uint32)[..., 0]
    assert sharper(soft, page)
    other = page.copy()
    other[row : row + 3, 10:14] ^= 0xFFFFFF
    assert not sharper(soft, other)


def test_travelled_is_not_grown():
    assert travelled(Rect(10, 10, 12, 18), Rect(40, 15, 12, 18))
    assert not travelled(Rect(10, 10, 12, 18), Rect(10, 10, 24, 18))


def test_field_of_flickering_values():
    field, colours = Field(), palette(np.zeros((10, 10), np.uint32))
    for k in range(20):
        field.add(k * 0.2, Rect(100, 40 * (k % 8), 60, 20), colours)
    assert field.flickers(Rect(100, 120, 60, 20), 4.0)
    assert not field.flickers(Rect(400, 600, 60, 20), 4.0)


def test_a_value_far_above_a_column_that_flickers_is_not_of_it():
    field, colours = Field(), palette(np.zeros((10, 10), np.uint32))
    for k in range(20):
        field.add(k * 0.2, Rect(100, 200 + 20 * (k % 8), 40, 10), colours)
    assert field.flickers(Rect(100, 180, 40, 10), 4.0)
    assert not field.flickers(Rect(100, 60, 40, 10), 4.0)


def test_a_column_that_flickers_slowly_is_known_after_a_while():
    field, colours = Field(), palette(np.zeros((10, 10), np.uint32))
    for k in range(18):
        field.add(k * 0.85, Rect(100, 200 + 20 * (k % 8), 40, 10), colours)
        for _ in range(40):  # what else goes on does not push it out of memory
            field.add(k * 0.85, Rect(900, 200 + 20 * (k % 8), 40, 10), colours)
    one = Rect(100, 220, 40, 10)
    assert not field.flickers(one, 14.5)
    assert field.lasts(one, 14.5)
    assert field.flickers(one, 14.5, soon=True)
    assert not field.lasts(one, 17.0)


def test_a_slow_column_is_known_beside_one_that_flickers_quickly():
    field, colours = Field(), palette(np.zeros((10, 10), np.uint32))
    for tick in range(200):
        time = tick / 10
        for row in range(30):
            for left in (100, 200, 300, 400):
                field.add(time, Rect(left, 100 + 25 * row, 40, 10), colours)
        if tick % 8 == 0:
            field.add(time, Rect(600, 100 + 25 * (7 * tick // 8 % 30), 7, 10), colours)
    never = Rect(600, 100 + 25 * 9, 7, 10)
    assert field.lasts(never, 20.0)
    assert field.flickers(never, 20.0, soon=True)
    assert not field.lasts(Rect(600, 1400, 7, 10), 20.0)


def test_a_column_that_never_flickered_is_none_of_the_field_beside_it():
    field, colours = Field(), palette(np.zeros((10, 10), np.uint32))
    for tick in range(50):
        for row in range(10):
            left = 100 + 100 * ((tick + row) % 6)
            field.add(tick / 10, Rect(left, 100 + 25 * row, 80, 24), colours)
    state, price = Rect(720, 150, 50, 24), Rect(300, 150, 80, 24)
    field.add(5.0, state, colours)
    assert field.flickers(price, 5.0)
    assert not field.flickers(state, 5.0)


def test_places_that_are_the_same_become_one():
    pixels = np.zeros((80, 80), np.uint32)
    screen, limits = Pictures(pixels, 0.0, Limits()), Limits()
    intake = Intake(screen, limits, Field(), Past())
    here, there = Rect(8, 8, 30, 12), Rect(8, 40, 30, 12)
    for turn in range(100):
        intake.spots += [Spot(rect, 0, 0, turn) for rect in (here, there, here)]
        intake.unite_twins()
        assert [spot.rect for spot in intake.spots] == [here, there]
    assert intake.spots[0].touched == 99
    for _ in range(50):  # parted and united again, as often
        one, other = (intake.spots[0].part(rect, 100) for rect in (here, there))
        one.touched += 1
        one.swallow(other)
        intake.spots[0] = one
    assert one.changes == MANY


def test_piece_of_a_place_has_stood_still_since_it_changed_itself():
    here, there = Rect(8, 8, 30, 12), Rect(8, 40, 30, 12)
    both = Spot(here.union(there), 0, 0, 5.0)
    assert both.part(here, 1.5).touched == 1.5
    assert both.part(there, 9.0).touched == 5.0


def over_black(height, width, toast):
    """A black screen on which a toast with letters was drawn since, and its judge."""
    screen, limits = Pictures(np.zeros((height, width), np.uint32), 0.0, Limits()), Limits()
    screen.now[toast.slices] = 0xE0E0E0
    screen.now[toast.y + 28 : toast.y + 40, toast.x + 20 : toast.x + 120 : 3] = 0  # letters
    return screen, Judge(screen, limits, Field(), Past())


@pytest.mark.parametrize("caret", [True, False])
def test_line_that_is_typed_beside_a_caret_is_no_row_that_is_refreshed(caret):
    line = Rect(80, 80, 60, 16)
    limits, field = Limits(), Field()
    pictures = Pictures(np.zeros((240, 400), np.uint32), 0.0, limits)
    pictures.now[84:94, 82:138:3] = 0xFFFFFF
    rows = [(Rect(80, 80 - 26 * row, 300, 16), 1) for row in range(12)]
    for tick in range(10):
        field.volley(0.5 * tick, rows)
    spot = Spot(line, 4.0, 4.0, 4.5, changes=3, letter=True, caret=caret)
    verdict = Judge(pictures, limits, field, Past()).decide(spot, 4.5, 0.0)
    assert verdict.rule == (
        "writing came to rest, not yet certain"
        if caret
        else "a table that is refreshed again and again"
    )


@pytest.mark.parametrize("stops", [True, False])
def test_what_slid_in_over_a_film_is_told_from_a_film_that_goes_on(stops):
    toast = Rect(80, 80, 240, 80)
    screen, judge = over_black(240, 400, toast)
    spot = Spot(toast, 10.0, 10.0, 10.0, rested=True, covers=True)
    said = []
    for time in np.arange(10.0, 13.0, 0.1).tolist():
        if not stops or time < 10.4:
            screen.rates.touched[cell_slices(toast)] = spot.touched = time
        verdict = judge.decide(spot, time, 0.0)
        if verdict.say is not Say.WAIT:
            said.append(verdict.say)
            break
    assert said == [Say.SHOW if stops else Say.LEAVE]


def test_a_small_dialogue_that_was_laid_over_still_background_is_shown():
    toast = Rect(500, 32, 240, 80)
    _screen, judge = over_black(720, 1280, toast)
    spot = Spot(toast, 10.0, 10.0, 10.0, rested=True, laid=True)
    verdict = judge.decide(spot, 10.0, 0.0)
    if verdict.say is Say.WAIT:
        assert verdict.due is not None
        assert verdict.due <= 10.2
        verdict = judge.decide(spot, verdict.due, 0.0)
    assert verdict.say is Say.SHOW


def test_past():
    past = Past()
    past.add(1.0, Rect(10, 10, 40, 16))
    assert past.count(Rect(10, 10, 40, 16), 0.0) == 1
    assert not same_place(Rect(0, 0, 10, 10), Rect(8, 8, 10, 10))


def test_a_table_that_is_sorted_anew_goes_on_and_a_log_does_not():
    table, log, past = Rect(0, 0, 400, 300), Rect(0, 400, 400, 300), Past()
    for second in range(6):
        past.scroll(2.0 * second, table, down=bool(second % 2))
        past.scroll(2.0 * second, log, down=False)
    assert past.flood(Rect(10, 10, 20, 20)) == 10.0 + LATE * 2.0
    assert past.flood(Rect(10, 410, 20, 20)) is None


def test_a_chat_that_somebody_scrolled_back_is_no_table_that_is_sorted_anew():
    chat, past = Rect(0, 0, 400, 300), Past()
    for time, down in ((2.0, False), (6.0, True), (9.0, False)):
        past.scroll(time, chat, down=down)
    assert past.flood(Rect(10, 270, 200, 20)) is None


def test_a_tape_goes_on_through_its_pauses_and_a_log_that_is_as_quick_does_not():
    tape, log, past = Rect(0, 0, 400, 300), Rect(0, 400, 400, 300), Past()
    for time in (1.0, 1.3, 1.6, 2.4, 2.8, 3.1, 4.0, 4.3):
        past.scroll(time, tape, down=True)
        past.scroll(time, log, down=False)
    assert past.flood(Rect(10, 10, 20, 20)) == 4.3 + EBB
    assert past.flood(Rect(10, 410, 20, 20)) is None
    column_beside_it, next_window = Rect(450, 10, 40, 20), Rect(700, 10, 40, 20)
    assert past.flood(column_beside_it) == 4.3 + EBB
    assert past.flood(next_window) is None


@pytest.mark.parametrize("hash_of", [dhash, phash])
def test_hashes_see_a_page_and_miss_a_word(hash_of):
    screen = Screen(detector=HashDetector(hash_of, 5))
    for k in range(12):
        screen.fill(50 * k, 20 + 23 * k, 90, 40 + 5 * k, (20 * k, 90, 255 - 20 * k))
    assert screen.look().regions
    screen.text(40, 300, "word")
    assert not screen.look().regions
    screen.pixels[:, 200:440] = 20
    screen.pixels[100:200] = 90
    assert screen.look().regions


def test_sensitivity_words_and_bad_numbers():
    assert set(SENSITIVITY) == {"low", "normal", "high"}
    with pytest.raises(ValueError, match="rest"):
        Limits(rest=0)


def test_tidy_unites_where_ground_is_cheaper_than_a_picture():
    line = [Rect(20, 40, 200, 16), Rect(300, 40, 120, 16)]
    assert len(tidy(line, 1280, 720)) == 1
    assert len(tidy([Rect(20, 40, 200, 16), Rect(900, 600, 200, 16)], 1280, 720)) == 2


def test_line_of_text_ends_at_a_gap_and_at_the_edge_of_a_panel():
    screen = Screen(640, 60)
    screen.text(40, 36, "night surcharge FAILED")
    screen.text(400, 36, "another column")
    pixels = words(screen.pixels)
    failed = Rect(170, 24, 50, 13)
    line = with_line(pixels, failed)
    assert (line.x < 44, line.right < 260) == (True, True)
    screen.fill(100, 0, 1, 60, BLACK)
    assert 101 <= with_line(words(screen.pixels), failed).x < 170
    assert with_line(pixels, Rect(170, 4, 50, 50)) == Rect(170, 4, 50, 50)


def test_still_corner_of_the_rectangle_around_a_film_is_none():
    cells = np.zeros((64, 64), bool)
    cells[:32], cells[:, :32] = True, True
    films = Films(64, 64)
    for step in range(20):
        films.count(*np.nonzero(cells), step / 10)
    assert films.holds(Rect(100, 300, 20, 20))
    assert films.holds(Rect(450, 450, 20, 3))  # the edge of something that comes
    assert not films.holds(Rect(450, 450, 20, 20))


def test_the_middle_of_an_even_number_is_the_upper_one():
    values = np.array([[9, 1], [2, 8], [4, 3], [7, 5]], np.uint8)
    assert middle(values).tolist() == [7, 5]
    assert middle(values, axis=1).tolist() == [9, 8, 4, 7]
    assert middle(values[:3]).tolist() == [4, 3]


def test_a_tape_of_a_floor_is_told_after_three_movements():
    past, tape = Past(), Rect(0, 0, 400, 300)
    for time in (1.0, 2.5, 4.0):
        past.scroll(time, tape, down=True)
    assert past.flood(tape) is None
    assert past.flood(tape, soon=True) == 4.0 + EBB


def test_a_floor_is_crowded_and_a_dashboard_is_not():
    floor, board, colours = Field(), Field(), palette(np.zeros((10, 10), np.uint32))
    for place in range(100):
        rect = Rect(100 * (place % 10), 40 * (place // 10), 40, 10)
        floor.add(place * 0.03, rect, colours)
        board.add(place * 0.3, rect, colours)
    assert floor.crowded(3.0)
    assert not board.crowded(30.0)
    assert not floor.crowded(8.0)


@pytest.mark.parametrize("crowded", [False, True])
def test_the_first_change_of_a_screen_full_of_values_waits_until_they_are_known(crowded):
    screen = Screen(width=1280, height=720)
    screen.look()
    screen.passed.clear()
    if crowded:
        for place in range(100):
            rect = Rect(600 + 60 * (place % 10), 60 * (place // 10), 40, 10)
            screen.detector._field.add(screen.time, rect, palette(np.zeros((10, 10), np.uint32)))
    screen.text(40, 120, "A line that nobody knows")
    screen.seconds(3)
    assert screen.shows(60, 115) != crowded
    screen.seconds(2)
    assert screen.shows(60, 115)
