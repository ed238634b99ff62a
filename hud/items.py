"""The values that travel through the pipeline, all frozen.

`seq` is the thread of identity: a frame gets it at the grab, and the note that the frame led to
still carries it. Times are seconds on trio's clock; wall-clock times say so in their name.
"""

from __future__ import annotations

import enum
import time
import unicodedata
from collections.abc import Iterable
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from hud.rect import Rect, together

Pixels = npt.NDArray[np.uint8]
"""Shape (height, width, 4), BGRA, uint8. The fourth byte carries nothing."""


SMALL = 200_000
"""Pixels of a region up to which it counts what exactly was there, and is."""
_ROWS = 32
_SIXTEEN = np.uint32(0xF0F0F0)
"""Of a difference in each colour, the bits that say 16 levels or more."""


def clock(wall_time: float) -> str:
    """Local time of day such as 14:03:20, of seconds since the epoch."""
    return time.strftime("%H:%M:%S", time.localtime(wall_time))


def harmless(text: str) -> str:
    """Without control characters: words read off a screen must not steer the terminal."""
    return "".join(
        char if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf"} else " "
        for char in text
    )


@attrs.frozen
class Tick:
    """Permission to look at the screen once."""

    time: float


@attrs.frozen(eq=False)
class Frame:
    """One grab of one monitor."""

    seq: int
    monitor: int
    """Number of the monitor, from 1."""
    time: float
    wall_time: float
    """Seconds since the epoch."""
    pixels: Pixels = attrs.field(repr=lambda pixels: f"<{pixels.shape[1]}x{pixels.shape[0]}>")
    damage: tuple[Rect, ...] | None = None
    """Where something was drawn since the last frame of this monitor; None: unknown."""
    woken: bool = False
    """By what was drawn, not by the clock: while no frame came, nothing changed."""
    withheld: bool = False
    """Nobody may see what it showed; it has no pixels and goes no further."""

    def absorb(self, older: Frame) -> Frame:
        """This frame in the place of an older one that nobody looked at, with its damage."""
        known = self.damage is not None and older.damage is not None
        damage = (*(older.damage or ()), *(self.damage or ())) if known else None
        return attrs.evolve(self, damage=damage)

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])

    @property
    def whole(self) -> Rect:
        """All of it."""
        return Rect(0, 0, self.width, self.height)


class Fate(enum.Enum):
    """What became of a captured frame; every frame has exactly one."""

    UNCHANGED = "unchanged"
    NOISE = "noise"
    REPLACED = "replaced"
    MERGED = "merged"
    SENT = "sent"
    WITHHELD_BY_PRIVACY = "withheld by privacy"
    WITHHELD_BY_BUDGET = "withheld by budget"
    FAILED = "failed"


class Cause(enum.Enum):
    """Why a change is passed on."""

    FIRST = "first"
    CONTENT = "content"
    HEARTBEAT = "heartbeat"


@attrs.frozen(eq=False)
class Mark:
    """One region of a change, and what was to be seen in it before."""

    rect: Rect
    before: Pixels | None = attrs.field(repr=False)
    """None: too large to keep."""

    def gone(self, frame: Frame) -> bool:
        """Whether the frame shows again what was there before, to within 16 levels."""
        now, before = frame.pixels[self.rect.slices], self.before
        return before is not None and now.shape == before.shape and not _differ(now, before)


def _differ(one: Pixels, other: Pixels) -> bool:
    """Whether a channel of any pixel differs by 16 levels or more."""
    # A few rows at a time: of what is another picture the first ones tell.
    for top in range(0, len(one), _ROWS):
        a, b = one[top : top + _ROWS], other[top : top + _ROWS]
        steps = np.maximum(a, b, order="C") - np.minimum(a, b, order="C")
        if (steps.view(np.uint32) & _SIXTEEN).any():
            return True
    return False


@attrs.frozen
class Scroll:
    """Content that moved up or down as a whole, such as the lines of a list."""

    seq: int
    """Of the frame that first shows it there."""
    rect: Rect
    """In which it moved, and came into view or went out of it."""
    down: int
    """By how many pixels; negative: up."""

    def carried(self, rect: Rect) -> Rect | None:
        """Where a part of the screen is to be found afterwards; None: out of sight."""
        if not self.rect.intersects(rect) or rect.area >= 2 * self.rect.area:
            return rect
        top = max(self.rect.y, rect.y + self.down)
        bottom = min(self.rect.bottom, rect.bottom + self.down)
        moved = Rect(rect.x, top, rect.width, bottom - top) if bottom > top else None
        if self.rect.holds(rect):
            return moved
        return rect if moved is None else rect.union(moved)


@attrs.frozen(eq=False)
class Change:
    """A frame and what in it means something; without regions it goes no further."""

    frame: Frame
    regions: tuple[Rect, ...]
    cause: Cause | None
    """Why it is passed on, None where it is not."""
    rule: str
    """The rule that decided, in words for `why`."""
    fate: Fate | None = None
    """What the frame's fate is when it is not passed on."""
    marks: tuple[Mark, ...] = ()
    """One per region, where the detector knows what was there before."""
    drawn: float | None = None
    """When the last of it was drawn, which may be long before it was passed on; None: unknown."""
    scrolls: tuple[Scroll, ...] = ()
    """What scrolled on this monitor lately, up to this frame."""
    outdated: bool = False
    """Whether a newer frame is being judged: it is to be shown as of that one."""

    @property
    def seq(self) -> int:
        """Of the frame."""
        return self.frame.seq

    @property
    def monitor(self) -> int:
        """Of the frame."""
        return self.frame.monitor

    @property
    def weight(self) -> float:
        """How much it matters that this is shown before another: what is new and large first."""
        first = self.cause is Cause.FIRST
        return (
            sum(rect.area for rect in self.regions) + first * self.frame.width * self.frame.height
        )

    def holds_in(self, newer: Frame) -> bool:
        """Whether the same is news in a newer frame; what is large moves, or is painted further."""
        if newer.whole != self.frame.whole:
            return False
        small = (rect.slices for rect in self.regions if rect.area <= SMALL)
        return not any(_differ(newer.pixels[part], self.frame.pixels[part]) for part in small)

    def renewed(self, present: Change) -> Change | None:
        """This change as of a frame that brought nothing new; None: it would not be the same."""
        if not self.holds_in(present.frame):
            return None
        return attrs.evolve(self, frame=present.frame, scrolls=present.scrolls)

    def absorb(self, older: Change) -> Change:
        """This change with the regions of an older one of its monitor that was not shown.

        What scrolled in between is shown where it stands by now. What came and went between the
        two is left out. If nothing is left, the result has no
        regions and goes no further. This change may have none of its own: then it only brings the
        older one up to date. On a monitor that has another size by now nothing of the older one is
        where it was.
        """
        if self.frame.whole != older.frame.whole:
            fate = self.fate if self.regions else Fate.MERGED
            return attrs.evolve(self, fate=fate)
        cause = Cause.FIRST if older.cause is Cause.FIRST else self.cause or older.cause
        rule = self.rule if self.regions else older.rule
        scrolls = [scroll for scroll in self.scrolls if scroll.seq > older.seq]
        before = [
            attrs.evolve(mark, rect=rect)
            for mark in older.marks
            if (rect := _carried(mark.rect, scrolls)) is not None
        ]
        carried = [_carried(region, scrolls) for region in older.regions]
        gone = [mark.rect for mark in before if mark.gone(self.frame)]
        marks = tuple(m for m in (*before, *self.marks) if not any(r.holds(m.rect) for r in gone))
        regions = [
            region
            for region in (*carried, *self.regions)
            if region is not None and not any(each.holds(region) for each in gone)
        ]
        if not regions:
            rule = "it came and went while the model was busy"
            return Change(self.frame, (), None, rule, Fate.MERGED, scrolls=self.scrolls)
        shown = together(regions)
        return Change(self.frame, shown, cause, rule, marks=marks, scrolls=self.scrolls)


def _carried(rect: Rect, scrolls: Iterable[Scroll]) -> Rect | None:
    where: Rect | None = rect
    for scroll in scrolls:
        where = None if where is None else scroll.carried(where)
    return where


Jpeg = bytes | memoryview
"""The bytes of a JPEG file."""
Detail = Literal["low", "high"]
"""How closely the service looks at a picture, and what it charges."""


@attrs.frozen
class View:
    """What one picture shows."""

    rects: tuple[Rect, ...]
    """Parts of the screen, which stand one below the other."""
    size: tuple[int, int]
    """Width and height of the picture in its own pixels, which need not be the screen's."""
    detail: Detail = "high"


