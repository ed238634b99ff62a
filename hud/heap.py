"""Keeps resident memory flat, where the C library lets us say so."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable

ARENA_MAX, MMAP_THRESHOLD, TRIM_THRESHOLD = -8, -3, -1
"""Numbers of mallopt(3)'s options, from glibc's malloc.h."""
LARGE = 2**20
"""Bytes from which on a block has pages of its own, which go back when it is freed."""
SPARE = 2**21
"""Bytes that the heap may keep at its end: what a look at a film needs and lets go, each time."""


def keep_heap_small() -> None:
    """Let glibc keep one heap, without pictures in it; call it before there are threads.

    Pictures are made in one worker thread and let go in another, each time other ones. With a heap
    for every few threads (up to eight a core) each keeps the holes that the largest pictures left
    behind: resident memory climbs for as long as the program runs, by a fifth within minutes. And
    glibc raises its own threshold for large blocks to the largest that was ever freed, up to
    32 MiB, so that pictures would come from the heap after all, which shrinks at its end only.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)
        mallopt(MMAP_THRESHOLD, LARGE)
        mallopt(TRIM_THRESHOLD, SPARE)


def give_back() -> None:
    """Return the pages that are free in the midst of the heap, where the C library can."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """One of its functions; None where another C library runs, which has none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def apart(data: bytes | memoryview) -> memoryview:
    """The same bytes in pages of their own, which go back when nobody holds them any more.

    For what is kept long: between blocks that come and go it would leave holes that grow.
    """
    pages = mmap.mmap(-1, max(1, len(data)))
    with memoryview(pages) as view:
        view[: len(data)] = memoryview(data).cast("B")
    return memoryview(pages)[: len(data)].toreadonly()
