"""The line that tells the model when the pictures were taken and where each lies on the screen.

It is plain English for a large model, and exact enough for the local one to read it back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from hud.items import Words
from hud.rect import Rect


@attrs.frozen
class Place:
    """The parts of a screen that one picture shows, in pixels of that screen."""

    screen: int
    screen_width: int
    screen_height: int
    rects: tuple[Rect, ...]
    """One below the other, as `hud.collage` says."""


# The numbers are bounded: this text can come from anybody who talks to the local model's server.
_SCREEN = re.compile(r"screen (\d{1,3}) \((\d{1,5})x(\d{1,5})\)")
_PART = r"(?:whole screen|\d{1,5}x\d{1,5} at x=\d{1,5} y=\d{1,5})"
_PICTURE = re.compile(rf"picture \d+: ({_PART}(?:, above {_PART}){{0,99}})")
_RECT = re.compile(r"(\d+)x(\d+) at x=(\d+) y=(\d+)")


def write(
    clock: str,
    screen: int,
    size: tuple[int, int],
    pictures: Sequence[Sequence[Rect]],
    words: Sequence[Words] = (),
) -> str:
    """Describe pictures in their order, by the parts of the screen that each shows.

    `14:03:20, screen 1 (1280x720); picture 1: 640x96 at x=0 y=600, above 80x24 at …`. Words that
    were read instead follow on lines of their own.
    """
    whole = Rect(0, 0, *size)
    parts = [f"{clock}, screen {screen} ({whole.width}x{whole.height})"]
    for number, rects in enumerate(pictures, 1):
        shown = ("whole screen" if rect == whole else _where(rect) for rect in rects)
        parts.append(f"picture {number}: {', above '.join(shown)}")
    lines = ["; ".join(parts)]
    for each in words:
        lines.append(f"text at {_where(each.rect)}:")
        lines += map(_quoted, each.lines)
        if each.near:
            lines.append(f"near it: {', '.join(map(_quoted, each.near))}")
    return "\n".join(lines)


def _quoted(line: str) -> str:
    return f'"{" ".join(line.split())}"'


def _where(rect: Rect) -> str:
    return f"{rect.width}x{rect.height} at x={rect.x} y={rect.y}"


def read(text: str) -> tuple[Place, ...]:
    """Read back the places that `write` described; nothing for any other text.

    Only the first line counts: in the others stands what somebody wrote on the screen.
    """
    line = text.partition("\n")[0]
    screen = _SCREEN.search(line)
    if screen is None:
        return ()
    number, width, height = map(int, screen.groups())
    whole = Rect(0, 0, width, height)
    return tuple(
        Place(number, width, height, tuple(_rect(part, whole) for part in parts.split(", above ")))
        for parts in _PICTURE.findall(line, screen.end())
    )


def _rect(part: str, whole: Rect) -> Rect:
    found = _RECT.fullmatch(part)
    if found is None:
        return whole
    width, height, x, y = map(int, found.groups())
    return Rect(x, y, width, height)
