"""The processes of a benchmark: a virtual screen, and what processes use."""

from __future__ import annotations

import contextlib
import os
import pathlib
import platform
import shutil
import subprocess
import time
from collections.abc import AsyncIterator

import attrs
import trio

from hud.errors import PipelineError, UsageError

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_PATIENCE = 10.0


@attrs.frozen
class VirtualScreen:
    """An X server without a monitor."""

    display: str
    pid: int


def need_virtual_screen() -> None:
    """Check that there can be one.

    Raises:
        UsageError: what to install.
    """
    if not platform.system() == "Linux":
        raise UsageError("hud bench draws on a virtual X screen, which there is on Linux only")
    if shutil.which("Xvfb") is None:
        raise UsageError("hud bench draws on a virtual X screen: install Xvfb (apt install xvfb)")


@contextlib.asynccontextmanager
async def virtual_screen(width: int, height: int) -> AsyncIterator[VirtualScreen]:
    """Start Xvfb on a free display; it ends with the context.

    Raises:
        PipelineError: it does not start.
    """
    reading, writing = os.pipe()
    size = ["-screen", "0", f"{width}x{height}x24"]
    command = ["Xvfb", "-displayfd", str(writing), *size, "-nolisten", "tcp", "-noreset"]
    silent = subprocess.DEVNULL
    server = await trio.lowlevel.open_process(
        command, pass_fds=[writing], stdout=silent, stderr=silent
    )
    os.close(writing)
    try:
        async with trio.lowlevel.FdStream(reading) as said:
            name = b""
            with trio.move_on_after(_PATIENCE):
                while not name.endswith(b"\n") and (more := await said.receive_some(16)):
                    name += more
        if not name.endswith(b"\n"):
            raise PipelineError("Xvfb does not start")
        yield VirtualScreen(f":{name.decode().strip()}", server.pid)
    finally:
        await end(server)


async def end(process: trio.Process) -> None:
    """Ask a process to end, and make sure that it does."""
    process.terminate()
    with trio.move_on_after(_PATIENCE, shield=True):
        await process.wait()
    process.kill()


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, to the nanosecond, its threads included.

    0 if it has ended. The clock's number is that of clock_getcpuclockid (glibc).
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def memory(pid: int) -> tuple[float, float]:
    """MB that are resident, and that were at most; 0 if it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0, 0.0
    found = dict(line.partition(":")[::2] for line in status.splitlines())
    now, peak = (int(found[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return now, peak


def machine() -> dict[str, str]:
    """What the figures depend on."""
    names = pathlib.Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "cpu": next(models, platform.machine()),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }
