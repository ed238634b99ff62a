"""Pixels in shared memory stay readable for whoever looks, whatever happens to the memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from hud.pixels import dirty_bands, words
from stages.capture.buffers import Buffers
from stages.capture.shared_memory import new_segment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="System V shared memory")
HEIGHT, WIDTH = 700, 800
SIZE = 4 * HEIGHT * WIDTH
KEPT = 2**20


def attached() -> int:
    """Mappings of System V segments in this process."""
    with Path("/proc/self/maps").open() as maps:
        return sum("/SYSV" in line for line in maps)


def test_a_view_keeps_the_mapping_and_the_last_one_ends_it():
    before = attached()
    with new_segment(SIZE) as segment:
        picture = segment.pixels(0, HEIGHT, WIDTH)
    picture[:] = 7
    corner = words(picture)[600:, 5:10]
    del segment, picture
    gc.collect()
    assert attached() == before + 1
    assert (corner == 0x07070707).all()
    del corner
    gc.collect()
    assert attached() == before


def test_what_was_released_reads_as_zeros_and_can_be_used_again():
    with new_segment(SIZE) as segment:
        picture = segment.pixels(0, HEIGHT, WIDTH)
        picture[:] = 7
        segment.release(KEPT)
        flat = picture.reshape(-1)
        assert (flat[:KEPT] == 7).all()
        assert not flat[KEPT:].any()
        picture[:] = 9
        assert (flat == 9).all()


def test_a_picture_may_be_released_while_threads_copy_and_compare_it():
    """What a cancelled look leaves behind reads on beside the next one."""
    with new_segment(SIZE) as segment:
        picture = segment.pixels(0, HEIGHT, WIDTH)
        buffers = Buffers(np.full((HEIGHT, WIDTH, 4), 7, np.uint8))
        over = threading.Event()

        def look() -> None:
            while not over.is_set():
                buffers.differences(0, picture.copy())
                list(dirty_bands(words(picture), words(buffers.show())))

        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for level in range(60):
            picture[:] = level
            segment.release(KEPT)
        over.set()
        for thread in threads:
            thread.join()
        assert not picture.reshape(-1)[KEPT:].any()


AT_THE_END = """
import threading
from stages.capture.shared_memory import new_segment
with new_segment(1 << 22) as segment:
    picture = segment.pixels(0, 1024, 1024)

def look():
    while True:
        picture.sum()

threading.Thread(target=look, daemon=True).start()
"""


def test_a_thread_that_was_let_go_may_read_until_the_program_has_ended():
    for _ in range(3):
        done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", AT_THE_END], check=False)
        assert done.returncode == 0


def test_pictures_of_two_sizes_are_not_compared():
    """Rows beyond the smaller one are nobody's memory."""
    small, large = np.zeros((9, 9), np.uint32), np.zeros((10, 9), np.uint32)
    with pytest.raises(ValueError, match="against"):
        list(dirty_bands(large, small))
    assert not list(dirty_bands(small, large))
