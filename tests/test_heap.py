"""The C library must do as it is told; whether that keeps memory flat, the soak shows."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from hud.heap import apart

ARENAS = """
import ctypes, threading
from hud.heap import keep_heap_small
if {shared}:
    keep_heap_small()
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
def test_all_threads_keep_heap_small():
    def heaps(shared):
        script = ARENAS.replace("{shared}", str(shared))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        return done.stdout.count(b"<heap ")

    assert heaps(False) > heaps(True) == 1


PICTURES = """
import ctypes
from hud.heap import keep_heap_small
if {kept}:
    keep_heap_small()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.mallinfo2.restype = type("Info", (ctypes.Structure,), {
    "_fields_": [(name, ctypes.c_size_t) for name in "a b c pages d e f g h i".split()]
})
libc.free(libc.malloc(30 << 20))
before = libc.mallinfo2().pages
libc.malloc(8 << 20)
print(libc.mallinfo2().pages - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc 2.33 only")
def test_a_picture_has_pages_of_its_own_which_go_back():
    def pages(kept):
        script = PICTURES.replace("{kept}", str(kept))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        return int(done.stdout)

    assert (pages(False), pages(True)) == (0, 1)


HOLES = """
import ctypes
from hud.heap import give_back, keep_heap_small
keep_heap_small()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(200)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
for block in blocks[:-1]:
    libc.free(block)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

held = resident()
give_back()
print(held - resident())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc only")
def test_what_is_free_below_a_block_that_stays_is_given_back():
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, check=True)
    assert int(done.stdout) > 15_000_000


@pytest.mark.parametrize("data", [b"", b"jpeg", bytes(5000), memoryview(b"jpeg")])
def test_what_is_kept_apart_is_the_same_and_cannot_be_changed(data):
    kept = apart(data)
    assert bytes(kept) == bytes(data)
    assert len(kept) == len(data)
    assert kept.readonly
