"""Small pictures of rectangles."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from hud.rect import Rect, common

SIZE = (40, 30)
RECTS = st.builds(
    Rect, st.integers(-10, 40), st.integers(-10, 30), st.integers(1, 30), st.integers(1, 30)
)


def drawn(rects) -> np.ndarray:
    picture = np.zeros(SIZE[::-1], bool)
    for rect in rects:
        part = common(rect, Rect(0, 0, *SIZE))
        if part is not None:
            picture[part.slices] = True
    return picture
