"""What there is to look at goes away and comes back, on real X servers."""

from __future__ import annotations

import contextlib
import time

import attrs
import pytest
import trio

from hud.condition import Condition
from hud.items import Tick
from hud.privacy.options import PrivacyOptions
from hud.rect import Rect
from stages.capture.damage import Damage
from stages.capture.screen import Screen
from stages.capture.shield import Shielding
from stages.capture.windows import Windows
from tests.servers import held, mortal, xorg
from tests.windows import PUBLIC, Program

pytestmark = pytest.mark.x11
AGAIN = 5.0
"""Seconds within which a screen that is back must be watched."""
LONG = 20.0


@attrs.define
class Watched:
    """A capture at work, and what it tells."""

    frames: trio.MemoryReceiveChannel
    condition: Condition
    said: list[str]
    stop: trio.Event = attrs.field(factory=trio.Event)

    async def next(self, within: float = LONG, **wanted):
        """The next frame of this kind, such as width=640."""
        with trio.fail_after(within):
            while True:
                frame = await self.frames.receive()
                if all(getattr(frame, name) == value for name, value in wanted.items()):
                    return frame

    async def until_lost(self) -> str:
        """Why there is nothing to look at."""
        with trio.fail_after(LONG):
            while not self.condition.reason:
                with trio.move_on_after(0.05):
                    await self.frames.receive()
        return self.condition.reason


@contextlib.asynccontextmanager
async def watched(kind, name, **options):
    ticks, inbox = trio.open_memory_channel(1)
    outbox, frames = trio.open_memory_channel(0)
    said: list[str] = []
    condition, stop = Condition(), trio.Event()
    options = {"shielding": Shielding(PrivacyOptions(), say=said.append)} | options
    if kind is Damage:
        options |= {"check": 0.5}
    capture = kind(display=name, warn=said.append, condition=condition, **options)

    async def run():
        with outbox:
            await capture.run(inbox, outbox)

    async def tick():
        with ticks:
            while not stop.is_set():
                await ticks.send(Tick(trio.current_time()))
                with trio.move_on_after(0.1):
                    await stop.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        nursery.start_soon(tick)
        yield Watched(frames, condition, said, stop)
        nursery.cancel_scope.cancel()


def picture(name: str) -> None:
    """Something to see that is not of one colour."""
    program = Program(name)
    place = Rect(50 + 20 * (len(kept) % 9), 50, 200, 100)
    program.window(place, PUBLIC + len(kept), name="Editor", title="Editor")
    kept.append(program)


kept: list[Program] = []


@pytest.mark.parametrize("kind", [Damage, Screen])
async def test_an_x_server_that_is_killed_and_started_again_is_watched_again(kind):
    with mortal() as server:
        picture(server.name)
        async with watched(kind, server.name) as capture:
            await capture.next(width=800)
            for _ in range(3):
                server.kill()
                reason = await capture.until_lost()
                server.start("640x480")
                back = time.monotonic()
                picture(server.name)
                frame = await capture.next(AGAIN, width=640, withheld=False)
                assert time.monotonic() - back < AGAIN
                assert frame.damage is None
                assert not capture.condition.reason
                server.kill()
                await capture.until_lost()
                server.start()
                picture(server.name)
                await capture.next(AGAIN, width=800, withheld=False)
    lost = [line for line in capture.said if "looking again until" in line]
    assert len(lost) == 6, capture.said
    assert capture.said.count("the screen is there again") == 6
    assert len(capture.said) == 12, capture.said
    assert "X server" in reason or "read" in reason or "opened" in reason


@pytest.mark.parametrize("kind", [Damage, Screen])
async def test_the_end_of_the_ticks_ends_it_while_there_is_no_x_server(kind):
    with mortal() as server:
        picture(server.name)
        async with watched(kind, server.name) as capture:
            await capture.next()
            server.kill()
            await capture.until_lost()
            capture.stop.set()
            with trio.fail_after(LONG), pytest.raises(trio.EndOfChannel):
                while True:
                    await capture.frames.receive()


@pytest.mark.parametrize("kind", [Damage, Screen])
async def test_a_monitor_that_comes_back_at_another_size_is_watched_again(kind, tmp_path):
    with xorg(tmp_path) as screen:
        picture(screen.name)
        screen.plug(800, 600)
        async with watched(kind, screen.name, monitor=2, shielding=Shielding()) as capture:
            await capture.next(width=800)
            screen.unplug()
            assert await capture.until_lost() == "there is no monitor 2; there are: 1 (1280x720)"
            screen.plug(1024, 768)
            frame = await capture.next(AGAIN, width=1024)
            assert frame.monitor == 2
            assert frame.damage is None
            assert not capture.condition.reason
    assert [line for line in capture.said if line.startswith("there is no monitor 2")] == [
        "there is no monitor 2; there are: 1 (1280x720); looking again until it is there"
    ]
    assert capture.said.count("the screen is there again") == 1


@pytest.mark.parametrize("kind", [Damage, Screen])
async def test_of_all_monitors_those_that_stay_are_watched_on(kind, tmp_path):
    with xorg(tmp_path) as screen:
        picture(screen.name)
        screen.plug(800, 600)
        async with watched(kind, screen.name, monitor="all", shielding=Shielding()) as capture:
            await capture.next(monitor=2, width=800)
            screen.unplug()
            anew = None
            with trio.fail_after(LONG):
                while (
                    "the monitors have changed; watching them as they are now" not in capture.said
                ):
                    with trio.move_on_after(0.1):
                        # It may be told and seen at once.
                        anew = await capture.frames.receive()
            if anew is None or anew.damage is not None:
                anew = await capture.next(AGAIN, damage=None)
            assert anew.monitor == 1
            screen.mode("800x600")
            await capture.next(AGAIN, monitor=1, width=800)
            screen.plug(640, 480)
            await capture.next(AGAIN, monitor=2, width=640)
            assert not capture.condition.reason


@pytest.mark.parametrize("kind", [Damage, Screen])
async def test_a_program_that_holds_the_x_server_only_makes_it_late(kind):
    with mortal() as server:
        picture(server.name)
        async with watched(kind, server.name) as capture:
            await capture.next()
            late = 0.0
            with held(server.name):
                end = trio.current_time() + 4
                while (now := trio.current_time()) < end:
                    with trio.move_on_after(0.02):
                        await capture.frames.receive()
                    late = max(late, trio.current_time() - now)
            picture(server.name)
            await capture.next(AGAIN)
            assert capture.said == []
            assert late < 2, "the loop stood still"  # and not only a busy machine


@pytest.mark.parametrize("kind", [Damage, Screen])
async def test_it_ends_at_once_while_another_program_holds_the_x_server(kind):
    with mortal() as server:
        picture(server.name)
        with trio.fail_after(LONG):
            async with watched(kind, server.name) as capture:
                await capture.next()
                with held(server.name):
                    await trio.sleep(1)
                    begin = time.monotonic()
                    capture.stop.set()
                    with trio.move_on_after(1), contextlib.suppress(trio.EndOfChannel):
                        while True:
                            await capture.frames.receive()
                assert time.monotonic() - begin < 5


async def test_a_look_at_the_windows_is_given_up_while_another_program_holds_the_x_server():
    with mortal() as server:
        picture(server.name)
        windows = await Windows.opened(server.name, PrivacyOptions())
        with held(server.name):
            with trio.move_on_after(0.5) as scope:
                await windows.look(anew=True)
            assert scope.cancelled_caught
            windows.close()
