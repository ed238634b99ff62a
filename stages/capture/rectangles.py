"""Few rectangles in the place of many."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hud.items import Rect, together
from hud.privacy.regions import common

NEAR = 16
"""Pixels between two rectangles that are cheaper read as one."""
MANY = 8
"""Rectangles; each costs a request of about 25 us, as much as reading 100 000 pixels more."""

Region = npt.NDArray[Any]
"""Shape (n,) with the fields x, y, width, height: sorted from the top, as an X region is."""


def merged(region: Region) -> list[Rect]:
    """Rectangles that hold all of the region; none overlap, and there are at most MANY."""
    if len(region) <= MANY:
        return list(together([Rect(*map(int, rect)) for rect in region], NEAR))
    top, left = region["y"].astype(int), region["x"].astype(int)
    bottom, right = top + region["height"], left + region["width"]
    near = NEAR
    while len(top) > MANY:
        # A row begins where everything above it has ended some distance ago.
        ended = np.maximum.accumulate(bottom)[:-1]
        rows = np.flatnonzero(np.concatenate([[True], top[1:] - ended > near]))
        top, left = np.minimum.reduceat(top, rows), np.minimum.reduceat(left, rows)
        bottom, right = np.maximum.reduceat(bottom, rows), np.maximum.reduceat(right, rows)
        near *= 2
    return [
        Rect(int(x), int(y), int(x2 - x), int(y2 - y))
        for x, y, x2, y2 in zip(left, top, right, bottom, strict=True)
    ]


def seen_from(box: Rect, rect: Rect) -> Rect | None:
    """The part of a rectangle that lies in `box`, counted from the corner of that; or None."""
    part = common(rect, box)
    return None if part is None else Rect(part.x - box.x, part.y - box.y, part.width, part.height)


def moved(rect: Rect, box: Rect) -> Rect:
    """A rectangle counted from the corner of `box` as one of the whole desktop."""
    return Rect(rect.x + box.x, rect.y + box.y, rect.width, rect.height)
