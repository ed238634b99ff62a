"""A window that must not be seen stays so when its frame goes, and on each screen of a server."""

from __future__ import annotations

import attrs
import pytest
import trio

from hud.rect import Rect
from tests.conftest import need_x11, virtual_screen
from tests.stages.test_shield import CAPTURES, painted_pixels, watched
from tests.windows import PUBLIC, SECRET, Program

pytestmark = pytest.mark.x11


@pytest.mark.parametrize("capture", CAPTURES)
async def test_a_window_manager_that_begins_anew_uncovers_nothing(desk, capture):
    with Program(desk.name) as vault, Program(desk.name) as other:
        vault.window(Rect(200, 150, 400, 300), SECRET, name="Vault")
        other.window(Rect(500, 300, 400, 300), PUBLIC, name="Editor")
        await trio.sleep(0.5)
        async with watched(desk, capture, mask=("class:Vault",)) as watcher:
            await watcher.until(lambda frame: painted_pixels(frame) >= 400 * 300 / 2)
            for again in ["--restart", "--replace", "--restart"]:
                desk.start("openbox", again)
                await trio.sleep(0.7)
                # The frames go, and the windows that were in them come to the desktop.
                desk.programs[0].kill()
                await trio.sleep(0.3)
                desk.start("openbox")
                await trio.sleep(0.7)
            await watcher.until(lambda frame: painted_pixels(frame) >= 400 * 300 / 2)
        assert watcher.leaks() == []
        assert watcher.said == []
        assert len(watcher.seen) > 10


@pytest.mark.parametrize("capture", CAPTURES)
async def test_the_windows_of_another_screen_are_none_of_this_one(capture):
    need_x11()
    with virtual_screen("1280x720", "-screen", "1", "1280x720x24") as first:
        second = attrs.evolve(first, name=f"{first.name}.1")
        with Program(second.name) as vault, Program(second.name) as editor:
            vault.window(Rect(200, 150, 400, 300), SECRET, name="Vault", override=True)
            editor.window(Rect(700, 150, 40, 30), PUBLIC, name="Editor", override=True)
            with Program(first.name) as other:
                other.window(Rect(10, 10, 60, 60), SECRET, name="Vault", override=True)
                async with watched(second, capture, mask=("class:Vault",)) as watcher:
                    frame = await watcher.until(lambda frame: painted_pixels(frame) > 0)
            assert painted_pixels(frame) == 400 * 300
            assert watcher.leaks() == []
