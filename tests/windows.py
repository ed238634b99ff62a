"""Programs with windows of one colour on a real X server."""

from __future__ import annotations

import struct

import xcffib
import xcffib.xproto
from xcffib.xproto import CW, ConfigWindow, EventMask

from hud.items import Rect


class Program:
    """One X client, as a program has; its windows are drawn by the server."""

    def __init__(self, display: str) -> None:
        self.connection = xcffib.connect(display)
        self.core = self.connection.core
        self.screen = self.connection.get_setup().roots[0]
        self.made: list[int] = []

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_exc) -> None:
        self.connection.disconnect()

    def atom(self, name: str) -> int:
        return self.core.InternAtom(False, len(name), name).reply().atom

    def window(  # noqa: PLR0913 - as the protocol has it
        self,
        rect: Rect,
        color: int | None,
        *,
        name: str = "",
        title: str = "",
        override: bool = False,
        mapped: bool = True,
    ) -> int:
        """A window; without a colour the server leaves in it what was on the screen there."""
        number = self.connection.generate_id()
        self.made.append(number)
        values = [] if color is None else [color]
        mask = (0 if color is None else CW.BackPixel) | CW.OverrideRedirect | CW.EventMask
        self.core.CreateWindow(
            self.screen.root_depth, number, self.screen.root,
            rect.x, rect.y, rect.width, rect.height, 0, 1, self.screen.root_visual,
            mask, [*values, int(override), EventMask.Exposure],
        )  # fmt: skip
        if name:
            self.text(number, "WM_CLASS", f"{name}\0{name}\0")
        if title:
            self.text(number, "WM_NAME", title)
        # A user's own position, so that the window manager leaves it where it is put.
        hints = struct.pack("=I17I", 1 | 2, *[0] * 17)
        self.core.ChangeProperty(
            0, number, self.atom("WM_NORMAL_HINTS"), self.atom("WM_SIZE_HINTS"), 32, 18, hints
        )
        if mapped:
            self.core.MapWindow(number)
        self.sync()
        return number

    def text(self, number: int, name: str, value: str) -> None:
        data = value.encode()
        self.core.ChangeProperty(
            0, number, self.atom(name), self.atom("STRING"), 8, len(data), data
        )
        self.sync()

    def place(self, number: int, rect: Rect) -> None:
        mask = ConfigWindow.X | ConfigWindow.Y | ConfigWindow.Width | ConfigWindow.Height
        values = [rect.x, rect.y, rect.width, rect.height]
        self.core.ConfigureWindow(number, mask, values)
        self.sync()

    def stack(self, number: int, *, above: bool) -> None:
        self.core.ConfigureWindow(number, ConfigWindow.StackMode, [0 if above else 1])
        self.sync()

    def show(self, number: int, *, shown: bool) -> None:
        (self.core.MapWindow if shown else self.core.UnmapWindow)(number)
        self.sync()

    def fill(self, number: int, rect: Rect, color: int) -> None:
        """Draw, as a program does when it has something new to show."""
        context = self.connection.generate_id()
        self.core.CreateGC(context, number, xcffib.xproto.GC.Foreground, [color])
        area = xcffib.xproto.RECTANGLE.synthetic(rect.x, rect.y, rect.width, rect.height)
        self.core.PolyFillRectangle(number, context, 1, [area])
        self.core.FreeGC(context)
        self.sync()

    def destroy(self, number: int) -> None:
        self.core.DestroyWindow(number)
        self.sync()

    def sync(self) -> None:
        self.core.GetInputFocus().reply()
