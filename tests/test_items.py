from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hud.items import Cause, Fate
from hud.rect import Rect, together
from tests import fakes

SIDE = st.integers(0, 300)
RECTS = st.builds(Rect, SIDE, SIDE, st.integers(1, 60), st.integers(1, 60))


@given(st.lists(RECTS, max_size=20), st.integers(0, 30))
def test_together_covers_everything_and_leaves_nothing_touching(rects, distance):
    united = together(rects, distance)
    for rect in rects:
        assert any(whole.union(rect) == whole for whole in united)
    for one in united:
        grown = Rect(
            one.x - distance,
            one.y - distance,
            one.width + 2 * distance,
            one.height + 2 * distance,
        )
        assert not any(grown.intersects(other) for other in united if other is not one)


@given(RECTS, st.integers(0, 50))
def test_padding_stays_inside(rect, margin):
    padded = rect.padded(margin, 400, 400)
    assert padded.union(rect) == padded
    assert padded.x >= 0
    assert padded.bottom <= 400


def test_a_newer_frame_keeps_the_damage_nobody_looked_at():
    """Otherwise a still frame that replaces a changed one would hide the change."""
    box, other = Rect(0, 0, 4, 4), Rect(9, 9, 4, 4)
    frame = fakes.frame(2)
    for older, newer, result in [
        (None, (), None),
        ((), None, None),
        ((box,), (), (box,)),
        ((box,), (other,), (box, other)),
        ((), (), ()),
    ]:
        merged = attrs.evolve(frame, damage=newer).absorb(attrs.evolve(frame, damage=older))
        assert merged.damage == result


def test_a_newer_change_keeps_the_first_cause():
    first = fakes.change(1, fakes.BOX, cause=Cause.FIRST)
    assert fakes.change(2, Rect(20, 20, 4, 4)).absorb(first).cause is Cause.FIRST


@pytest.mark.parametrize("regions", [(), (Rect(4, 4, 8, 8),)])
def test_a_monitor_of_another_size_holds_nothing_of_the_older_change(regions):
    small = attrs.evolve(fakes.change(2, *regions), frame=fakes.frame(2))
    large = np.zeros((200, 300, 4), np.uint8)
    older = attrs.evolve(fakes.change(1, Rect(250, 150, 9, 9)), frame=fakes.frame(1, pixels=large))
    merged = small.absorb(older)
    assert merged.regions == regions
    assert (merged.fate is Fate.MERGED) is (not regions)


def test_pixels_never_flood_a_message():
    assert len(repr(fakes.frame())) < 200
    assert len(repr(fakes.delta(1, "x"))) < 300


def whole(seq, pixels):
    return fakes.frame(seq, pixels=pixels)


def test_a_change_is_renewed_where_it_shows_the_same():
    before = np.full((64, 64, 4), 40, np.uint8)
    after = before.copy()
    after[40:, 40:, :3] = 200  # a film elsewhere
    after[:8, :8, :3] += 9  # the noise of compression
    change = attrs.evolve(fakes.change(1, fakes.BOX), frame=whole(1, before))
    present = attrs.evolve(fakes.change(2), frame=whole(2, after))
    renewed = change.renewed(present)
    assert renewed.frame is present.frame
    assert (renewed.regions, renewed.cause) == (change.regions, change.cause)
    after[7, 7, 0] += 30
    assert change.renewed(present) is None


def test_a_large_change_is_renewed_whatever_it_shows_by_now():
    before, after = (np.full((500, 500, 4), level, np.uint8) for level in (0, 200))
    page = Rect(0, 0, 500, 500)
    change = attrs.evolve(fakes.change(1, page), frame=whole(1, before))
    present = attrs.evolve(fakes.change(2), frame=whole(2, after))
    assert change.renewed(present).frame is present.frame


def test_a_change_of_a_screen_of_another_size_is_not_renewed():
    change = fakes.change(1, fakes.BOX)
    small = attrs.evolve(fakes.change(2), frame=whole(2, np.zeros((32, 32, 4), np.uint8)))
    assert change.renewed(small) is None
