"""The notes on real windows: xterms on a virtual screen, words chosen at random."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import cv2
import mss
import numpy as np
import pytest

from hud.local import likeness
from hud.local.model import Sight
from hud.local.notetaker import Notetaker
from hud.local.reader import Reader
from hud.realtime.caption import Place
from hud.rect import Rect

WORDS = (
    "alpha anchor basket bottle branch candle carpet castle cinnamon copper cotton dragon engine "
    "feather finger forest garden ginger hammer harbour helmet island jacket kettle ladder lantern "
    "lemon market meadow mirror monkey morning mountain needle orange oyster paper pepper pillow "
    "planet pocket potato rabbit rocket saddle salmon season shadow silver spider summer teapot "
    "thunder ticket timber tunnel turtle velvet violin walnut window winter wizard yellow"
)


def sentence(count: int = 5) -> str:
    return " ".join(random.choices(WORDS.split(), k=count))


def encoded(pixels: np.ndarray, quality: int = 80) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", np.ascontiguousarray(pixels), options)[1].tobytes()


def quotes(note: str) -> list[str]:
    return re.findall(r'"([^"]*)"', note)


@attrs.define
class Eyes:
    """Looks at a display as the pipeline does: first whole, then close-ups of what differs."""

    grabber: mss.MSS
    notetaker: Notetaker
    last: np.ndarray | None = None

    def grab(self) -> np.ndarray:
        return np.array(self.grabber.grab(self.grabber.monitors[1]))[..., :3]

    def look(self, quality: int = 80, wait: float = 0.15) -> str:
        time.sleep(wait)
        pixels = self.grab()
        rect = Rect(0, 0, pixels.shape[1], pixels.shape[0])
        if self.last is not None:
            x, y, w, h = cv2.boundingRect((pixels != self.last).any(axis=2).astype(np.uint8))
            if not w:
                return ""
            rect = Rect(x, y, w, h).padded(random.randint(2, 20), rect.width, rect.height)
        height, width = pixels.shape[:2]
        self.last = pixels
        place = Place(1, width, height, (rect,))
        return self.notetaker.note([Sight(encoded(pixels[rect.slices], quality), place)])


@pytest.fixture(scope="module")
def reader() -> Reader:
    cv2.setNumThreads(1)
    return Reader()


@pytest.fixture
def eyes(display, reader) -> Iterator[Eyes]:
    with mss.MSS(display=display.name) as grabber:
        yield Eyes(grabber, Notetaker(reader))


@attrs.define
class Terminal:
    """An xterm that shows what is written to it."""

    display: object
    fifo: str
    pipe: object = None

    def open(self, start: str = "", geometry: str = "80x24+60+50") -> None:
        os.mkfifo(self.fifo)
        script = f"{start}\nexec cat {self.fifo}"
        self.display.start("xterm", "-geometry", geometry, "-fn", "6x13", "-e", "sh", "-c", script)
        self.pipe = Path(self.fifo).open("w")  # noqa: SIM115  # closed by the fixture
        time.sleep(0.5)

    def write(self, text: str) -> None:
        self.pipe.write(text)
        self.pipe.flush()


@pytest.fixture
def terminals(display, tmp_path) -> Iterator[Callable[[str], Terminal]]:
    opened: list[Terminal] = []

    def terminal(name: str) -> Terminal:
        opened.append(Terminal(display, str(tmp_path / name)))
        return opened[-1]

    yield terminal
    for each in opened:
        if each.pipe is not None:
            each.pipe.close()


@pytest.fixture
def terminal(terminals) -> Terminal:
    return terminals("fifo")


@pytest.mark.x11
def test_each_printed_line_is_told_once(terminal, eyes):
    terminal.open("seq 1 15")
    assert eyes.look().startswith("On screen: ")
    lines = [f"{sentence()} {random.randint(100, 999)}" for _ in range(25)]
    told = []
    for line in lines:
        terminal.write(line + "\n")
        told += quotes(eyes.look())
    assert len(told) <= len(lines) + 2
    assert sum(told.count(line) == 1 for line in lines) >= 23


@pytest.mark.x11
def test_a_burst_is_told_whole_and_in_order(terminal, eyes):
    terminal.open("seq 1 30")
    eyes.look()
    lines = [sentence(3) for _ in range(6)]
    terminal.write("\n".join(lines) + "\n")
    assert quotes(eyes.look(wait=0.4)) == lines


@pytest.mark.x11
def test_overwriting_and_returning_to_an_old_value(terminal, eyes):
    terminal.open()
    terminal.write(f"{sentence()}\nQueue 1,204 waiting")
    eyes.look()
    for number in ("1,207", "1,204"):
        terminal.write(f"\rQueue {number} waiting")
        note = eyes.look()
        assert note.startswith("Changed: ")
        assert note.endswith(f'→ "Queue {number} waiting"')


@pytest.mark.x11
def test_a_clock_is_not_worth_a_note_but_what_happens_beside_it_is(terminal, eyes):
    terminal.open()
    terminal.write(f"{sentence()}\n\n\r14:03:20")
    eyes.look()
    for second in range(21, 24):
        terminal.write(f"\r14:03:{second}")
        assert eyes.look() == ""
    terminal.write("\033[1;1H\033[Kerror: the teapot is empty")
    (told,) = quotes(eyes.look())
    assert likeness.same(told, "error: the teapot is empty")


@pytest.mark.x11
def test_scrolling_back_tells_nothing(terminal, eyes):
    terminal.open()
    lines = [sentence() for _ in range(30)]
    terminal.write("\n".join(lines[:23]))
    eyes.look(wait=0.4)
    for line in lines[23:]:
        terminal.write("\n" + line)
        eyes.look()
    # reverse index scrolls the text down; what comes in at the top was there before
    terminal.write(f"\033[1;1H\033M{lines[5]}")
    assert quotes(eyes.look()) == []


@pytest.mark.x11
def test_a_typed_line_grows_as_one_thing(terminal, eyes):
    terminal.open()
    terminal.write("some words stand here\n$ pip ins")
    eyes.look()
    terminal.write("tall trio")
    assert eyes.look() == 'Now: "$ pip install trio"'


@pytest.mark.x11
def test_a_window_that_opens_and_closes(terminal, display, eyes):
    terminal.open(geometry="80x40+60+50")
    texts = [sentence(8) for _ in range(30)]
    terminal.write("\n".join(texts))
    eyes.look(wait=0.4)
    question = f"Save {sentence(2)} now?"
    command = ["xterm", "-geometry", "40x5+120+200", "-fn", "6x13", "-e"]
    dialog = display.start(*command, "sh", "-c", f"echo; echo '   {question}'; sleep 60")
    assert question in quotes(eyes.look(wait=0.8))
    dialog.kill()
    note = eyes.look(wait=0.4)
    assert note.startswith("Gone: ")
    assert question in quotes(note)
    assert not set(texts) & set(quotes(note))


@pytest.mark.x11
def test_its_own_notes_on_the_screen_are_no_news(terminal, terminals, eyes):
    terminal.open("seq 1 4", geometry="80x12+60+20")
    record = terminals("record")
    record.open("echo the record", geometry="50x20+60+300")
    eyes.look()
    for number in range(5):
        terminal.write(f"{sentence(6)}\n")
        note = eyes.look()
        assert len(quotes(note)) == 1
        record.write(f"14:03:2{number}  {note}\n")
        assert eyes.look() == ""


@pytest.mark.x11
@pytest.mark.parametrize("quality", [75, 85])
def test_a_still_screen_is_told_once(terminal, eyes, quality):
    terminal.open("ls -l /usr")
    eyes.look()
    pixels, height, width = eyes.last, *eyes.last.shape[:2]
    for _ in range(6):
        rect = Rect(random.randrange(60), random.randrange(60), 700, 500)
        sight = Sight(encoded(pixels[rect.slices], quality), Place(1, width, height, (rect,)))
        assert eyes.notetaker.note([sight]) == ""


def test_a_picture_without_text_says_so_once(reader):
    notetaker = Notetaker(reader)
    gray = encoded(np.full((200, 300, 3), 90, np.uint8))
    assert notetaker.note([Sight(gray, None)]) == "Screen 300x200 has no readable text."
    assert notetaker.note([Sight(encoded(np.full((200, 300, 3), 160, np.uint8)), None)]) == ""


@pytest.mark.parametrize("rubbish", [b"", b"not a picture", b"\xff\xd8\xff\xe0"])
def test_rubbish_is_nothing(reader, rubbish):
    place = Place(1, 100, 100, (Rect(0, 0, 100, 100),))
    assert Notetaker(reader).note([Sight(rubbish, place), Sight(rubbish, None)]) == ""
