"""How several parts of a screen stand in one picture: one below the other, with gaps between.

The sender and the local model both work the places out from the parts alone, so that a caption
need not say them.
"""

from __future__ import annotations

from collections.abc import Sequence

from hud.rect import Rect

GAP = 8
"""Rows between two parts."""


def places(rects: Sequence[Rect]) -> tuple[Rect, ...]:
    """Where each part stands in the picture, at the screen's own scale."""
    found, y = list[Rect](), 0
    for rect in rects:
        found.append(Rect(0, y, rect.width, rect.height))
        y += rect.height + GAP
    return tuple(found)


def size(rects: Sequence[Rect]) -> tuple[int, int]:
    """Width and height of the picture at the screen's own scale; (0, 0) for no parts."""
    whole = places(rects)
    return max((each.width for each in whole), default=0), whole[-1].bottom if whole else 0
