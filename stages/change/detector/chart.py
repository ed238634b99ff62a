"""Curves that move on sideways, as in the window of a system monitor."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from hud.pixels import Words, channels, middle
from stages.change.detector.dirty import Mask
from stages.change.detector.shapes import differ

STEP = 40
"""Pixels by which a curve moves on at a time, at most."""
FAINT = 24
"""Levels by which a curve is told from its ground."""
THIN = 0.3
"""Share of its picture that curves cover at most: writing on a film covers more."""
EXPLAINED, STOOD = 0.9, 0.6
"""Share of the changed pixels of a curve that stood beside where they are now, and the most that
stood there already: of digits that change in their places it is as many."""
LARGE = 2**18
"""Pixels of the largest chart that is looked at, in about 3 ms."""


def moves_on(before: Words, after: Words) -> bool:
    """Whether what is drawn here was drawn beside it, give or take a pixel: edges are smoothed."""
    if after.size > LARGE:
        return False
    changed = differ(before, after, FAINT)
    old, new = _ink(before), _ink(after)
    wanted = new & changed
    count = np.count_nonzero(wanted)
    if not count or np.count_nonzero(new) > THIN * new.size:
        return False
    near = cv2.dilate(old.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
    if np.count_nonzero(wanted & near) > STOOD * count:
        return False
    width = old.shape[1]
    steps = range(1, min(STEP, width // 4) + 1)
    to_the_left = (wanted[:, : width - step] & near[:, step:] for step in steps)
    to_the_right = (wanted[:, step:] & near[:, : width - step] for step in steps)
    beside = itertools.chain(to_the_left, to_the_right)
    return any(np.count_nonzero(found) >= EXPLAINED * count for found in beside)


def _ink(patch: Words) -> Mask:
    """What stands out from the ground."""
    seen = channels(patch)[..., :3].reshape(-1, 3)
    away = np.abs(seen.astype(np.int16) - middle(seen).astype(np.int16)).max(axis=1)
    ink: Mask = (away > FAINT).reshape(patch.shape)
    return ink
