"""Memory of the lines on one screen, and what a new reading of some of them means."""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable, Iterable, Sequence

import attrs

from hud.items import Rect
from hud.local import likeness
from hud.local.reader import Line
from hud.local.scroll import Move

REMEMBERED = 800
"""Lines kept after they went out of sight, to recognise them when they are scrolled back."""

_MOST_LINES = 1500
_FAST = 3.0
"""Seconds; a number that keeps changing faster than that is a counter and not worth a note."""
_FAST_TIMES = 4
_FAST_TIMES_LETTERS = 8
_ALIKE = 0.5


class Kind(enum.Enum):
    """What happened to a line."""

    NEW = "new"
    GREW = "grew"
    CHANGED = "changed"
    GONE = "gone"


@attrs.frozen
class Happening:
    """One thing that is worth telling."""

    kind: Kind
    text: str
    """As it reads now, or read before it was gone."""
    before: str = ""
    rect: Rect = Rect(0, 0, 0, 0)


@attrs.frozen
class Entry:
    """A line where it stands, and when it last changed in a row of quick changes."""

    line: Line
    times: tuple[float, ...] = ()

    @property
    def core(self) -> Rect:
        """The middle half of its rows: the rectangles of recognised lines overlap a little."""
        rect = self.line.rect
        quarter = rect.height // 4
        return attrs.evolve(rect, y=rect.y + quarter, height=rect.height - 2 * quarter)


