"""Nothing is seen while the session is locked or another one is at the screen, or it is dark."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import trio

from hud.rect import Rect
from tests.logind import Logind, system_bus
from tests.sleepy import OFF, sleepy
from tests.stages.test_shield import CAPTURES, watched
from tests.windows import PUBLIC, SECRET, Program

pytestmark = pytest.mark.x11
AGAIN = "the screen is watched again"
STORIES = [
    ("LockedHint", True, "the session is locked"),
    ("Active", False, "another session is at the screen"),
]


@pytest.fixture
def logind(tmp_path, monkeypatch, desk):
    if shutil.which("dbus-daemon") is None:
        pytest.skip("not installed: dbus-daemon")
    monkeypatch.setenv("XDG_SESSION_ID", "1")
    monkeypatch.setenv("DISPLAY", desk.name)
    with system_bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        logind = Logind(address)
        yield logind
    logind.thread.join(timeout=10)


async def stir(watcher, program, *, withheld: bool) -> None:
    """Draw until frames are withheld, or are not any longer."""
    window = program.made[0]
    with trio.fail_after(20):
        color = 0
        while watcher.frames[-1].withheld is not withheld:
            color += 1
            program.fill(window, Rect(0, 0, 50, 50), color)
            await trio.sleep(0.05)


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("story", STORIES)
async def test_a_session_that_is_away_is_not_watched(desk, logind, capture, story):
    name, away, reason = story
    with Program(desk.name) as program, Program(desk.name) as other:
        program.window(Rect(0, 0, 200, 200), PUBLIC, override=True)
        async with watched(desk, capture) as watcher:
            await watcher.until(lambda frame: not frame.withheld)
            logind.turn(name, on=away)
            await stir(watcher, program, withheld=True)
            secret = other.window(Rect(300, 300, 200, 200), SECRET, override=True)
            await trio.sleep(0.5)
            assert watcher.leaks() == []
            other.destroy(secret)
            logind.turn(name, on=not away)
            await stir(watcher, program, withheld=False)
        assert watcher.said == [f"{reason}: nothing of it is sent", AGAIN]


async def test_without_logind_the_screen_is_watched(desk, monkeypatch):
    monkeypatch.setenv("XDG_SESSION_ID", "1")
    monkeypatch.setenv("DISPLAY", desk.name)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    async with watched(desk, "damage") as watcher:
        await watcher.until(lambda frame: not frame.withheld)


@pytest.mark.parametrize("capture", CAPTURES)
async def test_a_blanked_screen_is_not_watched(desk, capture):
    def xset(*arguments):
        environment = {"DISPLAY": desk.name, "PATH": "/usr/bin:/bin"}
        subprocess.run(["xset", *arguments], env=environment, check=True)

    if shutil.which("xset") is None:
        pytest.skip("not installed: xset")
    with Program(desk.name) as program:
        program.window(Rect(0, 0, 200, 200), PUBLIC, override=True)
        async with watched(desk, capture) as watcher:
            await watcher.until(lambda frame: not frame.withheld)
            await trio.to_thread.run_sync(xset, "s", "activate")
            await stir(watcher, program, withheld=True)
            await trio.to_thread.run_sync(xset, "s", "reset")
            await stir(watcher, program, withheld=False)
        assert watcher.said == ["the screen is blanked: nothing of it is sent", AGAIN]


@pytest.mark.parametrize("capture", CAPTURES)
async def test_while_monitors_sleep_nothing_is_seen(desk, capture):
    with sleepy(desk.name) as screen, Program(desk.name) as program:
        program.window(Rect(0, 0, 200, 200), PUBLIC, override=True)
        async with watched(screen, capture) as watcher:
            await watcher.until(lambda frame: not frame.withheld)
            screen.level = OFF
            await stir(watcher, program, withheld=True)
            before = len(watcher.seen)
            await trio.sleep(1)
            assert len(watcher.seen) == before
            screen.level = 0
            await stir(watcher, program, withheld=False)
        assert watcher.said == ["the screen is blanked: nothing of it is sent", AGAIN]
