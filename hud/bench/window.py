"""A window on an X screen, drawn into without a toolkit, so that the moment is known."""

from __future__ import annotations

import os
import time
from typing import Any

import xcffib
import xcffib.xproto
from xcffib.xproto import CW, GC, FillStyle, ImageFormat, WindowClass

from hud.rect import Rect

ABOVE, LETTER, LINE = 11, 6, 16
"""Of the X server's own font: pixels above the base line, of a letter's width, of a line."""
GRAIN = 512
"""Side of the square of noise of which films are made."""


class Window:
    """A window of our own, where no window manager is about.

    Each method that draws gives the moment before it went to the X server (time.monotonic()).
    """

    def __init__(self, display: str, place: Rect, paper: int = 0xFFFFFF) -> None:
        connect: Any = xcffib.connect  # xcffib annotates only a part of itself
        self._connection = connect(display)
        self._core, self._screen = self._connection.core, self._connection.get_setup().roots[0]
        self.place = place
        names = (self._connection.generate_id() for _ in range(4))
        self._window, self._ink, self._fill, self._font = names
        self._core.CreateWindow(
            self._screen.root_depth, self._window, self._screen.root,
            place.x, place.y, place.width, place.height, 0,
            WindowClass.InputOutput, self._screen.root_visual,
            CW.BackPixel, [paper],
        )  # fmt: skip
        self._core.OpenFont(self._font, 5, "fixed")
        what = GC.Foreground | GC.Background | GC.Font | GC.GraphicsExposures
        self._core.CreateGC(self._ink, self._window, what, [0x202020, paper, self._font, 0])
        self._core.CreateGC(self._fill, self._window, GC.Foreground, [0])
        self._film: int | None = None
        self._connection.flush()

    def show(self) -> float:
        """Put it on the screen; what is written in the same moment is drawn with it."""
        self._core.MapWindow(self._window)
        return self._drawn()

    def write(self, x: int, y: int, text: str) -> float:
        """Draw a line of text; `y` is the top of the line."""
        self._core.ImageText8(len(text), self._window, self._ink, x, y + ABOVE, text)
        return self._drawn()

    def page(self, x: int, y: int, lines: list[str]) -> float:
        """Show the window with lines of text, all at once."""
        self._core.MapWindow(self._window)
        for number, text in enumerate(lines):
            top = y + LINE * number + ABOVE
            self._core.ImageText8(len(text), self._window, self._ink, x, top, text)
        return self._drawn()

    def fill(self, rect: Rect, colour: int) -> float:
        """Draw a rectangle."""
        self._core.ChangeGC(self._fill, GC.Foreground, [colour])
        self._core.PolyFillRectangle(self._window, self._fill, 1, [_x(rect)])
        return self._drawn()

    def scroll(self, rect: Rect, by: int) -> float:
        """Move what is there up."""
        self._core.CopyArea(
            self._window, self._window, self._ink,
            rect.x, rect.y + by, rect.x, rect.y, rect.width, rect.height - by,
        )  # fmt: skip
        return self._drawn()

    def film(self, rect: Rect, x: int, y: int) -> float:
        """Draw a picture of grain; another one for other `x` and `y` below `GRAIN`."""
        if self._film is None:
            self._film = self._noise()
        what = GC.TileStippleOriginX | GC.TileStippleOriginY
        self._core.ChangeGC(self._film, what, [x, y])
        self._core.PolyFillRectangle(self._window, self._film, 1, [_x(rect)])
        return self._drawn()

    def _noise(self) -> int:
        """A context that fills with noise, which stays in the X server: films cost no transport."""
        tile, context = self._connection.generate_id(), self._connection.generate_id()
        depth = self._screen.root_depth
        self._core.CreatePixmap(depth, tile, self._window, GRAIN, GRAIN)
        for row in range(0, GRAIN, 64):
            pixels = os.urandom(4 * GRAIN * 64)
            self._core.PutImage(
                ImageFormat.ZPixmap, tile, self._fill, GRAIN, 64, 0, row, 0, depth,
                len(pixels), pixels,
            )  # fmt: skip
        self._core.CreateGC(context, self._window, GC.FillStyle | GC.Tile, [FillStyle.Tiled, tile])
        return int(context)

    def _drawn(self) -> float:
        moment = time.monotonic()
        self._connection.flush()
        return moment

    def close(self) -> None:
        """Take it off the screen."""
        self._connection.disconnect()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _x(rect: Rect) -> Any:  # noqa: ANN401 - xcffib annotates only a part of itself
    rectangle: Any = xcffib.xproto.RECTANGLE
    return rectangle.synthetic(rect.x, rect.y, rect.width, rect.height)
