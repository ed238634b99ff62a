"""Programs with windows of one colour on a real X server."""

from __future__ import annotations

import os
import random
import struct
import time

import xcffib
import xcffib.xproto
from xcffib.xproto import CW, ConfigWindow, EventMask

from hud.rect import Rect
from stages.capture.xcb import connect

SECRET, PUBLIC, DESK = 0xFE01FD, 0x3060A0, 0x205020


class Program:
    """One X client, as a program has; its windows are drawn by the server."""

    def __init__(self, display: str) -> None:
        self.connection = connect(display)
        self.core = self.connection.core
        self.screen = self.connection.get_setup().roots[self.connection.pref_screen]
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
        parent: int | None = None,
        gravity: int = xcffib.xproto.Gravity.BitForget,
    ) -> int:
        """A window; without a colour the server leaves in it what was on the screen there.

        With a gravity what it shows moves along when it is resized.
        """
        number = self.connection.generate_id()
        self.made.append(number)
        values = [] if color is None else [color]
        mask = (0 if color is None else CW.BackPixel) | CW.BitGravity
        mask |= CW.OverrideRedirect | CW.EventMask
        self.core.CreateWindow(
            self.screen.root_depth, number, parent or self.screen.root,
            rect.x, rect.y, rect.width, rect.height, 0, 1, self.screen.root_visual,
            mask, [*values, gravity, int(override), EventMask.Exposure],
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

    def scroll(self, number: int, rect: Rect, x: int, y: int) -> None:
        """Move what stands in a part of the window, by copying it."""
        context = self.connection.generate_id()
        self.core.CreateGC(context, number, 0, [])
        self.core.CopyArea(
            number, number, context, rect.x, rect.y, rect.x + x, rect.y + y, rect.width, rect.height
        )
        self.core.FreeGC(context)
        self.sync()

    def destroy(self, number: int) -> None:
        self.core.DestroyWindow(number)
        self.sync()

    def sync(self) -> None:
        self.core.GetInputFocus().reply()


def wallpaper(name: str) -> None:
    """Something to look at behind all windows, so that the screen is never of one colour."""
    with Program(name) as program:
        width, height = program.screen.width_in_pixels, program.screen.height_in_pixels
        core, root, pixmap = program.core, program.screen.root, program.connection.generate_id()
        core.CreatePixmap(program.screen.root_depth, pixmap, root, width, height)
        program.fill(pixmap, Rect(0, 0, width, height), DESK)
        program.fill(pixmap, Rect(0, 0, 3, 3), 0xFFFFFF)
        core.ChangeWindowAttributes(root, CW.BackPixmap, [pixmap])
        core.ClearArea(False, root, 0, 0, width, height)
        program.sync()


def shake(name: str, seconds: float) -> int:
    """Move, resize, raise, lower, hide and show shaken at random; how often."""
    rng, done, end = random.Random(os.environ.get("HUD_TEST_SEED", "1")), 0, time.monotonic()
    end += seconds
    with Program(name) as vault, Program(name) as other, Program(name) as lazy:
        shaken = [
            (vault, vault.window(Rect(100, 100, 400, 300), SECRET, name="Vault")),
            (vault, vault.window(Rect(1180, -50, 200, 150), SECRET, name="Vault", override=True)),
            *[
                (other, other.window(Rect(200 + 150 * i, 150, 350, 250), PUBLIC, name="Editor"))
                for i in range(3)
            ],
            # The server paints no background there: what was on the screen stays until it draws.
            (lazy, lazy.window(Rect(300, 300, 300, 300), None, name="Lazy")),
        ]
        while time.monotonic() < end:
            program, window = rng.choice(shaken)
            what = rng.random()
            if what < 0.5:
                x, y = rng.randint(-200, 1200), rng.randint(-150, 650)
                program.place(window, Rect(x, y, rng.randint(60, 600), rng.randint(60, 500)))
            elif what < 0.75:
                program.stack(window, above=rng.random() < 0.7)
            else:
                program.show(window, shown=False)
                time.sleep(rng.random() * 0.05)
                program.show(window, shown=True)
            lazy.fill(shaken[-1][1], Rect(0, 0, 2000, 2000), 0x808000)
            done += 1
            time.sleep(rng.choice([0, 0, 0.005, 0.02, 0.1]))
    return done
