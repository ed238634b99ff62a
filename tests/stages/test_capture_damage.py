"""Capture woken by the X server, on a real one with real windows."""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import pathlib
import random
import subprocess
import sys
import time

import attrs
import mss
import numpy as np
import pytest
import trio
import xcffib
import xcffib.randr
import xcffib.xproto

from hud.errors import UsageError
from hud.items import Tick
from hud.privacy.pause import Pause
from hud.rect import Rect
from stages.capture import screen
from stages.capture.auto import Auto
from stages.capture.damage import Damage, NoDamageError
from stages.capture.shield import Shielding
from tests.conftest import need_x11, virtual_screen

pytestmark = pytest.mark.x11
NO_CHECK = 3600.0
LONG = 20.0
"""Seconds after which a test has hung."""


@attrs.define
class Watcher:
    """A capture that runs, and its frames."""

    ticks: trio.MemorySendChannel
    frames: trio.MemoryReceiveChannel
    warnings: list[str] = attrs.field(factory=list)

    async def next(self):
        with trio.fail_after(LONG):
            return await self.frames.receive()

    async def until(self, wanted):
        """The first frame of which that is true."""
        while not wanted(frame := await self.next()):
            pass
        return frame

    async def rest(self, seconds: float = 0.5):
        """All frames until none comes for a while."""
        found = []
        while True:
            with trio.move_on_after(seconds) as scope:
                found.append(await self.frames.receive())
            if scope.cancelled_caught:
                return found


@contextlib.asynccontextmanager
async def watched(display, **options):
    ticks, inbox = trio.open_memory_channel(1)
    outbox, frames = trio.open_memory_channel(0)
    watcher = Watcher(ticks, frames)
    options = {"check": NO_CHECK, "warn": watcher.warnings.append} | options
    capture = Damage(display=display.name, **options)

    async def run():
        with outbox:
            await capture.run(inbox, outbox)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        yield watcher
        nursery.cancel_scope.cancel()


class Painter:
    """A client with a window of its own, whose drawing is through when a call returns."""

    def __init__(self, display, x=0, y=0, width=1280, height=720):
        self.connection = xcffib.connect(display.name)
        core, root = self.connection.core, self.connection.get_setup().roots[0]
        self.window, self.gc = self.connection.generate_id(), self.connection.generate_id()
        core.CreateWindow(
            root.root_depth, self.window, root.root, x, y, width, height, 0,
            xcffib.xproto.WindowClass.InputOutput, root.root_visual,
            xcffib.xproto.CW.BackPixel, [0x335577],
        )  # fmt: skip
        core.MapWindow(self.window)
        core.CreateGC(self.gc, self.window, xcffib.xproto.GC.GraphicsExposures, [0])
        self.core, self.root, self.size = core, root.root, (width, height)
        self.sync()

    def sync(self):
        self.core.GetInputFocus().reply()

    def fill(self, x, y, width, height, colour):
        self.core.ChangeGC(self.gc, xcffib.xproto.GC.Foreground, [colour])
        place = xcffib.xproto.RECTANGLE.synthetic(x, y, width, height)
        self.core.PolyFillRectangle(self.window, self.gc, 1, [place])
        self.sync()

    def copy(self, rect, x, y):
        place = (rect.x, rect.y, x, y, rect.width, rect.height)
        self.core.CopyArea(self.window, self.window, self.gc, *place)
        self.sync()

    def anything(self, rng):
        width, height = rng.randint(1, self.size[0]), rng.randint(1, self.size[1])
        if rng.random() < 0.8:
            width, height = min(width, rng.randint(1, 300)), min(height, rng.randint(1, 60))
        x, y = rng.randint(0, self.size[0] - width), rng.randint(0, self.size[1] - height)
        if rng.random() < 0.3:
            self.copy(Rect(x, y, width, height), rng.randint(0, 900), rng.randint(0, 600))
        else:
            self.fill(x, y, width, height, rng.randrange(2**24))


def grabbed(display, box=None):
    with mss.MSS(display=display.name) as source:
        number = 1 if box is None else None
        box = screen.monitors(source)[number] if box is None else box
        return screen.grab(source, box)


def same(one, other):
    """The fourth byte carries nothing."""
    return np.array_equal(one[..., :3], other[..., :3])


