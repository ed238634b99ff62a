from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.rect import without
from tests.painting import RECTS, drawn


@settings(deadline=None, max_examples=100)
@given(RECTS, st.lists(RECTS, max_size=5))
def test_what_is_left_of_a_rectangle_is_exact_and_does_not_overlap(rect, holes):
    left = without([rect], holes)
    assert np.array_equal(drawn(left), drawn([rect]) & ~drawn(holes))
    assert all(not a.intersects(b) for i, a in enumerate(left) for b in left[:i])
