"""What is known of the windows belongs to one task, however much happens at once."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading

import pytest
import trio
import trio.lowlevel

from hud.items import Rect
from hud.privacy.options import PrivacyOptions
from hud.privacy.stack import CannotKnowError, Stack
from hud.privacy.stale import Stale
from stages.capture.drawn import Drawn
from stages.capture.windows import Windows
from tests.windows import SECRET, Program, shake

pytestmark = pytest.mark.x11

OPTIONS = PrivacyOptions(mask=("class:Vault", "title:Bank*"), itself=False)


@pytest.fixture
def users(monkeypatch) -> set[int]:
    """The threads that use what is known of the windows."""
    found: set[int] = set()

    def recorded(method):
        @functools.wraps(method)
        def use(*arguments, **options):
            found.add(threading.get_ident())
            return method(*arguments, **options)

        return use

    for kind in (Stack, Stale):
        for name, method in vars(kind).items():
            if callable(method) and name != "__init__":
                monkeypatch.setattr(kind, name, recorded(method))
    monkeypatch.setattr(Drawn, "take", recorded(Drawn.take))
    return found


@pytest.fixture
def restless():
    """Threads that are interrupted as often as that can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


async def rename(name: str, stop: trio.Event) -> None:
    """Windows come, are called otherwise twice, and go."""
    with Program(name) as program:
        number = 0
        while not stop.is_set():
            number += 1
            window = program.window(Rect(20, 20, 100, 80), SECRET, title=f"News {number}")
            program.text(window, "WM_NAME", f"Bank {number}")
            program.text(window, "WM_NAME", f"Notes {number}")
            await trio.sleep(0.002)
            program.destroy(window)


@pytest.mark.usefixtures("restless")
async def test_no_thread_but_one_uses_what_is_known_of_the_windows(desk, users):
    asked, stop = [0, 0], trio.Event()

    async def follow(number):
        windows = await Windows.opened(desk.name, OPTIONS)
        while not stop.is_set():
            try:
                await windows.settle()
                if windows.strangers:
                    await windows.look()
                windows.told()
            except CannotKnowError:
                assert not windows.lost
            asked[number] += len(windows.hidden.places) + 1
            await trio.lowlevel.checkpoint()
        windows.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, 0)
        nursery.start_soon(follow, 1)
        nursery.start_soon(rename, desk.name, stop)
        await trio.to_thread.run_sync(shake, desk.name, 3.0)
        stop.set()
    assert min(asked) > 10
    assert users == {threading.get_ident()}


RACE = """
import sys, threading
sys.setswitchinterval(1e-6)
from stages.capture.xcb import connect
failures, stop = [], threading.Event()

def go():
    while not stop.is_set():
        try:
            connect(sys.argv[1]).disconnect()
        except RuntimeError as error:
            failures.append(error)

threads = [threading.Thread(target=go) for _ in range(8)]
for thread in threads:
    thread.start()
import stages.capture.windows, stages.capture.x11
stop.set()
for thread in threads:
    thread.join()
sys.exit(str(failures) if failures else 0)
"""


def test_connections_may_be_opened_while_more_of_the_program_is_loaded(desk):
    done = subprocess.run(
        [sys.executable, "-c", RACE, desk.name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_follows_windows_loads_no_more_of_the_x_library():
    code = """
import xcffib, stages.capture.xcb
before = set(xcffib.extensions)
import stages.capture.windows, stages.capture.x11, stages.capture.inquiry
assert before and set(xcffib.extensions) == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
