from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.rect import Rect, joined, without
from tests.painting import RECTS, drawn


@settings(deadline=None, max_examples=100)
@given(RECTS, st.lists(RECTS, max_size=5))
def test_what_is_left_of_a_rectangle_is_exact_and_does_not_overlap(rect, holes):
    left = without([rect], holes)
    assert np.array_equal(drawn(left), drawn([rect]) & ~drawn(holes))
    assert all(not a.intersects(b) for i, a in enumerate(left) for b in left[:i])


def test_pieces_that_stand_one_below_the_other_are_one():
    column = [Rect(5, 10, 2, 10), Rect(5, 20, 2, 5), Rect(5, 22, 2, 8)]
    apart = [Rect(5, 40, 2, 5), Rect(6, 30, 2, 5), Rect(5, 30, 3, 5)]
    assert set(joined(column + apart)) == {Rect(5, 10, 2, 20), *apart}
    assert joined([]) == []


@settings(deadline=None, max_examples=100)
@given(st.lists(st.builds(Rect, st.integers(0, 3), st.integers(0, 30), st.just(3), st.just(4))))
def test_joined_pieces_are_the_same_places(pieces):
    assert np.array_equal(drawn(joined(pieces)), drawn(pieces))
    assert len(joined(pieces)) <= len(pieces)