async def test_the_picture_at_rest_is_the_screen_and_no_frame_ever_changes(display):
    """Seconds of random drawing by several clients, windows that move, a terminal that scrolls."""
    rng = random.Random(6)
    display.xterm("while :; do date +%N; sleep 0.03; done")
    await trio.sleep(1)
    painters = [Painter(display, 0, 0, 1280, 720), Painter(display, 500, 300, 700, 400)]
    kept = []
    async with watched(display, max_fps=60.0) as watcher:
        last = await watcher.next()
        assert last.damage is None
        begin = time.monotonic()
        while time.monotonic() - begin < 6:
            painter = rng.choice(painters)
            for _ in range(rng.choice([1, 1, 3, 40])):
                painter.anything(rng)
            if rng.random() < 0.1:
                painters[1].core.ConfigureWindow(
                    painters[1].window, xcffib.xproto.ConfigWindow.X, [rng.randint(0, 600)]
                )
            # The channel has no room, so the capture is often late and must catch up.
            with trio.move_on_after(rng.choice([0, 0.005, 0.03])):
                while True:
                    last = await watcher.frames.receive()
                    kept = [*kept[-2:], (last, last.pixels.copy())] if rng.random() < 0.2 else kept
            for frame, pixels in kept:
                assert np.array_equal(frame.pixels, pixels)
        display.programs[0].kill()
        last = [last, *await watcher.rest()][-1]
        assert same(last.pixels, grabbed(display))
        assert last.seq > 50


async def test_a_frame_names_what_was_drawn_and_nothing_else(display):
    painter = Painter(display)
    async with watched(display) as watcher:
        await watcher.next()
        painter.fill(100, 50, 30, 20, 0xFF0000)
        frame = await watcher.next()
        assert frame.damage == (Rect(100, 50, 30, 20),)
        assert frame.woken
        assert frame.pixels[60, 110].tolist()[:3] == [0, 0, 255]
        painter.fill(100, 50, 30, 20, 0xFF0000)
        assert await watcher.rest(0.3) == []


async def test_every_change_is_seen_and_none_comes_too_soon(display):
    painter = Painter(display)
    async with watched(display, max_fps=10.0) as watcher:
        first = await watcher.next()
        frames = [first]

        async def receive():
            while True:
                frames.append(await watcher.frames.receive())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            for number in range(150):
                painter.fill(8 * number, 40, 8, 8, 0x010101 * (number + 100))
                await trio.sleep(0.01)
            await trio.sleep(0.5)
            nursery.cancel_scope.cancel()
    shown = frames[-1].pixels[44, 4 : 8 * 150 : 8, 0]
    assert shown.tolist() == [number + 100 for number in range(150)]
    lasted = frames[-1].time - first.time
    assert 3 <= len(frames) <= 10 * lasted + 2


async def test_a_film_wakes_nobody_and_is_not_forgotten(display):
    painter, film = Painter(display), Rect(600, 300, 320, 200)
    with Damage(display=display.name)._open() as server:
        await server.listen()
        painter.fill(620, 310, 100, 100, 0x123456)
        with trio.move_on_after(0.3) as asleep:
            await server.wait_drawn([film])
        assert asleep.cancelled_caught
        painter.fill(10, 20, 30, 40, 0x654321)
        with trio.fail_after(LONG):
            await server.wait_drawn([film])
        assert server.take_drawn([film]) == [Rect(10, 20, 30, 40)]
        assert server.was_drawn()
        assert server.take_drawn() == [Rect(620, 310, 100, 100)]
        assert not server.was_drawn()


async def test_what_reaches_into_a_film_leaves_it_to_be_looked_at(display):
    painter, film = Painter(display), Rect(600, 300, 320, 200)
    with Damage(display=display.name)._open() as server:
        await server.listen()
        painter.fill(580, 310, 100, 100, 0x123456)
        with trio.fail_after(LONG):
            await server.wait_drawn([film])
        assert server.take_drawn([film]) == [Rect(580, 310, 100, 100)]
        painter.fill(610, 320, 20, 20, 0x654321)  # where damage is left, so it is no news to X
        await server.catch_up()
        assert not server.was_drawn([film])
        assert server.take_drawn() == [Rect(600, 310, 80, 100)]


async def test_the_last_picture_of_a_film_is_there(display):
    painter, film = Painter(display), Rect(600, 300, 320, 200)
    async with watched(display) as watcher:
        seen = [await watcher.next()]
        for number in range(80):
            painter.fill(film.x, film.y, film.width, film.height, number)
            with trio.move_on_after(0.02):
                seen.append(await watcher.frames.receive())
        last = [*seen, *await watcher.rest()][-1]
        assert last.pixels[film.y, film.x, 0] == 79


async def test_a_still_screen_costs_no_wake_up(display):
    display.xterm("echo still; sleep 99", "+bc")
    await trio.sleep(1)
    woken = 0

    class Count(trio.abc.Instrument):
        def after_io_wait(self, timeout):
            nonlocal woken
            woken += 1

    async with watched(display) as watcher:
        await watcher.rest()
        trio.lowlevel.add_instrument(count := Count())
        await trio.sleep(1)
        trio.lowlevel.remove_instrument(count)
    assert woken <= 3


