"""How the C library keeps the memory of pictures that are done with."""

from __future__ import annotations

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Numbers of the options, from glibc's malloc.h."""
LARGE = 2**20
"""Bytes. glibc raises its own threshold to the largest block that was ever freed, up to 32 MiB;
pictures would then come from the heaps of the threads, which seldom shrink: 20 MB at 1080p."""
SPARE = 2**18


def give_back_pictures() -> None:
    """Let every large block go back to the system when it is freed; for glibc alone."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, SPARE)
