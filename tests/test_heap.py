"""The C library must do as it is told; whether that keeps memory flat, the soak shows."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

ARENAS = """
import ctypes, threading
from hud.heap import share_one_heap
if {shared}:
    share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
barrier = threading.Barrier(4)

def work():
    barrier.wait()
    libc.free(libc.malloc(50_000))
    barrier.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
libc.malloc_info(0, libc.fdopen(1, b"w"))
libc.fflush(None)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="glibc only")
def test_all_threads_share_one_heap():
    def heaps(shared):
        script = ARENAS.replace("{shared}", str(shared))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        return done.stdout.count(b"<heap ")

    assert heaps(False) > heaps(True) == 1
