"""X servers that die and come back, and monitors that are plugged in and out."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import attrs
import psutil
import pytest
import xcffib
import xcffib.xproto

from tests.conftest import WANTED

XORG_CONF = """
Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "card"
  Driver "dummy"
  VideoRam 64000
EndSection
Section "Monitor"
  Identifier "screen"
  HorizSync 5.0-1000.0
  VertRefresh 5.0-200.0
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  Monitor "screen"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "1280x720" "800x600" "640x480"
    Virtual 2560 1024
  EndSubSection
EndSection
"""
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@attrs.define
class Mortal:
    """An Xvfb of a certain number."""

    name: str
    size: str = "800x600"
    more: tuple[str, ...] = ()
    server: subprocess.Popen | None = None

    def start(self, size: str | None = None) -> None:
        """Start it, and wait until it answers."""
        screen = ["-screen", "0", f"{size or self.size}x24", "-nolisten", "tcp", "-noreset"]
        self.server = subprocess.Popen(["Xvfb", self.name, *screen, *self.more], **SILENT)
        wait_for(self.name)

    def kill(self) -> None:
        """End it as a crash does."""
        if self.server is not None:
            self.server.kill()
            self.server.wait(timeout=10)
        self.server = None


@contextlib.contextmanager
def mortal(**options) -> Iterator[Mortal]:
    """A server that may be killed and started again."""
    need(*WANTED)
    server = Mortal(free_name(), **options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        forget(server.name)


@attrs.define
class Monitors:
    """A real Xorg whose outputs can be plugged in and out."""

    name: str

    def xrandr(self, *arguments: str) -> None:
        subprocess.run(["xrandr", "-d", self.name, *arguments], check=True, timeout=20, **SILENT)

    def plug(self, width: int, height: int) -> None:
        """Put a second monitor to the right of the first."""
        name = f"{width}x{height}d"
        timings = [width, width + 32, width + 112, width + 224]
        timings += [height, height + 3, height + 7, height + 24]
        self.xrandr("--newmode", name, "40", *map(str, timings))
        self.xrandr("--addmode", "DUMMY1", name)
        self.xrandr("--output", "DUMMY1", "--mode", name, "--right-of", "DUMMY0")

    def unplug(self) -> None:
        self.xrandr("--output", "DUMMY1", "--off")

    def mode(self, name: str) -> None:
        """Let the first monitor have another size."""
        self.xrandr("--output", "DUMMY0", "--mode", name)


@contextlib.contextmanager
def xorg(folder: pathlib.Path) -> Iterator[Monitors]:
    """Xorg with the driver for no hardware at all."""
    need("Xorg", "xrandr")
    if not [*pathlib.Path("/usr/lib").glob("**/xorg/modules/drivers/dummy_drv.so")]:
        skip("the driver dummy of Xorg")
    file, name = folder / "xorg.conf", free_name()
    file.write_text(XORG_CONF)
    log = ["-config", str(file), "-logfile", str(folder / "xorg.log")]
    alone = ["-nolisten", "tcp", "-noreset", "-novtswitch", "-sharevts"]
    server = subprocess.Popen(["Xorg", name, *log, *alone], **SILENT)
    try:
        wait_for(name)
        yield Monitors(name)
    finally:
        server.terminate()
        server.wait(timeout=10)


@contextlib.contextmanager
def held(name: str) -> Iterator[None]:
    """Nobody else is served by this X server meanwhile."""
    connection = xcffib.connect(name)
    connection.core.GrabServer()
    connection.core.GetInputFocus().reply()
    try:
        yield
    finally:
        connection.disconnect()


def need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        skip(", ".join(missing))


def skip(what: str) -> None:
    if os.environ.get("HUD_REQUIRE_X11"):
        pytest.fail(f"not installed: {what}")
    pytest.skip(f"not installed: {what}")


def free_name() -> str:
    start = 200 + os.getpid() % 500
    number = next(n for n in range(start, start + 200) if not is_taken(f":{n}"))
    return f":{number}"


def is_taken(name: str) -> bool:
    """Whether a server has that name, and has not only left it behind when it was killed."""
    door, lock = traces(name)
    with contextlib.suppress(FileNotFoundError, ValueError):
        if psutil.pid_exists(int(lock.read_text())):
            return True
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(door)) == 0


def forget(name: str) -> None:
    """Remove what a server that was killed leaves behind."""
    for trace in traces(name):
        trace.unlink(missing_ok=True)


def traces(name: str) -> tuple[pathlib.Path, pathlib.Path]:
    """The socket and the lock of a server."""
    number = name.removeprefix(":")
    return pathlib.Path(f"/tmp/.X11-unix/X{number}"), pathlib.Path(f"/tmp/.X{number}-lock")


def wait_for(name: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            xcffib.connect(name).disconnect()
        except xcffib.ConnectionException:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
