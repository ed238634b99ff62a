"""Curves that move on sideways, as in the window of a system monitor."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hud.pixels import Words, channels, middle
from stages.change.detector.shapes import stronger

if TYPE_CHECKING:
    from cv2.typing import MatLike

STEP = 40
"""Pixels by which a curve moves on at a time, at most."""
FAINT = 24
"""Levels by which a curve is told from its ground."""
THIN = 0.3
"""Share of its picture that curves cover at most: writing on a film covers more."""
EXPLAINED, STOOD = 0.9, 0.6
"""Share of the changed pixels of a curve that stood beside where they are now, and the most that
stood there already: of digits that change in their places it is as many."""
LARGE = 2**17
"""Pixels of the largest chart that is looked at, in about 3 ms."""


def moves_on(before: Words, after: Words) -> bool:
    """Whether what is drawn here was drawn beside it, give or take a pixel: edges are smoothed."""
    if after.size > LARGE:
        return False
    new = _ink(after)
    wanted = cv2.bitwise_and(new, stronger(before, after, FAINT).view(np.uint8))
    count = cv2.countNonZero(wanted)
    if not count or cv2.countNonZero(new) > THIN * new.size:
        return False
    near = cv2.dilate(_ink(before), np.ones((3, 3), np.uint8))
    if cv2.countNonZero(cv2.bitwise_and(wanted, near)) > STOOD * count:
        return False
    width = near.shape[1]
    steps = range(1, min(STEP, width // 4) + 1)
    to_the_left = ((wanted[:, : width - step], near[:, step:]) for step in steps)
    to_the_right = ((wanted[:, step:], near[:, : width - step]) for step in steps)
    beside = itertools.chain(to_the_left, to_the_right)
    return any(cv2.countNonZero(cv2.bitwise_and(*two)) >= EXPLAINED * count for two in beside)


def _ink(patch: Words) -> MatLike:
    """What stands out from the ground: 1, all else 0."""
    seen = channels(patch)[..., :3]
    ground = middle(seen.reshape(-1, 3)[::7]).astype(float)
    plain = cv2.inRange(seen, ground - FAINT, ground + FAINT)
    return cv2.threshold(plain, 127, 1, cv2.THRESH_BINARY_INV)[1]
