"""What the model was shown of one turn, for the page: the pictures' addresses and what to mark."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from typing import Any

from hud import collage
from hud.fates import Exhibit
from hud.items import Picture, View
from hud.rect import Rect

NEARLY_ALL = 0.9
"""Share of a picture from which on a region is not marked in it."""


def shown(exhibit: Exhibit) -> list[dict[str, Any]]:
    """Each picture: where to get it, its size, and the regions as shares of its width and height.

    The address is relative to the page's.
    """
    name = urllib.parse.quote(exhibit.id, safe="")
    return [
        {
            "src": f"pictures/{number}/{name}",
            "size": list(picture.view.size),
            "detail": picture.view.detail,
            "marks": list(marks(picture.view, exhibit.regions)),
        }
        for number, picture in enumerate(exhibit.pictures)
    ]


def marks(view: View, regions: tuple[Rect, ...]) -> Iterator[list[float]]:
    """Where the regions are in a picture: x, y, width and height between 0 and 1."""
    width, height = collage.size(view.rects)
    for rect, place in zip(view.rects, collage.places(view.rects), strict=True):
        for region in regions:
            x, y = max(region.x, rect.x), max(region.y, rect.y)
            right, bottom = min(region.right, rect.right), min(region.bottom, rect.bottom)
            across, down = (right - x) / width, (bottom - y) / height
            if right > x and bottom > y and across * down < NEARLY_ALL:
                left, top = (place.x + x - rect.x) / width, (place.y + y - rect.y) / height
                yield [round(share, 4) for share in (left, top, across, down)]


def details(exhibit: Exhibit) -> dict[str, Any]:
    """All that is known of the turn, with the pictures' addresses in the place of the pictures."""
    return exhibit.record(pictures=False) | {"pictures": shown(exhibit)}


def picture_of(exhibit: Exhibit | None, number: int) -> Picture | None:
    """The picture of that number, from 0; None: there is none, or it is forgotten."""
    pictures = exhibit.pictures if exhibit is not None else ()
    return pictures[number] if 0 <= number < len(pictures) else None
