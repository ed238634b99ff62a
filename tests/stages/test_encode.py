from __future__ import annotations

import tracemalloc
import weakref

import attrs
import cv2
import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hud import collage
from hud.errors import LocalModelError
from hud.items import Cause, Change, View
from hud.local.reader import Line
from hud.realtime import caption
from hud.realtime.budget import Step
from hud.realtime.tokens import image_tokens, seen_size
from hud.rect import Rect
from stages.encode import draw, words
from stages.encode.jpeg import PATIENCE, Jpeg, shoot
from stages.encode.plan import in_context, native, plan, scale, tokens, with_overview
from stages.encode.standing import Standing, outdated
from stages.encode.surroundings import PAUSE, Surroundings
from tests import fakes

PIXELS = np.random.default_rng(3).integers(0, 256, (720, 1280, 4), np.uint8)
PIXELS = cv2.blur(PIXELS, (9, 9))
WHOLE = Rect(0, 0, 1280, 720)
LOW = 362


def change(*regions, cause=Cause.CONTENT, pixels=PIXELS, time=0.0):
    return Change(fakes.frame(pixels=pixels, time=time), regions, cause, "test")


def planned(*regions, whole=WHOLE, most=4, low=LOW):
    return plan(regions, whole, 24, most, low)


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1)


async def shots(stage, *changes):
    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(9)
    for each in changes:
        await before.send(each)
    before.close()
    with outbox:
        await stage.run(inbox, outbox)
    return [shot async for shot in after]


# What is drawn


def test_a_close_up_shows_its_place_in_its_own_pixels():
    rect = Rect(100, 200, 300, 120)
    picture = decoded(draw.encode(fakes.frame(pixels=PIXELS), View((rect,), (300, 120)), 95))
    assert picture.shape == (120, 300, 3)
    assert np.abs(picture.astype(int) - PIXELS[200:320, 100:400, :3]).mean() < 3


def test_parts_stand_one_below_the_other_at_the_view_s_size():
    rects = Rect(100, 200, 300, 120), Rect(0, 0, 200, 80)
    width, height = collage.size(rects)
    assert (width, height) == (300, 208)
    view = View(rects, (2 * width, 2 * height))
    picture = decoded(draw.encode(fakes.frame(pixels=PIXELS), view, 95))
    assert picture.shape == (416, 600, 3)
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(int)
    for rect, place in zip(rects, collage.places(rects), strict=True):
        assert np.abs(small[place.slices] - PIXELS[rect.slices][..., :3]).mean() < 4


def test_a_picture_that_shrinks_has_the_size_that_is_seen():
    size = seen_size(1280, 720)
    picture = decoded(draw.encode(fakes.frame(pixels=PIXELS), View((WHOLE,), size), 85))
    assert picture.shape == (512, 910, 3)
    assert seen_size(910, 512) == (910, 512)


# What is planned

SCREENS = st.builds(Rect, st.just(0), st.just(0), st.integers(64, 4000), st.integers(64, 2200))


@st.composite
def screens_and_regions(draw_, most=12, share=1):
    whole = draw_(SCREENS)
    regions = []
    for _ in range(draw_(st.integers(1, most))):
        width = draw_(st.integers(1, max(1, int(whole.width * share))))
        height = draw_(st.integers(1, max(1, int(whole.height * share))))
        x = draw_(st.integers(0, whole.width - width))
        y = draw_(st.integers(0, whole.height - height))
        regions.append(Rect(x, y, width, height))
    return whole, regions


@given(screens_and_regions(), st.integers(0, 200), st.integers(1, 6), st.integers(0, 512))
def test_every_region_is_shown_as_sent_for_no_more_than_the_screen(case, margin, most, low):
    whole, regions = case
    views = plan(regions, whole, margin, most, low)
    assert 1 <= len(views) <= most
    shown = [rect for view in views for rect in view.rects]
    assert all(any(rect.union(region) == rect for rect in shown) for region in regions)
    assert all(rect.union(whole) == whole for rect in shown)
    limit = 65 if max(whole.width, whole.height) <= low else image_tokens(*whole_size(whole))
    assert tokens(views) <= limit
    for view in views:
        assert seen_size(*view.size, view.detail) == view.size  # the service scales nothing


def whole_size(whole):
    return whole.width, whole.height