@attrs.frozen(eq=False)
class Picture:
    """One JPEG and what it shows."""

    view: View
    jpeg: Jpeg = attrs.field(repr=lambda jpeg: f"<{len(jpeg)} bytes>")


@attrs.frozen
class Words:
    """What was read in one part of the screen, told instead of shown."""

    rect: Rect
    lines: tuple[str, ...]
    near: tuple[str, ...] = ()
    """What stands around them unchanged, such as the label of a number."""


@attrs.frozen(eq=False)
class Shot:
    """What the model will be shown of one change."""

    change: Change
    pictures: tuple[Picture, ...]
    caption: str
    """When, where, and the words."""
    words: tuple[Words, ...] = ()
    withheld: bool = False
    """Nobody may see it; it has no pictures and goes no further."""

    @property
    def seq(self) -> int:
        """Of the frame."""
        return self.change.seq

    @property
    def shown(self) -> tuple[Rect, ...]:
        """The parts of the screen that are shown or told."""
        seen = tuple(rect for picture in self.pictures for rect in picture.view.rects)
        return seen + tuple(each.rect for each in self.words)


class Status(enum.Enum):
    """How far an answer has come; all but the first are its possible ends."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    """What was said so far does not count: the change is asked about again."""
    WITHHELD = "withheld"
    """Nothing was asked, for the budget is spent."""


@attrs.frozen
class Usage:
    """Tokens of one answer as the server counted them; cached ones are part of the input."""

    input_tokens: int = 0
    text_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_image_tokens: int = 0
    """Of these; the others are text."""
    output_tokens: int = 0


@attrs.frozen(eq=False)
class NoteDelta:
    """A piece of an answer, or its end (then `status` is an end and `text` the whole text)."""

    shot: Shot = attrs.field(repr=lambda shot: f"<seq {shot.seq}>")
    text: str
    time: float
    sent_time: float
    """When the last byte of the request had been written."""
    status: Status = Status.IN_PROGRESS
    usage: Usage = Usage()
    usd: float | None = None
    """Dollars of the answer; None where nothing was asked."""
    turn: int = 0
    """Number of the turn in this run: a frame may be asked about more than once."""
    session: str = ""
    model: str = ""
    detail: str = ""
    """Why the answer is not complete, in the server's words."""

    @property
    def seq(self) -> int:
        """Of the frame."""
        return self.shot.seq

    @property
    def key(self) -> tuple[int, int]:
        """Of the note."""
        return self.seq, self.turn

    @property
    def id(self) -> str:
        """Of the note, for users."""
        return _id(self.session, self.turn or self.seq, self.shot.change.frame.wall_time)


@attrs.frozen
class Note:
    """What the model said about one change; while it streams, as far as it has come."""

    seq: int
    text: str
    status: Status
    monitor: int
    regions: tuple[Rect, ...]
    captured_wall_time: float
    captured_time: float
    sent_time: float
    first_token_time: float | None
    done_time: float | None
    usage: Usage = Usage()
    usd: float | None = None
    """Dollars."""
    session: str = ""
    model: str = ""
    detail: str = ""
    size: tuple[int, int] = (0, 0)
    """Width and height of the frame in pixels; (0, 0): not known."""

    turn: int = 0
    """Number of the turn in this run, which tells two notes about one frame apart."""

    @property
    def key(self) -> tuple[int, int]:
        """The same for every state of one note, another for every other note of the run."""
        return self.seq, self.turn

    @property
    def id(self) -> str:
        """The same for every delivery of this note, another for every other note of any run."""
        return _id(self.session, self.turn or self.seq, self.captured_wall_time)

    @property
    def finished(self) -> bool:
        """Whether this is the record of an answer, to which nothing will be added."""
        return self.status not in {Status.IN_PROGRESS, Status.WITHDRAWN, Status.WITHHELD}

    def wall_time(self, time: float) -> float:
        """Seconds since the epoch at `time` on trio's clock."""
        return self.captured_wall_time + (time - self.captured_time)


def _id(session: str, number: int, captured_wall_time: float) -> str:
    # One that failed before its session began is told apart by when its frame was taken.
    return f"{session or round(captured_wall_time * 1000)}-{number}"
