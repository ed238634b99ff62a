"""What must not be seen is in no frame, on real windows under a real window manager."""

from __future__ import annotations

import contextlib
import os

import attrs
import numpy as np
import pytest
import trio
import trio.testing

from hud.items import Frame, Tick
from hud.privacy.options import PrivacyOptions
from hud.privacy.pause import Pause
from hud.privacy.stack import CannotKnowError, Hidden
from hud.rect import Rect
from stages.capture import windows
from stages.capture.damage import Damage
from stages.capture.screen import Screen
from stages.capture.shield import PAINT, Shield, Shielding, is_one_color
from tests.windows import DESK, PUBLIC, SECRET, Program, shake

pytestmark = pytest.mark.x11

SHAKEN_FOR = float(os.environ.get("HUD_SHAKEN_FOR", "6"))
"""Seconds."""
CAPTURES = {"damage": Damage, "screen": Screen}


def shows(pixels: np.ndarray, color: int) -> np.ndarray:
    return (pixels.copy().view("<u4")[..., 0] & 0xFFFFFF) == color


@attrs.define
class Watcher:
    """All frames of a capture, and what it said."""

    frames: list[Frame] = attrs.field(factory=list)
    said: list[str] = attrs.field(factory=list)
    came: trio.Event = attrs.field(factory=trio.Event)

    @property
    def seen(self) -> list[Frame]:
        return [frame for frame in self.frames if not frame.withheld]

    async def rest(self, seconds: float = 1.2) -> Frame:
        """The last frame, when everything has come to rest."""
        await trio.sleep(seconds)
        return self.frames[-1]

    async def until(self, wanted) -> Frame:
        with trio.fail_after(20):
            while not (self.frames and wanted(self.frames[-1])):
                await self.came.wait()
        return self.frames[-1]

    def leaks(self) -> list[int]:
        return [frame.seq for frame in self.seen if shows(frame.pixels, SECRET).any()]


@contextlib.asynccontextmanager
async def watched(display, capture, pause=None, keep=True, **privacy):
    watcher = Watcher()
    # The windows of the tests are made by the process that watches them.
    options = PrivacyOptions(**{"itself": False, **privacy})
    shielding = Shielding(options, pause or Pause(), watcher.said.append)
    stage = CAPTURES[capture](display=display.name, max_fps=60, shielding=shielding)
    ticks, inbox = trio.open_memory_channel(0)
    outbox, frames = trio.open_memory_channel(0)

    async def tick():
        while True:
            await ticks.send(Tick(trio.current_time()))
            await trio.sleep(1 / 60)

    async def receive():
        async for frame in frames:
            if not keep and watcher.frames and not shows_secret(watcher.frames[-1]):
                watcher.frames.pop()
            watcher.frames.append(frame)
            watcher.came.set()
            watcher.came = trio.Event()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.run, inbox, outbox)
        nursery.start_soon(tick)
        nursery.start_soon(receive)
        yield watcher
        nursery.cancel_scope.cancel()


def painted_pixels(frame: Frame) -> int:
    return int(shows(frame.pixels, PAINT & 0xFFFFFF).sum())


def shows_secret(frame: Frame) -> bool:
    return not frame.withheld and bool(shows(frame.pixels, SECRET).any())


@pytest.mark.parametrize("capture", CAPTURES)
async def test_a_forbidden_window_is_in_no_frame_however_windows_move(desk, capture):
    async with watched(desk, capture, keep=False, mask=("class:Vault",)) as watcher:
        await watcher.until(lambda frame: True)
        moves = await trio.to_thread.run_sync(shake, desk.name, SHAKEN_FOR)
    assert watcher.leaks() == []
    # Many more on a quiet machine.
    assert moves > SHAKEN_FOR
    assert watcher.frames[-1].seq > SHAKEN_FOR
    assert watcher.said == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_without_a_rule_the_same_windows_are_in_the_frames(desk, capture):
    async with watched(desk, capture) as watcher:
        with trio.fail_after(30):
            while not watcher.leaks():
                await trio.to_thread.run_sync(shake, desk.name, 1.0)