@given(screens_and_regions(most=3, share=0.08))
def test_what_fits_a_tile_stands_in_the_picture_pixel_by_pixel(case):
    whole, regions = case
    tight = [in_context(rect.padded(8, whole.width, whole.height), whole) for rect in regions]
    around = tight[0]
    for rect in tight:
        around = around.union(rect)
    views = plan(regions, whole, 24, 4, LOW)
    if min(whole_size(whole)) > 512 and max(around.width, around.height) <= 512:
        assert all(scale(view) == 1 for view in views)
        assert tokens(views) <= 194


@given(st.integers(0, 280), st.integers(0, 230), st.booleans())
def test_what_fits_two_tiles_stands_in_the_picture_pixel_by_pixel(x, y, upright):
    views = planned(Rect(x, y, 480, 490) if upright else Rect(x, y, 980, 480))
    assert all(scale(view) == 1 for view in views)
    assert tokens(views) <= 323


def test_the_first_frame_is_shown_whole_as_large_as_it_is_seen():
    assert planned(WHOLE) == (View((WHOLE,), (910, 512)),)


def test_a_small_region_is_cheap_and_keeps_its_surroundings():
    (view,) = planned(Rect(600, 300, 40, 20))
    assert view.rects == (Rect(492, 276, 256, 68),)
    assert (view.size, view.detail) == ((512, 136), "low")


def test_low_detail_can_be_ruled_out():
    (view,) = planned(Rect(600, 300, 40, 20), low=0)
    assert (view.size, view.detail) == ((256, 68), "high")


def test_margins_give_way_before_a_second_tile_is_paid():
    (view,) = planned(Rect(300, 300, 490, 30))
    assert tokens([view]) == 194
    assert view.rects[0].width == 506


def test_regions_far_apart_share_a_picture():
    regions = Rect(10, 10, 300, 20), Rect(900, 300, 300, 20), Rect(100, 650, 300, 20)
    (view,) = planned(*regions)
    assert len(view.rects) == 3
    assert tokens([view]) == 65
    assert tokens(planned(*regions, low=0)) == 194


def test_a_large_region_is_shown_larger_than_the_screen_would_show_it():
    (view,) = planned(Rect(500, 300, 1400, 700), whole=Rect(0, 0, 3840, 2160))
    assert 0.6 < scale(view) < 1
    assert tokens([view]) <= 323


def test_a_free_model_is_shown_regions_as_they_are():
    assert native(change(WHOLE, cause=Cause.FIRST), 24, 4) == (WHOLE,)
    assert native(change(Rect(100, 100, 40, 20)), 24, 4) == (Rect(76, 76, 88, 68),)
    assert native(change(Rect(0, 0, 1280, 400)), 24, 4) == (WHOLE,)


RECTS = st.builds(
    Rect, st.integers(0, 1200), st.integers(0, 700), st.integers(1, 80), st.integers(1, 20)
)


@given(st.lists(RECTS, min_size=1, max_size=30), st.integers(1, 6))
def test_native_pictures_are_few_and_do_not_overlap(regions, most):
    rects = native(change(*regions), 10, most)
    assert 1 <= len(rects) <= most
    for region in regions:
        assert any(rect.union(region) == rect for rect in rects)
    assert all(rect.right <= 1280 and rect.bottom <= 720 for rect in rects)
    pairs = [(a, b) for a in rects for b in rects if a is not b]
    assert not any(one.intersects(other) for one, other in pairs)


# The whole screen around it


def test_surroundings_are_missing_for_a_new_window_and_after_a_pause():
    seen = Surroundings()
    window, inside = Rect(300, 200, 500, 400), Rect(310, 220, 480, 370)
    assert not seen.are_missing(change(WHOLE, cause=Cause.FIRST))
    assert not seen.are_missing(change(Rect(5, 5, 40, 20), time=1))
    assert seen.are_missing(change(window, time=2))
    assert not seen.are_missing(change(inside, time=3))
    assert seen.are_missing(change(Rect(700, 0, 500, 400), time=4))
    assert not seen.are_missing(change(Rect(5, 5, 40, 20), time=4 + PAUSE))
    assert seen.are_missing(change(Rect(5, 5, 40, 20), time=5 + 2 * PAUSE))


def test_the_overview_costs_65_and_never_more_than_the_screen():
    small = planned(Rect(600, 300, 40, 20))
    assert tokens(with_overview(small, WHOLE, LOW)) == 130
    assert with_overview(small, WHOLE, LOW)[-1] == View((WHOLE,), (512, 288), "low")
    large = planned(Rect(300, 200, 700, 400))
    assert with_overview(large, WHOLE, LOW) == large
    whole = planned(WHOLE)
    assert with_overview(whole, WHOLE, LOW) == whole


