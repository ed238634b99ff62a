from __future__ import annotations

import tracemalloc

import attrs
import cv2
import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hud.items import Cause, Change, Rect
from hud.realtime import caption
from stages.encode.jpeg import Jpeg, encode, shoot
from stages.encode.plan import plan
from stages.encode.standing import Standing, outdated
from tests import fakes

PIXELS = np.random.default_rng(3).integers(0, 256, (720, 1280, 4), np.uint8)
PIXELS = cv2.blur(PIXELS, (9, 9))
WHOLE = Rect(0, 0, 1280, 720)


def change(*regions, cause=Cause.CONTENT):
    return Change(fakes.frame(pixels=PIXELS), regions, cause, "test")


def test_a_close_up_shows_its_place_in_its_own_pixels():
    rect = Rect(100, 200, 300, 120)
    picture = cv2.imdecode(np.frombuffer(encode(fakes.frame(pixels=PIXELS), rect, 95), np.uint8), 1)
    assert picture.shape == (120, 300, 3)
    assert np.abs(picture.astype(int) - PIXELS[200:320, 100:400, :3]).mean() < 3


def test_the_first_frame_is_shown_whole():
    assert plan(change(WHOLE, cause=Cause.FIRST), 24, 4) == (WHOLE,)


def test_a_region_gets_surroundings():
    assert plan(change(Rect(100, 100, 40, 20)), 24, 4) == (Rect(76, 76, 88, 68),)


def test_a_change_of_most_of_the_screen_is_shown_whole():
    assert plan(change(Rect(0, 0, 1280, 400)), 24, 4) == (WHOLE,)


RECTS = st.builds(
    Rect, st.integers(0, 1200), st.integers(0, 700), st.integers(1, 80), st.integers(1, 20)
)


@given(st.lists(RECTS, min_size=1, max_size=30), st.integers(1, 6))
def test_every_region_is_shown_and_the_pictures_are_few(regions, most):
    rects = plan(change(*regions), 10, most)
    assert 1 <= len(rects) <= most
    for region in regions:
        assert any(rect.union(region) == rect for rect in rects)
    assert all(rect.right <= 1280 and rect.bottom <= 720 for rect in rects)


@given(st.lists(RECTS, min_size=2, max_size=12))
def test_pictures_do_not_overlap(regions):
    rects = plan(change(*regions), 4, 16)
    assert sum(rect.area for rect in rects) <= WHOLE.area
    pairs = [(a, b) for a in rects for b in rects if a is not b]
    assert not any(one.intersects(other) for one, other in pairs)


def test_the_caption_says_where_each_picture_lies():
    rects = plan(change(Rect(10, 600, 40, 20), Rect(900, 20, 40, 20)), 24, 4)
    shot = shoot(change(*rects), rects, 85)
    assert [place.rect for place in caption.read(shot.caption)] == list(rects)
    assert [picture.rect for picture in shot.pictures] == list(rects)


@pytest.mark.parametrize("region", [Rect(0, 0, 40, 20), WHOLE])
async def test_the_stage_encodes_small_and_large(region):
    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(9)
    await before.send(attrs.evolve(change(region)))
    before.close()
    with outbox:
        await Jpeg().run(inbox, outbox)
    shot = await after.receive()
    assert shot.seq == 1
    assert shot.pictures[0].jpeg.startswith(b"\xff\xd8")


def test_a_standing_picture_is_renewed_where_the_screen_scrolled():
    """Only the last line is news, but everything above it moved."""
    standing = Standing()
    assert standing.renew(fakes.frame(pixels=PIXELS), (Rect(0, 0, 9, 9),)) == (WHOLE,)
    scrolled = PIXELS.copy()
    scrolled[100:400, 100:500] = PIXELS[120:420, 100:500]
    (shown,) = standing.renew(fakes.frame(pixels=scrolled), (Rect(110, 380, 100, 20),))
    assert shown.union(Rect(100, 100, 400, 300)) == shown
    far = scrolled.copy()
    far[700:, 1200:] = 0
    line = Rect(110, 380, 100, 20)
    assert standing.renew(fakes.frame(pixels=far), (line,)) == (line,)


def test_what_is_outdated_is_found_to_a_tile():
    after = PIXELS.copy()
    after[40:44, 70:74] ^= 255
    after[719, 1279] ^= 255
    assert outdated(PIXELS, after) == [Rect(64, 32, 16, 16), Rect(1264, 704, 16, 16)]


def test_a_close_up_of_a_4k_frame_copies_nothing_but_its_jpeg():
    pixels = np.zeros((2160, 3840, 4), np.uint8)
    pixels.flags.writeable = False
    small = fakes.change(1, Rect(1000, 900, 600, 20))
    small = attrs.evolve(small, frame=fakes.frame(pixels=pixels))
    rects = plan(small, 24, 4)
    shoot(small, rects, 85)
    tracemalloc.start()
    try:
        shot = shoot(small, rects, 85)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rects[0].area * 4 > 100_000
    assert peak < 4 * len(shot.pictures[0].jpeg) + 20_000
