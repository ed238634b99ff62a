"""What comes to stand where something moved, or beside it."""

import numpy as np

from .drawing import BLACK, GREY, RED, WHITE, Screen


def film(screen, seconds, *places, do=lambda: None):
    """Frames of something that moves without a pause."""
    dice = np.random.default_rng(round(10 * screen.time))
    for _ in range(round(seconds * screen.fps)):
        for x, y, w, h in places:
            screen.pixels[y : y + h, x : x + w, :3] = dice.integers(0, 255, (h, w, 3), np.uint8)
        do()
        screen.look()


def screen_at_work(*places):
    screen = Screen(width=640, height=480)
    screen.settle()
    film(screen, 6, *places)
    screen.passed.clear()
    return screen


def test_page_in_place_of_a_film_is_shown_and_so_is_what_comes_on_it():
    screen = screen_at_work((0, 0, 640, 384))
    screen.fill(0, 0, 640, 384)
    for line in range(4):
        screen.text(40, 60 + 40 * line, "The page that they share in the meeting")
    screen.seconds(1)
    assert screen.shows(100, 100)
    screen.passed.clear()
    screen.text(40, 260, "one more line")
    screen.seconds(2)
    assert screen.shows(60, 255)


def test_cut_in_a_film_is_not_shown():
    screen = screen_at_work((0, 0, 640, 384))
    screen.fill(0, 0, 640, 384, GREY)
    screen.text(200, 200, "THE END", size=2)
    screen.look()
    film(screen, 3, (0, 0, 640, 384))
    assert screen.passed == []


def test_caret_in_a_still_corner_of_two_films_is_no_part_of_them():
    """What is typed there is shown in time."""
    across, down = (0, 0, 640, 64), (0, 64, 192, 384)
    screen = screen_at_work(across, down)
    for number in range(10):
        lit = number % 2

        def caret(lit=lit):
            screen.fill(400, 200, 2, 20, BLACK if lit else WHITE)

        film(screen, 0.5, across, down, do=caret)
    screen.fill(400, 200, 2, 20)
    screen.text(404, 216, "word", RED)
    film(screen, 2, across, down)
    assert screen.shows(420, 212)


def advertisement(screen, slides, do=lambda step: None):
    """Slides of 6 s: each has its own ground and words, and specks that move on it all the time."""
    grounds = [(40, 160, 220), (150, 60, 40), (90, 30, 160)]
    for slide in slides:
        ground = grounds[slide % len(grounds)]
        for step in range(60 * slide, 60 * slide + 60):
            screen.fill(300, 40, 300, 400, ground)
            on = step - step % 2  # with every second frame
            for speck in range(20):
                left, top = (speck * 97 + 3 * on) % 276, (speck * 71 + 2 * on) % 376
                screen.fill(300 + left, 40 + top, 24, 24, [min(255, c + 60) for c in ground])
            screen.text(320, 100, f"Slide number {slide}", WHITE)
            do(step)
            screen.look()


def test_slides_of_an_advertisement_on_which_something_moves_are_not_shown():
    screen = Screen(width=640, height=480)
    advertisement(screen, range(6))
    assert [change.rule for _, change in screen.passed] == ["the first frame"]


def test_page_that_opens_beside_a_new_slide_is_shown_without_it():
    screen = Screen(width=640, height=480)

    def page(step):
        if step == 305:
            screen.fill(130, 50, 156, 380, GREY)
            for line in range(10):
                screen.text(140, 80 + 36 * line, "A mail that is read")

    advertisement(screen, range(6), page)
    screen.passed.pop(0)  # the first frame
    assert screen.shows(160, 75)
    assert screen.shows(160, 400)
    assert not screen.shows(360, 95)


def test_dialog_over_an_advertisement_is_shown():
    screen = screen_at_work((100, 40, 500, 400))
    screen.fill(140, 100, 400, 240)
    screen.text(180, 160, "Save the changes to the document?")
    screen.seconds(1.5)
    assert screen.shows(200, 155)