# The words instead


def line(text, x, y, width, confidence=0.99):
    return Line(text, Rect(x, y, width, 14), confidence)


def page(*drawn):
    """White, with black bars where there is text."""
    pixels = np.full((720, 1280, 4), 255, np.uint8)
    for rect in drawn:
        pixels[rect.slices] = 0
    return pixels


REGION = Rect(600, 300, 100, 24)
"""Its label stands 200 columns to the left; it is read from x=280, y=260 on."""

ICON = Rect(678, 303, 18, 18)


def told(*lines, pixels=None, sure=True):
    one = change(REGION, pixels=page() if pixels is None else pixels)
    (strip,) = words.strips(one)
    (placed,) = words.placed([strip], [lines])
    return words.told(one, [(strip, placed)], only_if_sure=sure)


def test_the_words_of_a_region_are_told_with_their_label():
    (found,) = told(line("12 failed", 330, 45, 80), line("Checks", 100, 45, 60))
    assert (found.lines, found.near) == (("12 failed",), ("Checks",))


def test_words_that_the_edge_has_cut_are_left_out():
    (found,) = told(line("ailed builds today: 12", 0, 45, 400))
    assert found.lines == ("builds today: 12",)


@pytest.mark.parametrize(
    ("lines", "pixels"),
    [
        ([], None),
        ([line("12 failed", 330, 45, 80, confidence=0.8)], None),
        ([line("12 failed", 330, 45, 60)], page(ICON)),
        ([line("elsewhere", 20, 45, 80)], None),
    ],
    ids=["unread", "unsure", "an icon beside", "another place"],
)
def test_what_is_not_surely_nothing_but_text_is_shown(lines, pixels):
    assert told(*lines, pixels=pixels) == ()


def test_an_icon_does_not_keep_words_from_being_told_where_they_are_asked_for():
    assert told(line("12 failed", 330, 45, 60), pixels=page(ICON), sure=False)


def test_a_first_frame_and_a_large_change_are_not_read():
    assert words.strips(change(WHOLE, cause=Cause.FIRST)) == ()
    assert words.strips(change(Rect(0, 0, 900, 400))) == ()


@attrs.frozen
class Recogniser:
    lines: tuple[Line, ...] = ()
    work: float = 0.3
    error: Exception | None = None

    async def read(self, pictures):
        await trio.sleep(self.work)
        if self.error is not None:
            raise self.error
        return [self.lines for _ in pictures]


SURE = (line("12 failed", 330, 45, 80),)


async def test_words_stand_in_the_caption_instead_of_a_picture(autojump_clock):
    stage = Jpeg(show="auto", reader=Recogniser(SURE))
    (shot,) = await shots(stage, change(REGION, pixels=page()))
    assert shot.pictures == ()
    assert shot.caption.splitlines()[1:] == ["text at 740x104 at x=280 y=260:", '"12 failed"']
    assert shot.shown == (Rect(280, 260, 740, 104),)
    assert caption.read(shot.caption) == ()


@pytest.mark.parametrize(
    "reader",
    [
        Recogniser(),
        Recogniser(SURE, work=PATIENCE + 0.1),
        Recogniser(SURE, error=LocalModelError("died")),
    ],
    ids=["nothing read", "late", "broken"],
)
@pytest.mark.parametrize("show", ["auto", "text"])
async def test_the_picture_is_shown_after_all(autojump_clock, reader, show):
    begin = trio.current_time()
    (shot,) = await shots(Jpeg(show=show, reader=reader), change(REGION, pixels=page()))
    assert trio.current_time() - begin <= PATIENCE
    assert len(shot.pictures) == 1
    assert shot.words == ()


async def test_pictures_alone_do_not_wait_for_a_reader(autojump_clock):
    begin = trio.current_time()
    for stage in Jpeg(reader=Recogniser(SURE)), Jpeg(show="auto", standing=True):
        (shot,) = await shots(stage, change(REGION, pixels=page()))
        assert shot.pictures
    assert trio.current_time() == begin


def test_an_estimate_reads_the_words_itself():
    sketch = Jpeg(show="auto").sketcher(lambda _png: SURE)
    assert sketch(change(REGION, pixels=page())).words
    assert Jpeg().sketcher(lambda _png: SURE)(change(REGION, pixels=page())).words == ()


# The stage


@pytest.mark.parametrize("region", [Rect(0, 0, 40, 20), WHOLE])
async def test_the_stage_encodes_small_and_large(region):
    (shot,) = await shots(Jpeg(), change(region))
    assert shot.seq == 1
    (picture,) = shot.pictures
    assert decoded(picture.jpeg).shape[1::-1] == picture.view.size


