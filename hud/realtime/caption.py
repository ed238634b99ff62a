"""The line that tells the model when the pictures were taken and where each lies on the screen.

It is plain English for a large model, and exact enough for the local one to read it back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from hud.items import Rect


@attrs.frozen
class Place:
    """The part of a screen that one picture shows, in pixels of that screen."""

    screen: int
    screen_width: int
    screen_height: int
    rect: Rect


# The numbers are bounded: this text can come from anybody who talks to the local model's server.
_SCREEN = re.compile(r"screen (\d{1,3}) \((\d{1,5})x(\d{1,5})\)")
_PICTURE = re.compile(
    r"picture \d+: (?:whole screen|(\d{1,5})x(\d{1,5}) at x=(\d{1,5}) y=(\d{1,5}))"
)


def write(clock: str, screen: int, size: tuple[int, int], rects: Sequence[Rect]) -> str:
    """Describe pictures in their order: `14:03:20, screen 1 (1280x720); picture 1: 640x96 at …`."""
    width, height = size
    whole = Rect(0, 0, width, height)
    parts = [f"{clock}, screen {screen} ({width}x{height})"]
    for number, rect in enumerate(rects, 1):
        where = f"{rect.width}x{rect.height} at x={rect.x} y={rect.y}"
        parts.append(f"picture {number}: {'whole screen' if rect == whole else where}")
    return "; ".join(parts)


def read(text: str) -> tuple[Place, ...]:
    """Read back the places that `write` described; nothing for any other text."""
    screen = _SCREEN.search(text)
    if screen is None:
        return ()
    number, width, height = map(int, screen.groups())
    places = []
    for w, h, x, y in _PICTURE.findall(text, screen.end()):
        rect = Rect(int(x), int(y), int(w), int(h)) if w else Rect(0, 0, width, height)
        places.append(Place(number, width, height, rect))
    return tuple(places)
