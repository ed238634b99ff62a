"""Memory of the lines on one screen, and what a new reading of some of them means."""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable, Sequence

import attrs

from hud.local import likeness, pairing
from hud.local.pairing import Entry
from hud.local.reader import Line
from hud.local.scroll import Move
from hud.rect import Rect, together

REMEMBERED = 800
"""Lines kept after they went out of sight, to recognise them when they are scrolled back."""

_MOST_LINES = 1500
_MOST_GONE = 12
_NEAR = 60  # pixels; new text so near to lines that went away stands in their place
_FAST = 3.0
"""Seconds; a number that keeps changing faster than that is a counter and not worth a note."""
_FAST_TIMES = 4
_FAST_TIMES_LETTERS = 8


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

    def move(self, moves: Sequence[Move]) -> bool:
        """Let the lines follow the scrolls of one look, each line one of them.

        True if one shows again what was in sight before.
        """
        kept = list[Entry]()
        for entry in self._entries:
            moved = next((to for move in moves if (to := _moved(entry, move)) is not entry), entry)
            if moved is None:
                self._left.append(likeness.fold(entry.line.text))
            else:
                kept.append(moved)
        self._entries = kept
        return any(list(map(self._scrolled_back, moves)))  # each is to be remembered

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
        pairs, came, went = pairing.paired(old, lines, exposed)
        told = [
            happening
            for entry, line in pairs
            if (happening := self._changed(entry, line, now)) is not None
            and not (came and pairing.remains(line, entry.line))
            and not (went and pairing.remains(entry.line, line) and self._left_sight(line))
        ]
        again = self._again(came, went, exposed, back)
        again += [line for line in came if any(pairing.remains(line, e.line) for e in old)]
        new = [line for line in came if line not in again]
        told += [Happening(Kind.NEW, line.text, rect=line.rect) for line in new]
        self._entries += [Entry(line) for line in came]
        self._left.extend(likeness.fold(entry.line.text) for entry in went)
        uncovered = [line for line in lines if any(pairing.remains(e.line, line) for e in old)]
        told += _gone([e for e in went if not _was_part(e, uncovered)], new)
        self._entries = self._entries[-_MOST_LINES:]
        return told

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
        known = [line for line in came if self._left_sight(line)]
        uncovered = [line for line in known if not pairing.inside(line.rect, exposed)]
        if not went or (len(uncovered) < 3 and pairing.replaced(uncovered, went)):
            uncovered = []
        scrolled = [line for line in known if pairing.inside(line.rect, exposed)]
        return uncovered + (scrolled if back else [])

    def _left_sight(self, line: Line) -> bool:
        letters = likeness.fold(line.text)
        return letters in self._left or any(likeness.nearly(letters, old) for old in self._left)

    def _scrolled_back(self, move: Move) -> bool:
        window = move.block.union(move.exposed)
        at = next((i for i, (rect, _) in enumerate(self._behind) if rect.intersects(window)), None)
        rect, behind = (window, 0) if at is None else self._behind.pop(at)
        left = behind - move.up
        if left > 0:
            self._behind = [*self._behind, (rect.union(window), left)][-8:]
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


def _was_part(entry: Entry, uncovered: Sequence[Line]) -> bool:
    """Whether it was what a window left to see of a line, perhaps read twice, once as rubbish."""
    return any(
        pairing.remains(entry.line, line) or pairing.starts_with(entry.line.rect, line.rect)
        for line in uncovered
    )


def _gone(went: Sequence[Entry], new: Sequence[Line]) -> list[Happening]:
    """Lines whose going says something: a dialog or a toast, not what other text hides."""
    if new and len(went) > _MOST_GONE:
        return []
    covers = together([line.rect for line in new], _NEAR)
    places = [cover.padded(_NEAR, cover.right + _NEAR, cover.bottom + _NEAR) for cover in covers]
    return [
        Happening(Kind.GONE, entry.line.text, rect=entry.line.rect)
        for entry in went
        if not any(entry.line.rect.intersects(place) for place in places)
    ]
