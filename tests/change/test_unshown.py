"""What once stayed on the screen and was never shown."""

import cv2
import numpy as np
import pytest

from .drawing import GREY, Screen

MAUVE, GREEN, BLUE = (200, 60, 160), (60, 170, 40), (220, 120, 30)


def film(screen, rng):
    """Things go by on a dark ground."""
    screen.fill(0, 40, 640, 300, (40, 20, 10))
    for _ in range(10):
        left, top = int(rng.integers(616)), 40 + int(rng.integers(276))
        screen.fill(left, top, 20, 16, [int(c) for c in rng.integers(60, 255, 3)])


def test_word_is_shown_though_somebodys_flag_goes_along_with_it():
    screen = Screen()
    screen.fill(20, 226, 400, 1, (120, 120, 120))  # the border of a table
    screen.settle()
    table = screen.pixels.copy()

    def flag(x):
        screen.pixels[:] = table
        screen.fill(x, 232, 2, 20, MAUVE)
        screen.fill(x, 216, 24, 14, MAUVE)
        screen.look()

    flag(200)
    screen.seconds(0.9)
    screen.passed.clear()
    for k, letter in enumerate("Sign"):
        cv2.putText(table, letter, (40 + 10 * k, 250), 0, 0.5, (0, 0, 0, 255), 1, cv2.LINE_AA)
        flag(50 + 10 * k)
        screen.seconds(0.2)
    screen.seconds(3)
    assert screen.shows(50, 245)


def test_line_of_text_is_shown_though_what_began_beside_it_never_rests():
    screen, rng = Screen(), np.random.default_rng(0)
    screen.settle()
    for k in range(60):
        screen.pixels[170:210, 300:400, :3] = rng.integers(256, size=(40, 100, 3))
        if k == 5:
            screen.text(408, 200, "boss is on the left")
        screen.look()
    assert screen.shows(450, 196)


def test_sign_in_place_of_a_spinner_is_shown_when_it_stands():
    screen = Screen()
    screen.settle()
    screen.text(80, 205, "Configure")
    for k in range(80):
        screen.fill(40, 190, 22, 22)
        cv2.ellipse(screen.pixels, (51, 201), (8, 8), 45 * k, 0, 90, (*BLUE, 255), 2)
        screen.look()
        if k % 20 > 12:  # as one does on a busy machine
            screen.seconds(0.4)
    screen.passed.clear()
    screen.fill(40, 190, 22, 22)
    cv2.circle(screen.pixels, (51, 201), 9, (*GREEN, 255), -1)
    screen.seconds(0.6)
    assert screen.shows(51, 201)


@pytest.mark.parametrize("joined", [0, 12])
def test_end_of_a_download_is_shown_with_its_bar(joined):
    """`joined`: pixels between the line and its bar."""
    screen = Screen()
    screen.text(40, 180, "debian-13.2-netinst.iso")
    screen.settle()
    bar = 206 + joined
    screen.fill(40, bar, 400, 6, GREY)
    for tick in range(120):
        screen.fill(40, bar, 3 * tick, 6, BLUE)
        if tick % 5 == 0:
            screen.fill(40, 188, 300, 18)
            screen.text(40, 200, f"{6 * tick} of 784 MB, {17 + tick % 3}.{tick % 7} MB/s")
        screen.look()
    screen.passed.clear()
    screen.fill(40, 186, 400, 40)
    screen.text(40, 200, "784 MB, complete")
    screen.seconds(1)
    ((_, change),) = screen.passed
    assert screen.shows(60, 196)
    assert screen.shows(420, bar + 2)
    assert change.rule == "what was moving has come to rest"
    screen.seconds(30)
    assert len(screen.passed) == 1


def test_banner_over_a_game_is_shown_though_something_goes_on_there():
    screen, rng = Screen(), np.random.default_rng(1)
    for _ in range(40):
        film(screen, rng)
        screen.look()
    screen.passed.clear()
    screen.fill(140, 90, 360, 160, (90, 40, 60))
    screen.text(200, 190, "GAME OVER", (255, 255, 255), size=1.4)
    for k in range(30):
        for left in (0, 520):
            screen.fill(left, 40, 110, 300, (40, 20, 10))
            screen.fill(left + 3 * k, 60 + 7 * k, 20, 16, BLUE)
        screen.look()
    assert screen.shows(300, 170)


def test_pause_of_a_few_things_in_a_game_is_no_banner():
    screen, rng = Screen(), np.random.default_rng(1)
    for _ in range(40):
        film(screen, rng)
        screen.look()
    screen.passed.clear()
    for k in range(30):
        screen.fill(0, 40, 160, 300, (40, 20, 10))
        screen.fill(3 * k, 60 + 7 * k, 20, 16, BLUE)
        screen.look()
    assert not any(region.area > 20_000 for _, each in screen.passed for region in each.regions)


def test_state_is_shown_on_a_remote_desktop_whose_tiles_are_sent_again_and_again():
    screen, rng = Screen(), np.random.default_rng(0)
    page = np.full((360, 640, 3), 235, np.uint8)
    for k in range(12):
        cv2.putText(page, f"rack {k} works", (20 + 90 * k % 400, 30 + 26 * k), 0, 0.5, (40, 40, 40))

    def send(left, top, quality):
        tile = np.s_[top : top + 60, left : left + 64]
        _, jpeg = cv2.imencode(".jpg", page[tile], [cv2.IMWRITE_JPEG_QUALITY, quality])
        screen.pixels[tile][..., :3] = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)

    tiles = [(left, top) for top in range(0, 360, 60) for left in range(0, 640, 64)]
    for tile in tiles:
        send(*tile, 80)
    screen.settle()
    for k in range(200):
        for number in rng.choice(60, 6, replace=False):
            send(*tiles[number], int(rng.choice([40, 50, 80])))
        if k == 150:
            page[280:300, 430:] = 235
            cv2.putText(page, "rack 5 is down", (440, 294), 0, 0.5, (40, 40, 200))
            screen.passed.clear()
            for tile in tiles[46:50]:
                send(*tile, 80)
        screen.look()
    assert screen.shows(480, 290)


def card(screen, colour):
    """The border of a card, which lights up while the pointer is on it."""
    cv2.rectangle(screen.pixels, (160, 60), (560, 320), (*colour, 255), 2)


def test_value_is_shown_though_the_card_around_it_lit_up_again_and_again():
    screen = Screen()
    card(screen, (200, 200, 200))
    screen.value(200, 150, "packed")
    screen.settle()
    for k in range(9):
        screen.value(200, 150, f"{k} left", GREEN)
        card(screen, MAUVE if k % 2 == 0 else (200, 200, 200))
        screen.seconds(0.7)
    screen.seconds(1.2)
    screen.passed.clear()
    screen.value(200, 150, "on its way", GREEN)
    screen.seconds(5)
    assert screen.shows(220, 145)
