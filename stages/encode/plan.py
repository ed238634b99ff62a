"""Which parts of a frame to show."""

from __future__ import annotations

from hud.items import Cause, Change, Rect, together


def plan(change: Change, margin: int, most: int) -> tuple[Rect, ...]:
    """Which parts of the frame to show: padded regions, or all of it when they are most of it."""
    frame = change.frame
    whole = Rect(0, 0, frame.width, frame.height)
    if change.cause is Cause.FIRST:
        return (whole,)
    padded = [rect.padded(margin, frame.width, frame.height) for rect in change.regions]
    rects, distance = together(padded), margin
    while len(rects) > most:
        rects, distance = together(rects, distance), 2 * distance + 1
    return (whole,) if 2 * sum(rect.area for rect in rects) > whole.area else rects
