from __future__ import annotations

from hud.rect import Rect
from stages.capture.films import MOST, PERIOD, PROOF, Films

FILM = Rect(600, 300, 640, 360)


def played(films: Films, rect: Rect, seconds: float, every: float, start: float = 0.0) -> float:
    time = start
    while time < start + seconds:
        films.drawn(rect, time)
        time += every
    return time


def test_a_place_drawn_over_and_over_is_a_film_until_it_pauses():
    films = Films(1920, 1080)
    assert films.present(played(films, FILM, PROOF - 0.1, 0.04)) == []
    time = played(films, FILM, 0.3, 0.04, start=0.92)
    assert films.present(time) == [FILM]
    # Looked at as seldom as a film is, it stays one.
    time = played(films, FILM, 5.0, PERIOD, start=time)
    assert films.present(time) == [FILM]
    assert films.present(time + 0.5) == []


def test_pieces_of_one_picture_are_one_film():
    films = Films(1920, 1080)
    for tick in range(50):
        for row in range(3):
            films.drawn(Rect(600, 300 + 120 * row, 640, 120), tick / 25)
        films.drawn(FILM, tick / 25 + 0.01)
    assert FILM in films.present(2.0)


def test_a_caret_and_lines_that_come_now_and_then_are_none():
    films = Films(1920, 1080)
    for tick in range(100):
        films.drawn(Rect(400, 500, 2, 15), 0.5 * tick)
        films.drawn(Rect(20, 16 * (tick % 40), 400, 16), 0.5 * tick)
        assert films.present(0.5 * tick) == []


def test_what_fills_the_desktop_is_read_at_the_full_rate():
    films = Films(1920, 1080)
    assert films.present(played(films, Rect(0, 0, 1920, 1080), 3, 0.033)) == []


def test_only_so_many_places_are_remembered():
    films = Films(19200, 10800)
    for number in range(3 * MOST):
        films.drawn(Rect(100 * number, 0, 8, 8), 0.001 * number)
    assert len(films._places) <= MOST + 1