@pytest.mark.parametrize("capture", CAPTURES)
async def test_exactly_the_visible_part_is_painted_over(desk, capture):
    with Program(desk.name) as vault, Program(desk.name) as other:
        vault.window(Rect(100, 100, 400, 300), SECRET, name="Vault", override=True)
        above = other.window(Rect(300, 200, 400, 300), PUBLIC, name="Editor", override=True)
        async with watched(desk, capture, mask=("class:vault",)) as watcher:
            frame = await watcher.rest()
            covered, painted = Rect(300, 200, 200, 200), PAINT & 0xFFFFFF
            is_painted = shows(frame.pixels, painted)
            assert is_painted[100:400, 100:500].sum() == 400 * 300 - covered.area
            assert is_painted.sum() == 400 * 300 - covered.area
            assert shows(frame.pixels, PUBLIC)[200:500, 300:700].all()
            # What is drawn under the mask wakes nothing.
            before = watcher.frames[-1]
            vault.fill(vault.made[0], Rect(0, 0, 50, 50), 0xABCDEF)
            after = await watcher.rest()
            assert after is before or after.damage == ()
            # The mask follows at once, and the place behind it is shown again after a moment.
            other.place(above, Rect(800, 400, 100, 100))
            vault.place(vault.made[0], Rect(600, 50, 100, 80))
            frame = await watcher.until(lambda frame: painted_pixels(frame) == 100 * 80)
            assert shows(frame.pixels, painted)[50:130, 600:700].all()
            assert shows(frame.pixels, DESK)[140:400, 100:500].all()
        assert watcher.leaks() == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_the_decorations_and_the_menus_of_a_window_are_part_of_it(desk, capture):
    with Program(desk.name) as vault, Program(desk.name) as other:
        vault.window(Rect(200, 200, 300, 200), SECRET, name="Vault", title="My bank")
        await trio.sleep(0.5)
        vault.window(Rect(700, 100, 100, 100), SECRET, override=True)
        harmless = other.window(Rect(900, 100, 100, 100), PUBLIC, override=True)
        async with watched(desk, capture, mask=("title:*bank*",)) as watcher:
            frame = await watcher.rest()
            assert shows(frame.pixels, PUBLIC).sum() == 100 * 100
            painted = shows(frame.pixels, PAINT & 0xFFFFFF)
            # Its title is drawn by openbox, above it.
            assert painted[200:400, 200:500].all()
            assert painted.sum() > 100 * 100 + 300 * 200 + 300 * 10
            other.destroy(harmless)
        assert watcher.leaks() == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_a_window_that_is_called_otherwise_is_judged_anew(desk, capture):
    with Program(desk.name) as program:
        window = program.window(Rect(100, 100, 300, 200), PUBLIC, title="News")
        async with watched(desk, capture, mask=("title:/^bank/",)) as watcher:
            frame = await watcher.rest()
            assert shows(frame.pixels, PUBLIC).any()
            program.text(window, "WM_NAME", "Bank of somewhere")
            await watcher.until(lambda frame: not shows(frame.pixels, PUBLIC).any())
            program.text(window, "WM_NAME", "News")
            await watcher.until(lambda frame: shows(frame.pixels, PUBLIC).any())


@pytest.mark.parametrize("capture", CAPTURES)
async def test_only_the_allowed_windows_are_seen(desk, capture):
    with Program(desk.name) as editor, Program(desk.name) as other:
        editor.window(Rect(100, 100, 300, 200), PUBLIC, name="Editor", override=True)
        other.window(Rect(350, 250, 100, 100), SECRET, name="Chat", override=True)
        async with watched(desk, capture, only=("class:Editor",)) as watcher:
            frame = await watcher.rest()
            seen = shows(frame.pixels, PUBLIC)
            assert seen.sum() == 300 * 200 - 50 * 50
            assert (seen | shows(frame.pixels, PAINT & 0xFFFFFF)).all()
        assert watcher.leaks() == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_places_are_painted_over(desk, capture):
    with Program(desk.name) as program:
        program.window(Rect(0, 0, 200, 200), SECRET, override=True)
        async with watched(desk, capture, mask=("rect:0,0,200,200",)) as watcher:
            frame = await watcher.rest()
            assert shows(frame.pixels, PAINT & 0xFFFFFF).sum() == 200 * 200
        async with watched(desk, capture, mask=("monitor:1",)) as all_of_it:
            await all_of_it.rest()
        assert watcher.leaks() == all_of_it.leaks() == []
        assert all_of_it.seen == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_our_own_windows_are_not_seen(desk, capture):
    with Program(desk.name) as ours:
        ours.window(Rect(100, 100, 300, 200), SECRET)
        async with watched(desk, capture, itself=True) as watcher:
            frame = await watcher.rest()
            assert shows(frame.pixels, DESK).sum() == 1280 * 720 - 9 - painted_pixels(frame)
        assert watcher.leaks() == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_without_the_windows_nothing_is_seen(desk, capture, monkeypatch):
    async def fail(*_arguments):
        raise CannotKnowError("for a test")

    with monkeypatch.context() as patch:
        patch.setattr(windows.Windows, "opened", fail)
        async with watched(desk, capture, mask=("class:Vault",)) as watcher:
            await watcher.rest()
            assert watcher.seen == []
            assert watcher.frames
            assert all(frame.pixels.size == 0 for frame in watcher.frames)
            patch.undo()
            await watcher.until(lambda frame: not frame.withheld)
    reason = "the windows on the screen cannot be known (for a test): nothing of it is sent"
    assert watcher.said == [reason, "the screen is watched again"]


