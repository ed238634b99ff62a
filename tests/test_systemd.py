"""What systemd is told, at a real datagram socket in its place; and the unit, by its own judge."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest
import trio

from hud.health import CAPTURE, STALLED, Health
from hud.systemd import PINGS, supervised

UNIT = pathlib.Path(__file__).parents[1] / "config" / "hud.service"


class Listener:
    """systemd's end."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self.socket.setblocking(False)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_exc) -> None:
        self.socket.close()

    def heard(self) -> list[str]:
        """Everything since the last call."""
        lines: list[str] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                lines += self.socket.recv(4096).decode().splitlines()
        return lines


@pytest.fixture(params=["path", "abstract"])
def address(request, tmp_path):
    return str(tmp_path / "notify") if request.param == "path" else f"@hud-test-{tmp_path.name}"


@pytest.fixture
def listener(address):
    with Listener(address) as listener:
        yield listener


async def test_it_is_told_when_ready_how_it_is_and_when_it_stops(listener, address, autojump_clock):
    health, stop = Health(clock=trio.current_time), trio.Event()
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000"}
    async with health.kept(), supervised(health, stop, environment):
        await trio.sleep(1)
        assert listener.heard() == ["WATCHDOG=1"]
        health.of(CAPTURE).works(3.0)
        await trio.sleep(0.1)
        assert listener.heard() == ["READY=1", "STATUS=watching"]
        health.of(CAPTURE).fails("the X server has ended", 3.0)
        await trio.sleep(0.1)
        (status,) = listener.heard()
        assert status.startswith("STATUS=capture lost since ")
        health.of(CAPTURE).works()
        await trio.sleep(60)
        assert listener.heard().count("WATCHDOG=1") == PINGS
        stop.set()
        await trio.sleep(0.1)
        assert "STOPPING=1" in listener.heard()


async def test_there_is_no_sign_of_life_while_somebody_is_stuck(listener, address, autojump_clock):
    health = Health(clock=trio.current_time)
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "6000000"}
    async with health.kept(), supervised(health, trio.Event(), environment):
        health.of(CAPTURE).works(3.0)
        await trio.sleep(STALLED + 3.1)
        assert "WATCHDOG=1" in listener.heard()
        await trio.sleep(300)
        heard = listener.heard()
        assert "WATCHDOG=1" not in heard
        assert heard[0].startswith("STATUS=capture stalled since ")
        health.of(CAPTURE).works(3.0)
        await trio.sleep(2)
        assert "WATCHDOG=1" in listener.heard()


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:3"}, {"NOTIFY_SOCKET": "/nobody/here"}],
)
async def test_who_was_not_started_by_it_tells_nobody(environment):
    async with supervised(Health(), trio.Event(), environment):
        await trio.lowlevel.checkpoint()


async def test_a_watchdog_of_another_process_gets_no_sign(listener, address, autojump_clock):
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "1"}
    async with supervised(Health(), trio.Event(), environment):
        await trio.sleep(100)
    assert listener.heard() == []


async def test_one_that_does_not_listen_holds_nobody_up(listener, address, autojump_clock):
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "600"}
    async with supervised(Health(), trio.Event(), environment):
        await trio.sleep(10)
    assert listener.heard()


def test_systemd_understands_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("not installed: systemd-analyze")
    text = UNIT.read_text()
    unit = tmp_path / "hud.service"
    unit.write_text(text.replace("%h/.local/bin/hud", sys.executable))
    verify = ["systemd-analyze", "--user", "--man=no", "--recursive-errors=no", "verify", str(unit)]
    environment = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        verify, capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    bad = tmp_path / "bad.service"
    bad.write_text(unit.read_text().replace("WatchdogSec=60", "WatchdogSec=soon"))
    done = subprocess.run(
        [*verify[:-1], str(bad)],
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert "ignoring: soon" in done.stderr, "the judge sees nothing"
