"""Places that are drawn over and over: a film, a spinner, a log that streams by.

Nothing there is news at every picture, so they are read a few times a second, while everything
around them is read the moment it is drawn.
"""

from __future__ import annotations

import attrs

from hud.rect import Rect

PERIOD = 0.25
"""Seconds between two looks at a film. Detectors take changes so close for one movement."""
PAUSE = 0.3
"""Seconds without a picture that end a film."""
PROOF = 1.0
"""Seconds for which a place must have been drawn over to be taken for a film."""
PICTURES = 8
"""How often, at least."""
LARGEST = 0.25
"""Share of the desktop; where more moves, the present is wanted at the full rate."""
NEAR = 16
"""Pixels by which pictures of one film may lie beside each other."""
MOST = 64
"""Places that are remembered; more are not drawn upon within a pause."""


@attrs.define
class _Place:
    rect: Rect
    since: float
    last: float
    pictures: int = 1

    def is_film(self, time: float, largest: float) -> bool:
        long = self.last - self.since >= PROOF and self.pictures >= PICTURES
        return long and time - self.last <= PAUSE and self.rect.area <= largest


class Films:
    """What is known of the places of one desktop."""

    def __init__(self, width: int, height: int) -> None:
        self._largest = LARGEST * width * height
        self._places: list[_Place] = []

    def drawn(self, rect: Rect, time: float) -> None:
        """Something was drawn there."""
        self._places = [place for place in self._places if time - place.last <= PAUSE][-MOST:]
        for place in self._places:
            if _near(rect, place.rect):
                place.rect, place.last = place.rect.union(rect), time
                place.pictures += 1
                return
        self._places.append(_Place(rect, time, time))

    def present(self, time: float) -> list[Rect]:
        """Where films are running."""
        return [place.rect for place in self._places if place.is_film(time, self._largest)]


def _near(rect: Rect, place: Rect) -> bool:
    """Whether most of the two is common, or one lies inside the other, give or take a little."""
    both = rect.union(place)
    grown = (place.width + 2 * NEAR) * (place.height + 2 * NEAR)
    return both.area <= grown
