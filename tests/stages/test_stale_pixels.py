"""What a forbidden window leaves on the screen, in windows that are not drawn anew.

The X server paints no background into a window that has none: what stood on the screen stays there
until its program draws, and travels along when the window is moved.
"""

from __future__ import annotations

import pytest
import trio
import xcffib.xproto

from hud.rect import Rect
from tests.stages.test_shield import CAPTURES, painted_pixels, shows, watched
from tests.windows import PUBLIC, SECRET, Program

pytestmark = pytest.mark.x11

PLACE = Rect(200, 150, 300, 200)
AWAY = Rect(700, 400, 300, 200)
LONGER = 1.5
"""Seconds; more than what was masked stays covered by itself."""


def show_over(program: Program, vault: int, lazy: int) -> None:
    """Map a window over the forbidden one, which stands in it until it draws."""
    program.show(lazy, shown=True)


def leave(program: Program, vault: int, lazy: int) -> None:
    program.stack(lazy, above=False)
    program.show(lazy, shown=True)
    program.place(vault, AWAY)


def close(program: Program, vault: int, lazy: int) -> None:
    program.stack(lazy, above=False)
    program.show(lazy, shown=True)
    program.show(vault, shown=False)


def carry(program: Program, vault: int, lazy: int) -> None:
    """The window carries away what it shows."""
    program.show(lazy, shown=True)
    program.place(lazy, Rect(PLACE.x + 400, PLACE.y + 20, PLACE.width, PLACE.height))


def carry_twice(program: Program, vault: int, lazy: int) -> None:
    carry(program, vault, lazy)
    program.place(lazy, Rect(50, 450, PLACE.width, PLACE.height))
    program.place(lazy, Rect(-100, 500, PLACE.width, PLACE.height))


def carry_and_enlarge(program: Program, vault: int, lazy: int) -> None:
    carry(program, vault, lazy)
    program.place(lazy, Rect(PLACE.x + 400, PLACE.y + 250, PLACE.width + 150, PLACE.height + 150))


def slide_inside(program: Program, vault: int, lazy: int) -> None:
    """A window inside of the other is moved there, with what it shows."""
    inside = program.window(Rect(0, 0, 100, 80), None, parent=lazy, gravity=0)
    program.show(lazy, shown=True)
    program.place(lazy, Rect(PLACE.x, PLACE.y, PLACE.width + 200, PLACE.height + 200))
    program.place(inside, Rect(330, 270, 100, 80))
    program.show(vault, shown=False)


def scroll(program: Program, vault: int, lazy: int) -> None:
    """What stands in it is copied, as a list that is scrolled."""
    program.show(lazy, shown=True)
    program.place(lazy, Rect(PLACE.x, PLACE.y, PLACE.width + 300, PLACE.height))
    program.scroll(lazy, Rect(0, 0, 200, 200), 310, 0)


def draw_beside(program: Program, vault: int, lazy: int) -> None:
    """It draws, but elsewhere."""
    leave(program, vault, lazy)
    program.fill(lazy, Rect(0, 0, 50, 50), PUBLIC)


STORIES = [
    show_over, leave, close, carry, carry_twice, carry_and_enlarge, slide_inside, draw_beside,
]  # fmt: skip


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("story", STORIES)
async def test_what_is_left_of_it_stays_covered_until_it_is_drawn_over(desk, capture, story):
    gravity = xcffib.xproto.Gravity.SouthEast
    with Program(desk.name) as program, Program(desk.name) as other:
        vault = program.window(PLACE, SECRET, name="Vault", override=True)
        lazy = other.window(PLACE, None, name="Lazy", override=True, mapped=False, gravity=gravity)
        async with watched(desk, capture, mask=("class:Vault",)) as watcher:
            await watcher.rest(0.5)
            await trio.to_thread.run_sync(story, other, vault, lazy)
            await watcher.rest(LONGER)
            assert watcher.leaks() == []
            # Something else that is drawn makes it look again.
            for color in range(5):
                other.fill(other.screen.root, Rect(0, 0, 2, 2), color + 1)
                await trio.sleep(0.1)
            assert watcher.leaks() == []
            program.show(vault, shown=False)
            for window in other.made:
                other.fill(window, Rect(0, 0, 2000, 2000), PUBLIC)
            frame = await watcher.until(lambda frame: not painted_pixels(frame))
            assert shows(frame.pixels, PUBLIC).sum() > 10000
        assert watcher.leaks() == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_what_a_window_copies_before_it_draws_is_covered(desk, capture):
    with Program(desk.name) as program, Program(desk.name) as other:
        vault = program.window(PLACE, SECRET, name="Vault", override=True)
        lazy = other.window(PLACE, None, name="Lazy", override=True, mapped=False)
        async with watched(desk, capture, mask=("class:Vault",)) as watcher:
            await watcher.rest(0.5)
            for _ in range(10):
                scroll(other, vault, lazy)
                await trio.sleep(0.1)
                other.fill(lazy, Rect(0, 0, 2000, 2000), PUBLIC)
                other.show(lazy, shown=False)
                other.place(lazy, PLACE)
            await watcher.rest()
        assert watcher.leaks() == []
