from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.rect import Rect
from stages.capture.drawn import joined
from tests.painting import drawn


def test_pieces_that_stand_one_below_the_other_are_one():
    column = [(5, 2, 10, 10), (5, 2, 20, 5), (5, 2, 22, 8)]
    apart = [(5, 2, 40, 5), (6, 2, 30, 5), (5, 3, 30, 5)]
    alone = [Rect(x, y, width, height) for x, width, y, height in apart]
    assert set(joined(column + apart)) == {Rect(5, 10, 2, 20), *alone}
    assert joined([]) == []


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), st.just(3), st.integers(0, 30), st.integers(1, 5))))
def test_joined_pieces_are_the_same_places(pieces):
    places = [Rect(x, y, width, height) for x, width, y, height in pieces]
    assert np.array_equal(drawn(joined(pieces)), drawn(places))
    assert len(joined(pieces)) <= len(pieces)