async def test_only_the_monitor_that_was_drawn_on_has_a_new_frame(display):
    painter = Painter(display)
    two_monitors(painter)
    async with watched(display, monitor="all") as watcher:
        first = [await watcher.next(), await watcher.next()]
        assert [(frame.monitor, frame.width) for frame in first] == [(1, 640), (2, 640)]
        painter.fill(700, 10, 20, 20, 0x00FF00)
        frame = await watcher.next()
        assert frame.monitor == 2
        assert frame.damage == (Rect(60, 10, 20, 20),)
        painter.fill(630, 10, 20, 20, 0x0000FF)
        both = [await watcher.next(), await watcher.next()]
        assert [frame.damage for frame in both] == [
            (Rect(630, 10, 10, 20),),
            (Rect(0, 10, 10, 20),),
        ]
    # The same numbers as the other way to watch.
    with mss.MSS(display=display.name) as source, Damage(display=display.name)._open() as server:
        assert server.monitors() == screen.monitors(source)


def two_monitors(painter):
    randr = painter.connection(xcffib.randr.key)
    randr.QueryVersion(1, 5).reply()
    outputs = list(randr.GetScreenResourcesCurrent(painter.root).reply().outputs)
    for name, x, mine in (("left", 0, outputs), ("right", 640, [])):
        atom = painter.core.InternAtom(False, len(name), name).reply().atom
        info = xcffib.randr.MonitorInfo.synthetic(
            atom, x == 0, False, len(mine), x, 0, 640, 720, 170, 190, mine
        )
        randr.SetMonitor(painter.root, info, is_checked=True).check()


async def test_a_region_is_all_there_is(display):
    painter = Painter(display)
    async with watched(display, region=(100, 200, 300, 100)) as watcher:
        first = await watcher.next()
        assert first.pixels.shape == (100, 300, 4)
        painter.fill(0, 0, 90, 90, 0xFF00FF)
        painter.fill(390, 290, 90, 90, 0xFF00FF)
        frame = await watcher.next()
        assert frame.damage == (Rect(290, 90, 10, 10),)
        assert same(frame.pixels, grabbed(display, Rect(100, 200, 300, 100)))


async def test_what_the_driver_hides_is_found_by_looking(tmp_path):
    """Written straight into the frame buffer, so that no extension can know of it."""
    need_x11()
    with virtual_screen("640x480", "-fbdir", str(tmp_path)) as display:
        async with watched(display, check=0.4) as watcher:
            before = await watcher.next()
            with (tmp_path / "Xvfb_screen0").open("r+b") as file:
                memory = mmap.mmap(file.fileno(), 0)
                memory[-4 * 640 * 100 : -4 * 640 * 100 + 4 * 50] = b"\x10\x20\x30\x00" * 50
                memory.close()
            frame = await watcher.next()
            assert frame.seq == before.seq + 1
            assert frame.damage == (Rect(0, 352, 640, 32),)
            assert frame.pixels[380, 49].tolist()[:3] == [0x10, 0x20, 0x30]
            assert not before.pixels[380, 49, :3].any()
            assert await watcher.rest(1.0) == []


async def test_another_size_is_watched_anew(display):
    painter = Painter(display)
    async with watched(display) as watcher:
        await watcher.next()
        resize(painter, 800, 600)
        frame = await watcher.until(lambda frame: frame.pixels.shape == (600, 800, 4))
        assert frame.damage is None
        painter.fill(10, 10, 20, 20, 0x00FF00)
        frame = await watcher.until(lambda frame: frame.pixels[15, 15, 1] == 255)
        assert same(frame.pixels, grabbed(display))
    assert set(watcher.warnings) == {"the monitors have changed; watching them as they are now"}


def resize(painter, width, height):
    """As a change of resolution goes: the monitor off, another size, the monitor on."""
    randr = painter.connection(xcffib.randr.key)
    randr.QueryVersion(1, 5).reply()
    there = randr.GetScreenResourcesCurrent(painter.root).reply()
    crtc, output = there.crtcs[0], there.outputs[0]
    randr.SetCrtcConfig(crtc, 0, 0, 0, 0, 0, 1, 0, []).reply()
    randr.SetScreenSize(painter.root, width, height, 200, 150, is_checked=True).check()
    mode = xcffib.randr.ModeInfo.synthetic(
        0, width, height, 38250000, width + 32, width + 112, width + 224, 0,
        height + 3, height + 7, height + 24, 4, 0,
    )  # fmt: skip
    number = randr.CreateMode(painter.root, mode, 4, "mode").reply().mode
    randr.AddOutputMode(output, number, is_checked=True).check()
    randr.SetCrtcConfig(crtc, 0, 0, 0, 0, number, 1, 1, [output]).reply()


