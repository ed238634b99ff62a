"""A place where something is going on that has not been passed on yet."""

from __future__ import annotations

import attrs

from hud.rect import Rect
from stages.change.detector.memory import NEVER
from stages.change.detector.shapes import LINE, Shares

REACH_X, REACH_Y = 20, 8
"""A change this close to a place that is still moving belongs to it."""
GROWN = 1.5
"""What takes so much more room than at first is nothing that merely went elsewhere."""
MANY = 1000
"""Changes that are counted: of what is parted and united again, they double each time."""


@attrs.define(eq=False)
class Spot:
    """A rectangle that differs from what was shown last, and what happened to it since."""

    rect: Rect
    born: float
    """When it began to differ."""
    began: float
    """When it began to move."""
    touched: float
    """When it changed last."""
    changes: int = 1
    woken: bool = False
    """X told of it the moment it was drawn, so that it is not one of many pictures of a motion."""
    again: bool = False
    """It had moved a moment before, so it is not complete at once."""
    scrolled: bool = False
    """Its surroundings moved, and this came into view."""
    rested: bool = False
    """It is background that came to rest."""
    ended: bool = False
    """It is a live line that changed as the bar beside it went: a download is complete."""
    captioned: bool = False
    """It is background that came to rest inside a film."""
    laid: bool = False
    """Something with writing on it was laid over background that stood still: a dialog, a slide."""
    covers: bool = False
    """Something with writing on it was laid over what was moving."""
    page: bool = False
    """It changed together with much else: a page is being painted."""
    follows: bool = False
    """It changed in the same frame as a letter that was typed elsewhere."""
    flickers: bool = False
    """It is one of many values that change all the time."""
    letter: bool = False
    """It looks like a letter on blank ground."""
    value: bool = False
    """It replaced something on one line."""
    caret: bool = False
    """A caret was seen beside it."""
    paused: bool = False
    """The caret moved on without a letter: a word has ended."""
    size: Rect | None = None
    """Where the difference was when it was last looked at."""
    whole: Rect | None = None
    """All that changed here, tints and erased text included."""
    first: Rect | None = None
    """Where the difference was when it was looked at first."""
    colours: Shares | None = None
    """Those of something small that came up here."""
    moves: int = 0
    """How often the same small thing went to another place."""
    due: float | None = None
    """When to decide, if nothing happens before."""
    likely: bool = False
    """It will be news unless it goes or proves to be noise."""
    glimpsed: float = NEVER
    """When it was shown with others before it was certain."""
    rule: str = ""
    """Why it has not been passed on."""

    @property
    def ticks(self) -> bool:
        """Whether it changed again after it had stood still for a while, before it was shown."""
        return self.changes > 1 and self.began - self.born >= 1.0

    @property
    def grown(self) -> bool:
        """Whether the difference takes more room than at first, as writing does."""
        return self.size is None or self.first is None or self.size.area >= 1.3 * self.first.area

    @property
    def small(self) -> bool:
        """Whether it is no larger than a pointer."""
        rect = self.size or self.rect
        return max(rect.width, rect.height) <= LINE

    @property
    def was_shown(self) -> bool:
        """Whether it has been shown as it is now, with others."""
        return self.glimpsed >= self.touched

    def near(self, rect: Rect) -> bool:
        """Whether a change there belongs to this place."""
        mine = self.rect
        return (
            mine.x - REACH_X < rect.right
            and rect.x < mine.right + REACH_X
            and mine.y - REACH_Y < rect.bottom
            and rect.y < mine.bottom + REACH_Y
        )

    def follow(self, tight: Rect) -> None:
        """Take note of where the difference is now, and whether it went there as a whole."""
        if self.letter and not self._went_away(tight):
            self.moves = 0  # writing grows on one side, and loses a caret on the other
        elif self.size is not None and travelled(self.size, tight):
            self.moves += 1
        elif self.size is not None and tight.area > 3 * self.size.area:
            self.moves = 0
        elif self.first is not None and tight.area > GROWN * self.first.area:
            self.moves = 0  # it leaves behind what it wrote: somebody's flagged caret
        self.size, self.rect, self.first = tight, tight, self.first or tight

    def _went_away(self, tight: Rect) -> bool:
        """Whether it is as large as at first and elsewhere, as no writing will ever be."""
        first = self.first
        return first is not None and similar(first, tight) and not first.intersects(tight)

    def region(self, rect: Rect) -> Rect:
        """What to show for a difference in `rect`: with what belongs to it, if that is not much."""
        whole = rect.union(self.whole) if self.whole is not None else rect
        return whole if whole.area <= 8 * rect.area else rect

    def takes(self, spot: Spot) -> bool:
        """Whether what changed there is one thing with what waits here."""
        if spot.page and (self.laid or self.covers) and not self.rect.holds(spot.rect):
            return False  # a page that was opened beside what may be an advertisement
        if self.ended != spot.ended:
            return False
        typed = self.letter or self.caret
        if spot.value or self.value or (spot.letter != typed and self.born != spot.born):
            return self.rect.intersects(spot.rect) and not (spot.letter and self.follows)
        return self.near(spot.rect)

    def part(self, rect: Rect, touched: float) -> Spot:
        """One of several pieces of this place, in which something changed last at that time."""
        size = self.size if self.size is not None and self.size.intersects(rect) else None
        moves = 0 if size is None else self.moves
        touched = min(touched, self.touched)
        return attrs.evolve(
            self, rect=rect, touched=touched, size=size, first=size, whole=None, moves=moves
        )

    def swallow(self, other: Spot) -> None:
        """Become one place with another."""
        self.rect = self.rect.union(other.rect)
        if self.whole is not None and other.whole is not None:
            self.whole = self.whole.union(other.whole)
        if self.touched - other.touched < 1.0:  # what stood still for longer was not part of this
            self.began = min(self.began, other.began)
        self.born = min(self.born, other.born)
        if other.touched != self.touched:
            self.changes = min(MANY, self.changes + other.changes)
        self.touched = max(self.touched, other.touched)
        self.glimpsed = min(self.glimpsed, other.glimpsed)
        self.scrolled |= other.scrolled
        self.again |= other.again
        self.woken &= other.woken
        self.rested &= other.rested
        self.ended &= other.ended
        self.laid |= other.laid
        self.covers |= other.covers
        self.page |= other.page
        self.value &= other.value
        self.flickers &= other.flickers
        self.follows &= other.follows
        self.caret |= other.caret
        self.letter |= other.letter
        self.moves = max(self.moves, other.moves)
        self.size = self.size or other.size
        self.first = other.first or self.first
        self.colours = self.colours if self.colours is not None else other.colours


def similar(one: Rect, other: Rect) -> bool:
    """Whether two rectangles have about the same size."""
    return (
        abs(one.width - other.width) <= 3 + 0.25 * other.width
        and abs(one.height - other.height) <= 3 + 0.25 * other.height
    )


def travelled(old: Rect, new: Rect) -> bool:
    """Whether a small thing is now elsewhere, not merely longer."""
    if max(new.width, new.height, old.width, old.height) > LINE or not similar(old, new):
        return False
    left, right = new.x - old.x, new.right - old.right
    top, bottom = new.y - old.y, new.bottom - old.bottom
    across = min(abs(left), abs(right)) if left * right > 0 else 0
    down = min(abs(top), abs(bottom)) if top * bottom > 0 else 0
    return max(across, down) >= 3