@pytest.mark.parametrize("capture", CAPTURES)
async def test_a_paused_capture_looks_at_nothing(desk, capture):
    pause = Pause()
    with Program(desk.name) as program:
        async with watched(desk, capture, pause) as watcher:
            await watcher.until(lambda frame: not frame.withheld)
            pause.turn(paused=True)
            await trio.sleep(0.2)
            before = len(watcher.seen)
            window = program.window(Rect(100, 100, 300, 200), SECRET, override=True)
            await trio.sleep(0.5)
            program.destroy(window)
            await trio.sleep(0.2)
            assert len(watcher.seen) == before
            assert watcher.frames[-1].withheld
            pause.turn(paused=False)
            await watcher.until(lambda frame: not frame.withheld)
        assert watcher.leaks() == []


@pytest.mark.parametrize("capture", CAPTURES)
async def test_behind_a_locker_nothing_is_seen(desk, capture):
    with Program(desk.name) as locker:
        async with watched(desk, capture) as watcher:
            await watcher.until(lambda frame: not frame.withheld)
            window = locker.window(
                Rect(0, 0, 1280, 720), SECRET, name="i3lock", override=True, mapped=False
            )
            locker.fill(window, Rect(0, 0, 5, 5), 1)
            locker.show(window, shown=True)
            await watcher.until(lambda frame: frame.withheld)
            locker.destroy(window)
            await watcher.until(lambda frame: not frame.withheld)
        assert watcher.said == [
            "the screen is locked: nothing of it is sent",
            "the screen is watched again",
        ]
        assert watcher.leaks() == []


class Told:
    """Windows that tell something, once."""

    hidden, strangers = Hidden(), False

    def __init__(self) -> None:
        self.asked = 0
        self.news = trio.Event()

    def told(self) -> list[Hidden]:
        self.asked += 1
        return []

    async def wait_changed(self) -> None:
        await self.news.wait()


async def test_whoever_no_longer_waits_leaves_the_news_to_the_grab():
    """What a grab may have seen is known from what is told, so nobody else may take that in."""
    shield = Shield(Shielding(), None, {}, None)
    shield._windows = told = Told()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shield.wait_changed)
        await trio.testing.wait_all_tasks_blocked()
        asked = told.asked
        told.news.set()
        nursery.cancel_scope.cancel()
    assert told.asked == asked == 1


class Opened(Told):
    """Windows that tell of a new one."""

    def told(self) -> list[Hidden]:
        self.strangers = not self.asked
        return super().told()

    async def look(self) -> None:
        self.strangers = False


async def test_a_window_is_looked_at_before_what_it_shows_is_read():
    """Else its first picture would be painted over, and the second wait as one of a movement."""
    shield = Shield(Shielding(), None, {}, None)
    shield._windows = opened = Opened()
    await shield.refresh()
    assert opened.asked
    assert not opened.strangers


def test_what_is_of_one_color():
    picture = np.full((100, 50, 4), 7, np.uint8)
    assert is_one_color(picture)
    picture[99, 49] = 8
    assert not is_one_color(picture)
