"""System V shared memory, which MIT-SHM takes by number; Python itself has only the POSIX kind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from hud.items import Pixels

IPC_PRIVATE, IPC_CREAT, IPC_RMID = 0, 0o1000, 0
MADV_REMOVE = 9
FOR_US_ALONE = 0o600
FAILED = ctypes.c_void_p(-1).value


def _c_library() -> Any:  # noqa: ANN401 - foreign functions
    library = ctypes.CDLL(None, use_errno=True)
    library.shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
    library.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
    library.shmat.restype = ctypes.c_void_p
    library.shmdt.argtypes = (ctypes.c_void_p,)
    library.shmctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
    library.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return library


class Segment:
    """Memory that is detached when the last array that shows any of it is gone."""

    def __init__(self, number: int, size: int, library: Any) -> None:  # noqa: ANN401 - as above
        self.id = number
        address = library.shmat(number, None, 0)
        if address == FAILED:
            raise OSError(ctypes.get_errno(), "shmat")
        memory: Any = (ctypes.c_uint8 * size).from_address(address)
        # Not at the end of the program: a thread that was let go may still be reading there.
        weakref.finalize(memory, library.shmdt, address).atexit = False
        self._library, self._address, self._size = library, address, size
        self._bytes: npt.NDArray[np.uint8] = np.frombuffer(memory, np.uint8)

    def release(self, offset: int) -> None:
        """Give what lies behind `offset`, whole pages, back to the system until it is used again.

        It reads as zeros then. A system that cannot do that keeps it.
        """
        if offset < self._size:
            self._library.madvise(self._address + offset, self._size - offset, MADV_REMOVE)

    def pixels(self, offset: int, height: int, width: int) -> Pixels:
        """Part of the memory as a picture, not copied."""
        return self._bytes[offset : offset + 4 * height * width].reshape(height, width, 4)


@contextlib.contextmanager
def new_segment(size: int) -> Iterator[Segment]:
    """Memory that another program may attach by its number until the context ends.

    Raises:
        OSError: the system gives none.
    """
    library = _c_library()
    number = library.shmget(IPC_PRIVATE, size, IPC_CREAT | FOR_US_ALONE)
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        yield Segment(number, size, library)
    finally:
        # Marked for removal: it lasts as long as somebody is attached, and survives no crash.
        library.shmctl(number, IPC_RMID, None)
