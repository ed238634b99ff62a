"""What a line reads when a part of it was drawn anew, with pixels, and a reader that slips."""

from __future__ import annotations

import attrs
import cv2
import numpy as np
import pytest

from hud.local.model import Sight
from hud.local.notetaker import Notetaker
from hud.local.reader import Line, Reader, Word
from hud.realtime.caption import Place
from hud.rect import Rect


class Slipping:
    """A reader that takes one number for another from its second reading on."""

    def __init__(self, number: str, slip: str) -> None:
        self._reader, self._number, self._slip = Reader(), number, slip
        self._readings = 0

    def read_rows(self, pictures):
        self._readings += 1
        read = self._reader.read_rows(pictures)
        return (
            read if self._readings == 1 else [[self._slipped(line) for line in row] for row in read]
        )

    def _slipped(self, line: Line) -> Line:
        def slip(text: str) -> str:
            return text.replace(self._number, self._slip)

        words = tuple(Word(slip(word.text), word.left, word.right) for word in line.words)
        return attrs.evolve(line, text=slip(line.text), words=words)


def sight(text: str) -> Sight:
    pixels = np.full((120, 640, 3), 255, np.uint8)
    cv2.putText(pixels, text, (20, 60), cv2.FONT_HERSHEY_DUPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    png = cv2.imencode(".png", pixels)[1].tobytes()
    return Sight(png, Place(1, 640, 120, (Rect(0, 0, 640, 120),)))


@pytest.fixture
def notetaker() -> Notetaker:
    return Notetaker(Slipping("4711", "4177"))


def test_words_whose_pixels_are_as_they_were_read_as_they_did(notetaker):
    notetaker.note([sight("invoice 4711 is waiting")])
    note = notetaker.note([sight("invoice 4711 is finished")])
    assert note == 'Changed: "invoice 4711 is waiting" → "invoice 4711 is finished"'


def test_a_change_that_is_only_another_reading_is_none(notetaker):
    notetaker.note([sight("invoice 4711 is waiting")])
    assert notetaker.note([sight("invoice 4711 is waiting.")]) == ""


def test_words_that_were_drawn_anew_are_read_anew(notetaker):
    notetaker.note([sight("invoice 8888 is waiting")])
    assert "4177" in notetaker.note([sight("invoice 4711 is waiting")])
