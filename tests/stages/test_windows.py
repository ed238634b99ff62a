"""What is known of the windows belongs to one task, however much happens at once."""

from __future__ import annotations

import contextlib
import functools
import random
import subprocess
import sys
import threading

import attrs
import pytest
import trio
import trio.lowlevel

from hud.privacy.options import PrivacyOptions
from hud.privacy.stack import CannotKnowError, Stack
from hud.privacy.stale import PATIENCE, Stale
from hud.rect import Rect
from stages.capture.drawn import Drawn
from stages.capture.inquiry import Inquiry
from stages.capture.windows import Windows
from tests.windows import PUBLIC, SECRET, Program, shake

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


@attrs.define
class Restless:
    """Windows that lie directly on the desktop and change whenever it is asked for."""

    vault: Program
    other: Program
    rng: random.Random
    windows: list[tuple[Program, int]] = attrs.field(factory=list)

    def come(self) -> None:
        program = self.rng.choice([self.vault, self.other])
        name, color = ("Vault", SECRET) if program is self.vault else ("Editor", PUBLIC)
        window = program.window(self.somewhere(), color, name=name, override=True)
        self.windows.append((program, window))

    def change(self) -> None:
        """A few changes of each kind."""
        for _ in range(4):
            self.come()
            program, window = self.rng.choice(self.windows)
            program.place(window, self.somewhere())
            program, window = self.rng.choice(self.windows)
            program.stack(window, above=self.rng.random() < 0.5)
            program, window = self.rng.choice(self.windows)
            program.show(window, shown=self.rng.random() < 0.7)
            program, window = self.rng.choice(self.windows)
            program.core.CirculateWindow(self.rng.randint(0, 1), program.screen.root)
            program, window = self.windows.pop(self.rng.randrange(len(self.windows)))
            into = [number for owner, number in self.windows if owner is program]
            if into and self.rng.random() < 0.5:
                program.core.ReparentWindow(window, self.rng.choice(into), 5, 5)
                program.core.ReparentWindow(window, program.screen.root, 50, 60)
                self.windows.append((program, window))
            else:
                program.destroy(window)

    def somewhere(self) -> Rect:
        rng = self.rng
        return Rect(rng.randint(-50, 1000), rng.randint(-50, 500), rng.randint(9, 400), 200)


@pytest.mark.parametrize("seed", range(5))
async def test_windows_are_known_that_change_whenever_they_are_asked_about(
    display, monkeypatch, seed
):
    rng, answered = random.Random(seed), Inquiry.answered
    with Program(display.name) as vault, Program(display.name) as other:
        restless = Restless(vault, other, rng)
        for _ in range(8):
            restless.come()

        async def late(inquiry):
            restless.change()
            await answered(inquiry)

        with monkeypatch.context() as patch:
            patch.setattr(Inquiry, "answered", late)
            windows = await Windows.opened(display.name, OPTIONS)
            await windows.look(anew=True)
        with contextlib.closing(windows):
            await windows.settle()
            while windows.strangers:
                await windows.look()
            await trio.sleep(PATIENCE)
            await windows.settle()
            with contextlib.closing(await Windows.opened(display.name, OPTIONS)) as fresh:
                assert fresh.hidden.known
                assert windows.hidden == fresh.hidden


async def test_a_frame_whose_program_has_gone_is_judged_anew(display):
    with Program(display.name) as manager, Program(display.name) as vault:
        frame = manager.window(Rect(100, 100, 300, 200), PUBLIC, override=True)
        inside = vault.window(Rect(0, 20, 300, 180), SECRET, name="Vault", parent=frame)
        with contextlib.closing(await Windows.opened(display.name, OPTIONS)) as windows:
            assert windows.hidden.known == {Rect(100, 100, 300, 200)}
            vault.show(inside, shown=False)
            await windows.settle()
            await windows.look()
            vault.destroy(inside)
            await windows.settle()
            await windows.look()
            await trio.sleep(PATIENCE)
            await windows.settle()
            assert not windows.hidden.known


PLACE = Rect(100, 100, 300, 200)


async def known_after(display, change) -> set[tuple[int, int]]:
    """Pixels that must not be seen after a window was called otherwise, and `change` was made."""
    with Program(display.name) as program:
        window = program.window(PLACE, SECRET, title="News", override=True)
        with contextlib.closing(await Windows.opened(display.name, OPTIONS)) as windows:
            assert not windows.hidden.places
            program.text(window, "WM_NAME", "Bank")
            # Here pixels were read.
            change(program, window)
            states = [windows.hidden, *await windows.settle()]
            await windows.look()
            states.append(windows.hidden)
    hidden = [rect for state in states for rect in state.places]
    return {(x, y) for rect in hidden for x in range(rect.x, rect.right) for y in (rect.y, 250)}


CHANGES = {
    "moved": lambda program, window: program.place(window, Rect(700, 400, 300, 200)),
    "hidden": lambda program, window: program.show(window, shown=False),
    "covered": lambda program, window: program.window(PLACE, PUBLIC, override=True),
    "destroyed": lambda program, window: program.destroy(window),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_what_a_window_turned_into_is_hidden_where_it_stood_by_then(display, name):
    known = await known_after(display, CHANGES[name])
    assert {(x, y) for x in range(100, 400) for y in (100, 250)} <= known


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
