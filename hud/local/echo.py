"""Recognising this model's own notes where a terminal on the watched screen prints them."""

from __future__ import annotations

import collections
import difflib
import re

from hud.local import likeness
from hud.place import WORDS
from hud.rect import Rect

_REMEMBERED_NOTES = 40
_HEAD = 10  # folded letters by which a note's beginning is recognised
_TITLE = 3
_BEFORE = 32  # folded letters of time stamps, screen names and the like that may precede it
_ALIKE = 0.85
_LEAST = 3
_OWN_LINE = re.compile(r"\W*hud ?[:;.]", re.IGNORECASE)
_PLACES = {likeness.fold(words) for words in WORDS}


class Echo:
    """The notes written lately, and where one is being printed."""

    def __init__(self) -> None:
        self._notes: collections.deque[str] = collections.deque(maxlen=_REMEMBERED_NOTES)
        self._left: collections.deque[int] = collections.deque(maxlen=8)
        """Left edges of the printed notes, in pixels."""
        self._rest = ""
        """What a printed note still lacks."""

    def wrote(self, note: str) -> None:
        """Remember a note, folded."""
        if note:
            self._notes.append(likeness.fold(note))

    def is_note(self, line: str, rect: Rect) -> bool:
        """Whether a line at `rect` is a printed note; to be asked from top to bottom."""
        if _is_furniture(line):
            return True
        text = likeness.fold(line)
        aligned = any(abs(left - rect.x) <= 8 for left in self._left)
        if not self._continues(text) and not self._begins(text):
            return aligned and self._quoted(text)
        if not aligned:
            self._left.append(rect.x)
        return True

    def _continues(self, text: str) -> bool:
        rest = self._rest
        if len(text) < _LEAST or not rest:
            return False
        lacking, printed = rest[: len(text)], text[: len(rest)]
        if not _alike(lacking, printed) and not likeness.slipped(lacking, printed):
            return False
        self._rest = rest[len(text) :]
        return True

    def _begins(self, text: str) -> bool:
        for note in reversed(self._notes):
            printed = _after_stamp(text, note)
            if printed and _alike(note[: len(printed)], printed[: len(note)]):
                self._rest = note[len(printed) :]
                return True
        return False

    def _quoted(self, text: str) -> bool:
        """Whether a note holds the text: the part of a long one whose beginning is out of sight."""
        return len(text) >= _LEAST and any(text in note for note in self._notes)


def _is_furniture(line: str) -> bool:
    """Whether this is what `hud` prints around its notes: a line about itself, a time and a place.

    Else a status line on the watched screen would be news that brings forth the next status line.
    """
    text = likeness.fold(line)
    time, place = text[:6], text[6:]
    with_monitor = place[:1].isdigit() and place[1:] in _PLACES
    stamped = time.isdigit() and (place in _PLACES or with_monitor)
    return stamped or _OWN_LINE.match(line) is not None


def _after_stamp(text: str, note: str) -> str:
    """The printed note without the time stamp or the like before it; "" if it is not printed there.

    The word that notes begin with must be there: what the note quotes may well come again.
    """
    head = note[: len(text)]
    match = difflib.SequenceMatcher(None, text, head, autojunk=False).find_longest_match()
    before = match.a - match.b
    begins = note[:_TITLE] in text[max(0, before - 2) : before + _TITLE + 2]
    long = match.size >= min(_HEAD, len(note))
    return text[before:] if begins and long and 0 <= before <= _BEFORE else ""


def _alike(one: str, other: str) -> bool:
    if one == other:
        return bool(one)
    match = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return match.real_quick_ratio() >= _ALIKE and match.ratio() >= _ALIKE
