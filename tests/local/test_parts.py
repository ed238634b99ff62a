"""Pictures that show several parts of a screen, at a scale of their own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import trio

from hud import collage
from hud.errors import LocalModelError
from hud.items import View
from hud.local import child
from hud.local.frames import Answer, Request
from hud.local.model import Sight
from hud.local.notetaker import Notetaker, lines
from hud.local.reader import Reader
from hud.local.worker import LocalReader, open_reader
from hud.realtime.caption import Place
from hud.rect import Rect
from stages.encode import draw
from tests import fakes

PARTS = Rect(20, 20, 300, 60), Rect(500, 400, 260, 60)


@pytest.fixture(scope="module")
def reader() -> Reader:
    cv2.setNumThreads(1)
    return Reader()


def screen(*texts: tuple[Rect, str]) -> np.ndarray:
    pixels = np.full((600, 800, 4), 255, np.uint8)
    for rect, text in texts:
        where = rect.x + 12, rect.y + 38
        cv2.putText(pixels, text, where, cv2.FONT_HERSHEY_DUPLEX, 0.7, (0, 0, 0), 1, cv2.LINE_AA)
    return pixels


def sight(pixels: np.ndarray, *rects: Rect, scale: float = 1.0) -> Sight:
    width, height = collage.size(rects)
    view = View(rects, (round(width * scale), round(height * scale)))
    jpeg = draw.encode(fakes.frame(pixels=pixels), view, 85)
    return Sight(jpeg, Place(1, 800, 600, rects))


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_parts_are_read_where_they_lie_on_the_screen(reader, scale):
    notetaker = Notetaker(reader)
    notetaker.note([sight(screen(), Rect(0, 0, 800, 600))])
    after = screen((PARTS[0], "yellow teapot"), (PARTS[1], "green 4711"))
    note = notetaker.note([sight(after, *PARTS, scale=scale)])
    assert note == 'New: "yellow teapot", "green 4711"'
    assert notetaker.note([sight(after, Rect(0, 0, 800, 600))]) == ""


def test_parts_that_no_screen_has_are_nothing(reader):
    jpeg = sight(screen(), *PARTS).jpeg
    for rects in [(), (Rect(0, 0, 0, 9),), (Rect(0, 0, 99999, 99999),) * 99]:
        assert Notetaker(reader).note([Sight(jpeg, Place(1, 800, 600, rects))]) == ""
    for size in [(0, 100), (100, 0), (99999, 1)]:
        assert Notetaker(reader).note([Sight(jpeg, Place(1, *size, (PARTS[0],)))]) == ""


def test_a_huge_picture_in_a_small_file_is_not_decoded(monkeypatch):
    png = cv2.imencode(".png", np.zeros((8, 8193, 3), np.uint8))[1].tobytes()
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    assert Notetaker(None).note([Sight(png, None)]) == ""
    assert lines(None, png) == []


def test_pictures_that_nobody_can_look_at_fail_their_own_request_only(reader):
    class Broken:
        def read_rows(self, _rows):
            raise ValueError("private words")

    shown, sessions = sight(screen((PARTS[0], "yellow teapot")), *PARTS), {}
    for only_read in (False, True):
        asked = Request(7, "a", (shown,), only_read=only_read)
        assert child._answer(asked, sessions, Broken()) == Answer(7, "", failed="ValueError")
    assert child._answer(asked, sessions, reader).lines


async def test_a_request_that_failed_is_told_as_such(monkeypatch):
    class Failing:
        async def send(self, request):
            self.number = request.number

        async def receive(self):
            return Answer(self.number, "", failed="ValueError")

    async def ready(_reader):
        return Failing()

    monkeypatch.setattr(LocalReader, "_ready", ready)
    with pytest.raises(LocalModelError, match="ValueError"):
        await LocalReader().note("a", [])


def test_a_picture_is_read_for_its_own_sake(reader):
    pixels = screen((PARTS[0], "yellow teapot"))
    (line,) = lines(reader, draw.lossless(fakes.frame(pixels=pixels), PARTS[0]))
    assert line.text == "yellow teapot"
    assert Rect(0, 0, 300, 60).holds(line.rect)
    assert lines(reader, b"rubbish") == []


async def test_the_process_reads_and_remembers_nothing():
    png = draw.lossless(fakes.frame(pixels=screen((PARTS[0], "yellow teapot"))), PARTS[0])
    async with open_reader() as worker:
        for _ in range(2):
            found = await worker.read([png, b"rubbish"])
            assert [[line.text for line in each] for each in found] == [["yellow teapot"], []]
        with trio.move_on_after(0.001):
            await worker.read([png])
        assert len(await worker.read([png, png])) == 2
        assert await worker.note("a", [Sight(png, None)]) == 'On screen: "yellow teapot"'