class Journal:
    """The lines of one screen by place; bounded, and the oldest are forgotten first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._left: collections.deque[str] = collections.deque(maxlen=REMEMBERED)
        self._behind: list[tuple[Rect, int]] = []
        """Windows that are scrolled back, and by how many rows of pixels."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """Those in sight."""
        return tuple(entry.line for entry in self._entries)

    def move(self, move: Move) -> bool:
        """Let the lines follow a scroll; True if it shows again what was in sight before."""
        kept = list[Entry]()
        for entry in self._entries:
            moved = _moved(entry, move)
            if moved is None:
                self._left.append(likeness.fold(entry.line.text))
            else:
                kept.append(moved)
        self._entries = kept
        return self._scrolled_back(move)

    def take(self, touched: Callable[[Rect], bool]) -> list[Entry]:
        """Take out the lines whose place `touched` says was drawn anew; `update` wants them."""
        taken = [entry for entry in self._entries if touched(entry.core)]
        self._entries = [entry for entry in self._entries if entry not in taken]
        return taken

    def update(
        self,
        old: Sequence[Entry],
        lines: Sequence[Line],
        now: float,
        exposed: Sequence[Rect] = (),
        back: bool = False,
    ) -> list[Happening]:
        """Compare what stood in a place with what was read there at `now`.

        `exposed` is where a scroll let lines come into view, `back` whether they are older ones.
        """
        pairs, came, went = _paired(old, lines, exposed)
        told = [self._changed(entry, line, now) for entry, line in pairs]
        again = self._again(came, went, exposed, back)
        told += [
            Happening(Kind.NEW, line.text, rect=line.rect) for line in came if line not in again
        ]
        self._entries += [Entry(line) for line in came]
        self._left.extend(likeness.fold(entry.line.text) for entry in went)
        told += _gone(went, came)
        self._entries = self._entries[-_MOST_LINES:]
        return [happening for happening in told if happening is not None]

    def _changed(self, entry: Entry, line: Line, now: float) -> Happening | None:
        before = entry.line
        if likeness.same(before.text, line.text):
            self._entries.append(attrs.evolve(entry, line=attrs.evolve(before, rect=line.rect)))
            return None
        if likeness.grew(before.text, line.text):
            self._entries.append(Entry(line))
            return Happening(Kind.GREW, line.text, before.text, line.rect)
        quick = entry.times if entry.times and now - entry.times[-1] < _FAST else ()
        times = (*quick, now)[-_FAST_TIMES_LETTERS:]
        self._entries.append(Entry(line, times))
        self._left.append(likeness.fold(before.text))
        limit = (
            _FAST_TIMES if likeness.only_numbers(before.text, line.text) else _FAST_TIMES_LETTERS
        )
        if likeness.only_clock(before.text, line.text) or len(times) >= limit:
            return None
        return Happening(Kind.CHANGED, line.text, before.text, line.rect)

    def _again(
        self, came: Sequence[Line], went: Sequence[Entry], exposed: Sequence[Rect], back: bool
    ) -> list[Line]:
        """Lines that only came into sight again."""
        known = [line for line in came if likeness.fold(line.text) in self._left]
        uncovered = [line for line in known if not _inside(line.rect, exposed)]
        if not went or (len(uncovered) < 3 and _replaced(uncovered, went)):
            uncovered = []
        return uncovered + ([line for line in known if _inside(line.rect, exposed)] if back else [])

    def _scrolled_back(self, move: Move) -> bool:
        at = next(
            (i for i, (rect, _) in enumerate(self._behind) if rect.intersects(move.block)), None
        )
        rect, behind = (move.block, 0) if at is None else self._behind.pop(at)
        left = behind - move.up
        if left > 0:
            self._behind = [*self._behind, (rect.union(move.block), left)][-8:]
        return behind > 0 or move.up < 0


def _moved(entry: Entry, move: Move) -> Entry | None:
    rect, block = entry.line.rect, move.block
    middle = rect.y + rect.height / 2
    if not (rect.x < block.right and block.x < rect.right):
        return entry
    if block.y + move.up <= middle < block.bottom + move.up:
        shifted = attrs.evolve(rect, y=max(0, rect.y - move.up))
        return attrs.evolve(entry, line=attrs.evolve(entry.line, rect=shifted))
    return None if block.y <= middle < block.bottom else entry


def _paired(
    old: Sequence[Entry], lines: Sequence[Line], exposed: Sequence[Rect]
) -> tuple[list[tuple[Entry, Line]], list[Line], list[Entry]]:
    """Which old line became which new one; then the new lines without one, and the old ones."""
    went, came, pairs = list(old), list(lines), list[tuple[Entry, Line]]()

    def pair(fits: Callable[[Entry, Line], float], anywhere: Iterable[Line]) -> None:
        for line in list(anywhere):
            best = max(went, key=lambda entry: fits(entry, line), default=None)
            if best is not None and fits(best, line) > 0:
                pairs.append((best, line))
                went.remove(best)
                came.remove(line)

    pair(_same_here, came)
    pair(_same_elsewhere, [line for line in came if not _inside(line.rect, exposed)])
    pair(_alike_here, came)
    return pairs, came, went


def _same_here(entry: Entry, line: Line) -> float:
    return float(_one_row(entry.line.rect, line.rect) and likeness.same(entry.line.text, line.text))


def _same_elsewhere(entry: Entry, line: Line) -> float:
    return float(likeness.fold(entry.line.text) == likeness.fold(line.text))


def _alike_here(entry: Entry, line: Line) -> float:
    before, rect = entry.line, line.rect
    if not _one_row(before.rect, rect):
        return 0.0
    if abs(before.rect.x - rect.x) < rect.height and likeness.grew(before.text, line.text):
        return 2.0
    alike = likeness.ratio(before.text, line.text)
    return alike if alike >= _ALIKE else 0.0


def _one_row(one: Rect, other: Rect) -> bool:
    overlap = min(one.bottom, other.bottom) - max(one.y, other.y)
    beside = one.x >= other.right or other.x >= one.right
    return overlap >= 0.5 * min(one.height, other.height) and not beside


def _inside(rect: Rect, places: Iterable[Rect]) -> bool:
    middle = rect.y + rect.height / 2
    return any(
        place.y <= middle < place.bottom and place.x < rect.right and rect.x < place.right
        for place in places
    )


def _replaced(lines: Sequence[Line], went: Sequence[Entry]) -> bool:
    """Whether each line took the place of another one, as a status does that returns to a value."""
    return all(
        any(
            _one_row(entry.line.rect, line.rect)
            and abs(entry.line.rect.x - line.rect.x) < line.rect.height
            for entry in went
        )
        for line in lines
    )


def _gone(went: Sequence[Entry], came: Sequence[Line]) -> list[Happening]:
    """Lines whose going says something: a dialog or a toast, not what other text replaced."""
    if len(came) > 2 * len(went) or (came and len(went) > 12):
        return []
    return [
        Happening(Kind.GONE, entry.line.text, rect=entry.line.rect)
        for entry in went
        if not any(
            _one_row(entry.line.rect, line.rect)
            and abs(entry.line.rect.x - line.rect.x) < line.rect.height
            for line in came
        )
    ]
