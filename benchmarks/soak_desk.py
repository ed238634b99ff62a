"""What happens on the screen of a soak, and a record of what was to be seen from when to when.

A terminal prints lines of random words, a board shows values that are replaced now and then, a
caret blinks, a clock ticks, a window wanders about. Each line and each value carries a barcode, so
that the server of the soak can say which of them it was shown.
"""

from __future__ import annotations

import math
import os
import pathlib
import random
import subprocess
import time

import attrs
import trio
import xcffib.xproto

from benchmarks import barcode, rig

SIZE = (1280, 720)
ROWS = 22
"""Of the terminal: so many lines later a line is gone."""
SLOTS = 6
CELL = (9, 18)
"""Pixels of a barcode's cell on the board."""
EVERY = 5.0
"""Seconds between two lines, on average."""
LEAST = 3.2
"""Seconds that a value stays at least; four changes within eight seconds are background by rule."""
TYPICAL = 15.0


@attrs.define
class Drawn:
    """Something that was to be seen."""

    number: int
    place: str
    begin: float
    """On time.monotonic()."""
    end: float = math.inf

    @property
    def stayed(self) -> float:
        """Seconds."""
        return self.end - self.begin


class Board(rig.Window):
    """A window of values with barcodes."""

    def show(self, row: int, words: str, number: int) -> float:
        """Draw one value in one go; the moment before it went to the X server."""
        x, y = 20, 30 + 40 * row
        self._core.ImageText8(len(words), self._window, self._text, x, y + 13, words)
        width, height = CELL
        colours = barcode.cells(number)
        for colour in sorted(set(colours)):
            bars = [
                xcffib.xproto.RECTANGLE.synthetic(x + 150 + width * place, y, width, height)
                for place, each in enumerate(colours)
                if each == colour
            ]
            self._core.ChangeGC(self._paper, xcffib.xproto.GC.Foreground, [colour])
            self._core.PolyFillRectangle(self._window, self._paper, len(bars), bars)
        return self._flush()

    def move(self, x: int, y: int) -> None:
        """Put the window elsewhere."""
        masks = xcffib.xproto.ConfigWindow
        self._core.ConfigureWindow(self._window, masks.X | masks.Y, [x, y])
        self._flush()


@attrs.define
class Desk:
    """The programs on one display; `run` draws until cancelled."""

    folder: pathlib.Path
    dice: random.Random
    drawn: list[Drawn] = attrs.field(factory=list)
    display: str = ""
    _programs: list[subprocess.Popen[bytes]] = attrs.field(factory=list)
    _now: dict[str, Drawn] = attrs.field(factory=dict)
    """Place → what is to be seen there."""
    _parity: dict[str, bool] = attrs.field(factory=dict)
    _lines: int = -1
    """Where the terminal's lines are written to."""
    _board: Board = attrs.field(init=False)
    _ambient: Board = attrs.field(init=False)
    _wanderer: Board = attrs.field(init=False)

    def open(self, display: str) -> None:
        """Start the programs on a display; what was to be seen on another one is gone."""
        self.close()
        self.display = display
        pipe = self.folder / "lines"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        face = ["-geometry", f"100x{ROWS}+20+20", "-fa", "DejaVu Sans Mono", "-fs", "9", "-uc"]
        command = ["xterm", *face, "-e", "sh", "-c", f"exec cat <>{pipe}"]
        environment = os.environ | {"DISPLAY": display}
        self._programs.append(subprocess.Popen(command, env=environment))
        self._lines = os.open(pipe, os.O_RDWR)
        self._board = Board(display, 20, 420, 620, 280)
        self._ambient = Board(display, 860, 20, 380, 120)
        self._wanderer = Board(display, 860, 200, 160, 90)
        time.sleep(1.0)
        self._wanderer.fill(0, 0, 160, 90, 0x406080)

    def close(self) -> None:
        """End the programs."""
        for program in self._programs:
            program.kill()
            program.wait()
        if self._programs:
            os.close(self._lines)
        self._programs.clear()
        for each in self._now.values():
            each.end = time.monotonic()
        self._now.clear()

    async def run(self) -> None:
        """Draw, each thing in its own time."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._print)
            for slot in range(SLOTS):
                nursery.start_soon(self._replace, slot)
            nursery.start_soon(self._blink)
            nursery.start_soon(self._tick)
            nursery.start_soon(self._wander)

    async def _print(self) -> None:
        for line in range(10**9):
            await trio.sleep(max(2.2, self.dice.expovariate(1 / EVERY)))
            drawn = self._begin(f"line {line % (ROWS - 1)}")
            text = f"{rig.words(40)} {barcode.as_text(drawn.number)}\r\n"
            os.write(self._lines, text.encode())

    async def _replace(self, slot: int) -> None:
        while True:
            await trio.sleep(LEAST + self.dice.expovariate(1 / (TYPICAL - LEAST)))
            drawn = self._begin(f"slot {slot}")
            self._board.show(slot, f"{rig.words(8)} {self.dice.randrange(10**6):06}", drawn.number)

    def _begin(self, place: str) -> Drawn:
        former = self._now.pop(place, None)
        drawn = Drawn(self._number(place), place, time.monotonic())
        if former is not None:
            former.end = drawn.begin
        self._now[place] = drawn
        self.drawn.append(drawn)
        return drawn

    def _number(self, place: str) -> int:
        """One that is odd after an even one, so that all of the barcode changes."""
        kind = place.partition(" ")[0] if place.startswith("line") else place
        self._parity[kind] = not self._parity.get(kind, False)
        return 2 * (len(self.drawn) + 1) + self._parity[kind]

    async def _blink(self) -> None:
        for beat in range(10**9):
            self._ambient.fill(20, 60, 2, 15, 0 if beat % 2 else 0xFFFFFF)
            await trio.sleep(0.53)

    async def _tick(self) -> None:
        while True:
            self._ambient.write(280, 20, time.strftime("%H:%M:%S"))
            await trio.sleep(1)

    async def _wander(self) -> None:
        while True:
            await trio.sleep(self.dice.uniform(10, 30))
            for step in range(8):
                self._wanderer.move(860 + 25 * step, 200 + self.dice.randrange(300))
                await trio.sleep(0.05)
