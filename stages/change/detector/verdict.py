"""What is decided about a place, and why."""

from __future__ import annotations

import enum

import attrs

from hud.rect import Rect


class Say(enum.Enum):
    """What is to be done with a place."""

    WAIT = "wait"
    """Look again when it is due."""
    FORGET = "forget"
    """It differs no longer, or in nothing that is new."""
    LEAVE = "leave"
    """It differs, but in nothing that is worth waiting for."""
    SPLIT = "split"
    """It is several places: judge each."""
    SHOW = "show"


@attrs.frozen
class Verdict:
    """A decision, its reason, and the rectangles it is about."""

    say: Say
    rule: str
    rects: tuple[Rect, ...] = ()
    due: float | None = None
    easy: bool = False
    """It waits only for rest, and may go with others that are shown now."""
    likely: bool = False
    """It is not complete, and may be seen as it is with others that are shown now."""
    gone: bool = False
    """Something is no longer there, and what was there before it is back."""