@pytest.mark.parametrize("region", [Rect(100, 100, 300, 40), WHOLE])
async def test_a_change_is_let_go_when_its_shot_is_made(region):
    before, inbox = trio.open_memory_channel(1)
    outbox, after = trio.open_memory_channel(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Jpeg().run, inbox, outbox)
        made, gone = change(region), trio.Event()
        # The thread that drew it may be the last to let go.
        weakref.finalize(made, trio.lowlevel.current_trio_token().run_sync_soon, gone.set)
        await before.send(made)
        del made
        shot = await after.receive()
        assert shot.change.regions == (region,)
        del shot
        with trio.fail_after(10):
            await gone.wait()
        before.close()


async def test_the_caption_says_what_each_picture_shows():
    regions = Rect(10, 600, 40, 20), Rect(900, 20, 40, 20), Rect(100, 100, 500, 400)
    for stage in Jpeg(), Jpeg(standing=True), Jpeg(low_detail=0):
        (shot,) = await shots(stage, change(*regions))
        places = [place.rects for place in caption.read(shot.caption)]
        assert places == [picture.view.rects for picture in shot.pictures]


async def test_an_estimate_shows_what_the_stage_shows():
    changes = (
        change(WHOLE, cause=Cause.FIRST),
        change(Rect(9, 9, 9, 9)),
        change(Rect(300, 0, 500, 300)),
    )
    sketch = Jpeg().sketcher()
    real = await shots(Jpeg(), *changes)
    assert [sketch(each).caption for each in changes] == [shot.caption for shot in real]


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
    narrow = Rect(110, 380, 100, 20)
    assert standing.renew(fakes.frame(pixels=far), (narrow,)) == (narrow,)


def test_columns_that_scrolled_together_are_renewed_together():
    """Of similar lines only the digits that differ are outdated, and one of them is news."""
    before = np.full_like(PIXELS, 255)
    columns = Rect(100, 100, 12, 200), Rect(300, 100, 40, 200)
    for column in columns:
        before[column.slices] = PIXELS[column.slices]
    scrolled = before.copy()
    for column in columns:
        scrolled[100:280, column.x : column.right] = before[120:300, column.x : column.right]
        scrolled[280:300, column.x : column.right] = PIXELS[500:520, column.x : column.right]
    news = Rect(290, 270, 60, 40)
    standing = Standing()
    standing.renew(fakes.frame(pixels=before), (news,))
    shown = standing.renew(fakes.frame(pixels=scrolled), (news,))
    assert all(any(rect.holds(column) for rect in shown) for column in columns)
    other = scrolled.copy()
    other[100:300, 100:112] = PIXELS[100:300, 600:612]  # beside it something else changed
    other[120:300, 300:340] = scrolled[100:280, 300:340]
    (shown,) = standing.renew(fakes.frame(pixels=other), (news,))
    assert shown.x > 200


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
    views = planned(*small.regions, whole=small.frame.whole)
    assert scale(views[0]) == 1
    shoot(small, views, 85)
    tracemalloc.start()
    try:
        shot = shoot(small, views, 85)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert views[0].rects[0].area * 4 > 100_000
    assert peak < 4 * len(shot.pictures[0].jpeg) + 20_000


# What the budget leaves


FAR = Rect(900, 600, 60, 20)


@pytest.mark.parametrize(
    ("step", "pictures", "most"),
    [(Step.FULL, 1, 323), (Step.SMALLER, 1, 65), (Step.WORDS, 0, 0), (Step.LOCAL, 2, 9999)],
)
async def test_each_step_of_the_budget_is_cheaper(autojump_clock, step, pictures, most):
    stage = Jpeg(reader=Recogniser(SURE), step=lambda: step)
    seen = change(REGION, time=1.0, pixels=page())
    _first, shot = await shots(stage, seen, change(REGION, FAR, time=2.0, pixels=page()))
    assert tokens([picture.view for picture in shot.pictures]) <= most
    if step is not Step.WORDS:
        assert len(shot.pictures) == pictures


async def test_a_first_frame_is_still_shown_whole_when_money_is_short(autojump_clock):
    stage = Jpeg(step=lambda: Step.WORDS)
    (shot,) = await shots(stage, change(WHOLE, cause=Cause.FIRST))
    assert shot.shown == (WHOLE,)
    assert tokens([picture.view for picture in shot.pictures]) <= 323
