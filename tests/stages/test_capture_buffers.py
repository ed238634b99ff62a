from __future__ import annotations

import collections
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hud.rect import Rect
from stages.capture.buffers import ENOUGH, MOST_MISSED, WORTH_COMPARING, Buffers

HEIGHT, WIDTH = 48, 64
FOUR_K = (2160, 3840, 4)
PATCH = st.tuples(st.integers(0, WIDTH - 8), st.integers(0, HEIGHT - 8), st.integers(1, 8))


def patch(x, y, size, value):
    return Rect(x, y, size, size), np.full((size, size, 4), value, np.uint8)


@given(st.lists(st.tuples(st.lists(PATCH, max_size=40), st.integers(0, 5)), max_size=40))
def test_every_state_stays_as_it_was_for_whoever_looks_at_it(steps):
    truth = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    buffers = Buffers(truth)
    seen = [(buffers.show(), truth.copy())]
    for value, (places, kept) in enumerate(steps, 1):
        patches = [patch(*place, value) for place in places]
        for rect, pixels in patches:
            truth[rect.slices] = pixels
        seen = [*seen[len(seen) - min(kept, len(seen)) :], (buffers.take(patches), truth.copy())]
        for picture, was in seen:
            assert np.array_equal(picture, was)


def test_a_frame_cannot_be_drawn_into():
    picture = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8)).show()
    with pytest.raises(ValueError, match="read-only"):
        picture[0, 0] = 1


def test_a_slice_of_a_frame_keeps_it_as_it_is():
    buffers = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    corner = buffers.show()[:4, :4][1:]
    buffers.take([patch(0, 0, 8, 9)])
    assert not corner.any()


def test_what_nobody_looks_at_is_drawn_into_at_once():
    buffers = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    for value in range(9):
        buffers.take([patch(value, 0, 8, value)])
    assert buffers.size == HEIGHT * WIDTH * 4


@pytest.mark.parametrize("in_flight", [1, 2, 4])
def test_a_small_change_at_4k_allocates_and_copies_nothing_large(in_flight):
    buffers = Buffers(np.zeros(FOUR_K, np.uint8))
    frames = collections.deque([buffers.show()], maxlen=in_flight)
    lines = [np.full((20, 400, 4), value, np.uint8) for value in range(50)]

    def change(number):
        place = Rect(random.randrange(3400), random.randrange(2100), 400, 20)
        frames.append(buffers.take([(place, lines[number % 50])]))

    for number in range(20):
        change(number)
    size = buffers.size
    # One for each frame in flight, and the one that is drawn into.
    assert size == (in_flight + 1) * np.prod(FOUR_K)
    tracemalloc.start()
    try:
        for number in range(500):
            change(number)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert buffers.size == size
    assert peak < 100_000


def test_what_a_busy_time_needed_is_given_back():
    buffers = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    frames = [buffers.show()]
    assert buffers.behind([]) == HEIGHT * WIDTH  # another one must be made
    frames += [buffers.take([patch(value, 0, 8, value)]) for value in range(5)]
    assert buffers.size == 6 * frames[0].nbytes
    last = frames[-1]
    del frames
    buffers.trim()
    assert buffers.size == 2 * last.nbytes
    assert buffers.behind([]) == 5 * 64
    assert buffers.behind([Rect(0, 0, WIDTH, 16)]) == 0  # what comes anew need not be caught up
    assert np.array_equal(buffers.take([patch(0, 0, 1, 0)])[:, 1:], last[:, 1:])


def test_the_next_state_has_a_place_before_it_comes():
    buffers = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    looked_at = buffers.show()
    assert buffers.behind([]) == HEIGHT * WIDTH
    buffers.prepare()
    assert buffers.behind([]) == 0
    size = buffers.size
    buffers.prepare()
    buffers.trim()
    assert buffers.size == size == 2 * looked_at.nbytes


def test_a_busy_time_takes_turns_with_few_pictures():
    buffers = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    frames = [buffers.show()]
    while not buffers.crowded:
        frames.append(buffers.take([patch(0, 0, 8, len(frames))]))
    assert len(frames) == ENOUGH
    for value in range(20):
        del frames[0]
        assert not buffers.crowded
        frames.append(buffers.take([patch(0, 0, 8, value)]))
        assert buffers.size == ENOUGH * frames[0].nbytes  # none is let go only to be made again


def test_a_buffer_that_missed_much_catches_up_in_few_pieces():
    truth = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    buffers = Buffers(truth)
    first = buffers.show()
    held = buffers.take([patch(0, 0, 1, 1)])
    truth[0, 0] = 1
    del first
    for step in range(3 * MOST_MISSED):
        place = patch(step % WIDTH, step % HEIGHT, 1, step % 200 + 2)
        truth[place[0].slices] = place[1]
        kept, held = held, buffers.take([place])
    assert np.array_equal(held, truth)
    assert kept is not held


def test_the_same_drawn_again_is_no_news():
    buffers = Buffers(np.zeros((1000, 1000, 4), np.uint8))
    same, other = patch(0, 0, 8, 0), patch(20, 0, 8, 1)
    assert [rect for rect, _ in buffers.news([same, other])] == [other[0]]
    large = Rect(0, 0, 1000, WORTH_COMPARING // 1000 + 1)
    assert buffers.news([(large, np.zeros((large.height, 1000, 4), np.uint8))])


def test_a_look_at_everything_finds_the_rows_that_differ():
    buffers = Buffers(np.zeros((100, 64, 4), np.uint8))
    whole = np.zeros((100, 64, 4), np.uint8)
    assert buffers.differences(0, whole) == []
    whole[40, 3] = whole[99, 63] = 5
    rects = [rect for rect, _ in buffers.differences(0, whole)]
    assert rects == [Rect(0, 32, 64, 32), Rect(0, 96, 64, 4)]
    assert [rect for rect, _ in buffers.differences(64, whole[64:])] == rects[1:]
    for first in (0, 50):
        shown = buffers.take(buffers.differences(first, whole[first : first + 50]))
    assert np.array_equal(shown, whole)


def test_free_buffers_do_not_pile_up():
    buffers = Buffers(np.zeros((HEIGHT, WIDTH, 4), np.uint8))
    held = [buffers.take([patch(0, 0, 8, level)]) for level in range(1, 7)]
    one = HEIGHT * WIDTH * 4
    assert buffers.size >= len(held) * one
    held.clear()
    buffers.take([patch(0, 0, 8, 9)])
    assert buffers.size <= ENOUGH * one
    buffers.trim()
    assert buffers.size <= 2 * one
