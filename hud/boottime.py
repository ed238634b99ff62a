"""A clock that nobody can set, and that goes on while the machine sleeps."""

from __future__ import annotations

import pathlib
import time

_BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id")


def boottime() -> float:
    """Seconds since the machine was started, sleep included where the system counts it."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)  # Linux has it, macOS does not
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def boot() -> str:
    """A name for this start of the machine, "" where it has none."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
