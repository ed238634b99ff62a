"""Fixtures: threads that run inline, and a real X server with real programs on it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator

import attrs
import pytest
import trio

from tests.windows import wallpaper

WANTED = ["Xvfb", "xterm", "xdotool"]


@pytest.fixture(autouse=True)
def dice(request: pytest.FixtureRequest) -> None:
    """Let each test draw the same words every time; HUD_TEST_SEED draws others."""
    random.seed(request.node.nodeid + os.environ.get("HUD_TEST_SEED", ""))


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is spent here apart from what the user spends."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def inline_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what belongs into a thread at once, so that a mock clock cannot jump meanwhile."""

    async def run_sync(function, *arguments, **_options):
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)


@attrs.frozen
class Display:
    """A virtual X server and the programs started on it, which end with it."""

    name: str
    server: subprocess.Popen[bytes]
    programs: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    def start(self, *command: str, **options) -> subprocess.Popen[bytes]:
        """Start a program on it."""
        environment = os.environ | {"DISPLAY": self.name} | options.pop("env", {})
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        program = subprocess.Popen(command, env=environment, **silent | options)
        self.programs.append(program)
        return program

    def xterm(self, script: str, *more: str) -> subprocess.Popen[bytes]:
        """Run a shell script in an xterm whose window fills a part of the screen."""
        return self.start(
            "xterm", "-geometry", "80x24+40+40", "-fa", "DejaVu Sans Mono", "-fs", "11", *more,
            "-e", "sh", "-c", script,
        )  # fmt: skip


@contextlib.contextmanager
def virtual_screen(size: str, *more: str) -> Iterator[Display]:
    reading, writing = os.pipe()
    # Else the server begins anew, and may refuse a connection, when its last program has gone.
    screen = ["-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset", *more]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), *screen],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            display = Display(f":{pipe.readline().strip()}", server)
        try:
            yield display
        finally:
            for program in display.programs:
                program.kill()
                program.wait(timeout=10)
    finally:
        server.terminate()
        server.wait(timeout=10)


def need_x11() -> None:
    missing = [program for program in WANTED if shutil.which(program) is None]
    if missing and os.environ.get("HUD_REQUIRE_X11"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture
def display() -> Iterator[Display]:
    """A screen of 1280x720."""
    need_x11()
    with virtual_screen("1280x720") as screen:
        yield screen


@pytest.fixture
def desk(display: Display) -> Display:
    """A screen with a window manager and a wallpaper."""
    if shutil.which("openbox") is None:
        pytest.skip("not installed: openbox")
    display.start("openbox")
    time.sleep(1)
    wallpaper(display.name)
    return display
