"""Where on the screen a note's change was, in words."""

from __future__ import annotations

import functools

from hud.items import Note
from hud.rect import Rect

DOWN, ACROSS = ("top", "", "bottom"), ("left", "", "right")
MIDDLE, EVERYWHERE = "middle", "all over"
WORDS = (
    *(f"{down} {across}".strip() for down in DOWN for across in ACROSS if down or across),
    *(MIDDLE, EVERYWHERE),
)
"""All that can be said."""
LONGEST = max(map(len, WORDS))
EVERYWHERE_FROM = 0.5
"""Share of the frame from which on a change is everywhere."""


def place(note: Note) -> str:
    """Such as `top left` or `middle`, with the monitor's number if it is not the first."""
    words = _ninth(note)
    return f"{note.monitor} {words}".strip() if note.monitor != 1 else words


def _ninth(note: Note) -> str:
    width, height = note.size
    if not note.regions or not width or not height:
        return ""
    box = functools.reduce(Rect.union, note.regions)
    if box.area >= EVERYWHERE_FROM * width * height:
        return EVERYWHERE
    down = _third(box.y + box.height / 2, height, DOWN)
    across = _third(box.x + box.width / 2, width, ACROSS)
    return " ".join(filter(None, [down, across])) or MIDDLE


def _third(position: float, length: int, words: tuple[str, str, str]) -> str:
    return words[min(2, int(3 * position / length))]
