"""Which processes are ours: those that we started, and those that we were started by."""

from __future__ import annotations

import os
import pathlib

PROC = pathlib.Path("/proc")
DEEPEST = 64


def parent(pid: int) -> int:
    """The process that started another one, 0 where that cannot be known."""
    try:
        status = (PROC / str(pid) / "stat").read_text()
        # The name stands in parentheses and may hold anything, parentheses too.
        return int(status.rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def ancestors(pid: int) -> list[int]:
    """The process that started it, the one that started that one, and so on."""
    found: list[int] = []
    while (pid := parent(pid)) > 1 and len(found) < DEEPEST:
        found.append(pid)
    return found


def is_ours(pid: int) -> bool:
    """Whether it is this process, or was started by it."""
    return pid == os.getpid() or os.getpid() in ancestors(pid)


def names(pid: int) -> tuple[str, ...]:
    """What a process is called: by the kernel, by its file, by its first argument."""
    folder = PROC / str(pid)
    found: list[str] = []
    try:
        found.append((folder / "comm").read_text().strip())
        first = (folder / "cmdline").read_bytes().partition(b"\0")[0]
        found.append(pathlib.PurePath(os.fsdecode(first)).name)
        found.append((folder / "exe").readlink().name)
    except OSError:
        pass
    return tuple(dict.fromkeys(filter(None, found)))
