"""Keeps resident memory flat: one heap for all threads, where the C library lets us say so."""

from __future__ import annotations

import contextlib
import ctypes
import sys

_M_ARENA_MAX = -8
"""mallopt(3), glibc only."""


def share_one_heap() -> None:
    """Let glibc keep one heap instead of up to eight a core; call it before there are threads.

    Pictures are made in one worker thread and let go in another, each time other ones. With a heap
    for every few threads each keeps the holes that the largest pictures left behind: resident
    memory climbs for as long as the program runs, by a fifth within minutes.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
