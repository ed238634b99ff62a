"""What happens on the screen while it is measured.

Every scene draws into a place of its own, so that none needs a clean screen and a pause after it.
"""

from __future__ import annotations

import random
import string
import time
from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio

from hud.bench.window import GRAIN, LETTER, LINE, Window
from hud.rect import Rect

LETTERS = 40
"""Of a line."""
MARGIN = 10
FILM_RATE, ALL_RATE, TYPING_RATE = 25, 30, 6
"""Pictures a second of a film and of a screen on which everything moves; letters a second."""
WIPED = 4.0
"""Seconds until a wiped place is old news."""
FAR = 400
"""Pixels between two changes that follow each other, counted as a taxi would."""
PATIENCE = 0.6
"""Seconds after the last change of a scene in which it may still be shown."""


@attrs.frozen
class Drawn:
    """A change that ought to be shown."""

    time: float
    """Before it went to the X server."""
    rect: Rect
    """On the screen."""


class Desk:
    """The screen with a paper over all of it, and a place for each scene."""

    def __init__(self, display: str, width: int, height: int) -> None:
        self.display = display
        self.whole = Rect(0, 0, width, height)
        self.paper = Window(display, self.whole)
        self.lines = Rect(MARGIN, MARGIN, width // 2, int(0.6 * height))
        self.numbers = Rect(width // 2 + 40, 40, width // 2 - 50, int(0.22 * height))
        self.windows = [
            Rect(
                width // 2 + 40 + column * (width // 8 - 8),
                int(0.3 * height) + row * (height // 6),
                width // 8 - 24,
                height // 6 - 10,
            )
            for column, row in ((0, 0), (2, 1), (0, 1), (2, 0), (1, 1), (3, 0), (1, 0), (3, 1))
        ]
        """Places of windows that open one after the other, for the reason of `free`."""
        self.film = Rect(2 * width // 3, 2 * height // 3, width // 3, height // 3)
        self.typing = Rect(MARGIN, int(0.65 * height), int(0.6 * width), int(0.33 * height))
        self._free: dict[Rect, list[tuple[int, int]]] = {}
        self._last = (0, 0)

    def dress(self) -> None:
        """Show it as it is before anything happens."""
        self.paper.show()
        rows = [self.typing.y + LINE * row for row in range(self.typing.height // LINE - 2)]
        for y in rows:
            self.paper.write(self.typing.x, y, words(self.typing.width // LETTER))
        for x, y in self._places(self.numbers, 10):
            self.paper.write(x, y, f"{random.randint(100, 999)}")

    def _places(self, area: Rect, letters: int) -> list[tuple[int, int]]:
        columns = range(area.x, area.right - letters * LETTER, letters * LETTER + 30)
        return [(x, y) for x in columns for y in range(area.y, area.bottom - LINE, LINE)]

    async def free(self, area: Rect, letters: int) -> tuple[int, int]:
        """A place where nothing was written yet; if there is none left, all are wiped first.

        It is far from the last one: what changes beside a note's place right after the note would
        be taken for the note itself.
        """
        if not self._free.get(area):
            if area in self._free:
                self.paper.fill(area, 0xFFFFFF)
                await trio.sleep(WIPED)
            self._free[area] = random.sample(places := self._places(area, letters), len(places))
        free, (x, y) = self._free[area], self._last
        far = (place for place in free if abs(place[0] - x) + abs(place[1] - y) > FAR)
        self._last = next(far, free[0])
        free.remove(self._last)
        return self._last

    def close(self) -> None:
        """Take it off the screen."""
        self.paper.close()


def words(length: int) -> str:
    """A line of random words, no longer than X takes at once."""
    return "".join(random.choices(string.ascii_lowercase + "  ", k=min(length, 255)))


Act = Callable[[Desk, float], Awaitable[list[Drawn]]]


async def still(_desk: Desk, seconds: float) -> list[Drawn]:
    """Nothing happens."""
    await trio.sleep(seconds)
    return []


async def line(desk: Desk, seconds: float) -> list[Drawn]:
    """One line of text after the other, in no rhythm."""
    drawn, end = [], trio.current_time() + seconds
    while trio.current_time() < end:
        x, y = await desk.free(desk.lines, LETTERS)
        moment = desk.paper.write(x, y, words(LETTERS))
        drawn.append(Drawn(moment, Rect(x, y, LETTER * LETTERS, 13)))
        await trio.sleep(random.uniform(0.3, 0.5))
    return drawn


async def number(desk: Desk, seconds: float) -> list[Drawn]:
    """A number changes, each time another one."""
    drawn, end = [], trio.current_time() + seconds
    while trio.current_time() < end:
        x, y = await desk.free(desk.numbers, 10)
        moment = desk.paper.write(x, y, f"{random.randint(1000, 9999)}")
        drawn.append(Drawn(moment, Rect(x, y, LETTER * 4, 13)))
        await trio.sleep(random.uniform(0.3, 0.5))
    return drawn


async def window(desk: Desk, seconds: float) -> list[Drawn]:
    """A window with text opens and closes again."""
    drawn = list[Drawn]()
    end = trio.current_time() + seconds
    while trio.current_time() < end:
        place = desk.windows[len(drawn) % len(desk.windows)]
        paper = random.choice([0xE8F0FF, 0xFFF4E0, 0xE8FFE8])
        with Window(desk.display, place, paper) as opened:
            moment = opened.page(10, 10, [words(18) for _ in range(5)])
            drawn.append(Drawn(moment, place))
            await trio.sleep(random.uniform(0.5, 0.7))
        await trio.sleep(0.35)
    return drawn


async def film(desk: Desk, seconds: float) -> list[Drawn]:
    """A film, a caret and a clock."""
    for tick, due in enumerate(_ticks(seconds, FILM_RATE)):
        await trio.sleep_until(due)
        desk.paper.film(desk.film, *_anywhere())
        if tick % 12 == 0:
            caret = Rect(desk.typing.x, desk.typing.bottom + 4, 2, 13)
            desk.paper.fill(caret, 0 if tick % 24 else 0xFFFFFF)
        if tick % FILM_RATE == 0:
            desk.paper.write(desk.whole.width - 60, 10, time.strftime("%H:%M:%S"))
    return []


async def line_beside_film(desk: Desk, seconds: float) -> list[Drawn]:
    """One line after the other beside a film, a caret and a clock."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(film, desk, seconds + PATIENCE)
        return await line(desk, seconds)


async def typing(desk: Desk, seconds: float) -> list[Drawn]:
    """Someone types, and scrolls for a quarter of the time."""
    area, row = desk.typing, desk.typing.bottom - LINE
    columns = area.width // LETTER
    for tick, due in enumerate(_ticks(seconds, ALL_RATE)):
        await trio.sleep_until(due)
        if tick % (4 * ALL_RATE) >= 3 * ALL_RATE:
            if tick % 3 == 0:
                desk.paper.scroll(area, 3 * LINE)
                for up in range(3):
                    desk.paper.write(area.x, row - LINE * up, words(columns))
        elif tick % (ALL_RATE // TYPING_RATE) == 0:
            letter = tick * TYPING_RATE // ALL_RATE
            desk.paper.write(area.x + LETTER * (letter % columns), row, words(1))
    return []


async def everything(desk: Desk, seconds: float) -> list[Drawn]:
    """Every pixel changes, thirty times a second."""
    with Window(desk.display, desk.whole) as over:
        over.show()
        for due in _ticks(seconds, ALL_RATE):
            await trio.sleep_until(due)
            over.film(desk.whole, *_anywhere())
    desk.dress()  # X keeps nothing of what was covered
    return []


def _ticks(seconds: float, rate: int) -> Iterator[float]:
    """When to draw, on trio's clock."""
    begin = trio.current_time()
    return (begin + tick / rate for tick in range(max(1, round(seconds * rate))))


def _anywhere() -> tuple[int, int]:
    return random.randrange(GRAIN), random.randrange(GRAIN)


@attrs.frozen
class Script:
    """One scene of the benchmark."""

    title: str
    act: Act
    share: float
    """Of the time of a round."""
    is_load: bool = False
    """Whether it is there for what it costs; X is then measured without hud too."""


SCENES = {
    "still": Script("nothing happens", still, 0.12, is_load=True),
    "line": Script("a line of text", line, 0.24),
    "number": Script("a number changes", number, 0.12),
    "window": Script("a window opens", window, 0.16),
    "line_beside_film": Script("a line of text beside a film", line_beside_film, 0.14),
    "film": Script("a film, a caret and a clock", film, 0.08, is_load=True),
    "typing": Script("typing and scrolling", typing, 0.08, is_load=True),
    "everything": Script("everything, 30 times a second", everything, 0.06, is_load=True),
}