async def test_the_end_of_the_ticks_ends_it_though_nothing_is_drawn(display):
    async with watched(display) as watcher:
        await watcher.next()
        watcher.ticks.close()
        with trio.fail_after(LONG), pytest.raises(trio.EndOfChannel):
            await watcher.frames.receive()


async def test_cancelling_is_prompt_and_nothing_stays_behind(display):
    _client = Painter(display)  # without any, the server would start anew each time

    async def once():
        async with watched(display) as watcher:
            await watcher.next()

    await once()
    gc.collect()
    before = holdings()
    for _ in range(5):
        begin = time.monotonic()
        await once()
        assert time.monotonic() - begin < 5
    gc.collect()
    assert holdings() == before


def holdings():
    """Open files, and System V memory: ours and that which is mapped."""
    pid = os.getpid()
    lines = pathlib.Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    mine = [line for line in lines if int(line.split()[4]) == pid]
    maps = pathlib.Path("/proc/self/maps").read_text()
    return len([*pathlib.Path("/proc/self/fd").iterdir()]), len(mine), maps.count("SYSV")


async def test_a_next_stage_that_is_gone_is_no_failure(display):
    painter = Painter(display)
    ticks, inbox = trio.open_memory_channel(1)
    outbox, frames = trio.open_memory_channel(0)

    async def leave():
        await frames.receive()
        frames.close()
        painter.fill(0, 0, 50, 50, 0xABCDEF)

    with trio.fail_after(LONG):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leave)
            await Damage(display=display.name).run(inbox, outbox)
    ticks.close()


@pytest.mark.parametrize("missing", ["DAMAGE", "MIT-SHM"])
async def test_without_the_extension_auto_looks_and_says_why(missing):
    need_x11()
    with virtual_screen("640x480", "-extension", missing) as display:
        _client = Painter(display)  # without any, the server would start anew each time
        with pytest.raises(NoDamageError, match=f"it has no {missing} extension"):
            Damage(display=display.name).preflight()
        capture = Auto(display=display.name, max_fps=20.0, rest_fps=5.0)
        assert capture.manner == (
            "looking 5 to 20 times a second, because the X server cannot say what is drawn: "
            f"it has no {missing} extension"
        )
        assert capture.period == 1 / 5
        ticks, inbox = trio.open_memory_channel(2)
        outbox, frames = trio.open_memory_channel(2)
        for moment in (0.0, 0.1):
            await ticks.send(Tick(moment))
        ticks.close()
        await capture.run(inbox, outbox)
        assert [(await frames.receive()).damage for _ in range(2)] == [None, ()]


def test_auto_sleeps_where_it_can(display):
    capture = Auto(display=display.name)
    assert capture.manner == "woken by what is drawn (X DAMAGE)"
    assert isinstance(capture.choice[0], Damage)
    assert capture.choice[0].seqs is capture.seqs
    with pytest.raises(UsageError, match=r"no monitor 2; there are: 1 \(1280x720\)"):
        Auto(display=display.name, monitor=2).preflight()


def test_a_choice_is_made_once_however_the_capture_is_equipped(display, monkeypatch):
    capture = Auto(display=display.name).settled()
    monkeypatch.setattr(Damage, "preflight", lambda _self: pytest.fail("chosen again"))
    capture = attrs.evolve(capture, max_fps=5.0)
    assert isinstance(capture.choice[0], Damage)
    assert capture.period == float("inf")


def test_the_program_says_once_how_it_watches(display, tmp_path):
    display.xterm("echo hello; sleep 99")
    time.sleep(1)
    done = subprocess.run(
        [sys.executable, "-m", "hud", "run", "--sink", "file:n.jsonl", "--for", "3"],
        env=os.environ | {"DISPLAY": display.name},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # On a busy machine the first note may still be under way when it must end, which is told too.
    assert done.returncode == (1 if "in flight" in done.stderr else 0), done.stderr
    assert done.stderr.count("watching monitor 1, woken by what is drawn (X DAMAGE); notes by") == 1
    assert "hello" not in done.stderr


async def test_behind_the_shortest_pause_there_is_a_frame(display):
    """What was seen before it and waits to be sent is shown with that one."""
    pause = Pause()
    async with watched(display, shielding=Shielding(pause=pause)) as watcher:
        await watcher.rest()
        pause.toggle()
        pause.toggle()
        frame = await watcher.until(lambda frame: not frame.withheld)
        assert frame.time > pause.since
