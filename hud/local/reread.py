"""Reading a line once more of which only a part was drawn anew: the rest reads as it did."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import cv2

from hud.local.ink import Mask
from hud.local.pairing import Entry, one_row
from hud.local.reader import Line, Word
from hud.rect import Rect


def settled(line: Line, old: Sequence[Entry], fresh: Mask) -> Line:
    """The line with each word as it read before whose pixels are not `fresh`.

    Two readings of the same pixels may differ, as what stands beside them does; that is no change.
    `fresh` is of the whole screen.
    """
    if line.text != " ".join(word.text for word in line.words):
        return line
    known = [
        word for entry in old if one_row(entry.line.rect, line.rect) for word in entry.line.words
    ]
    words = tuple(_settled(word, known, line.rect, fresh) for word in line.words)
    return attrs.evolve(line, text=" ".join(word.text for word in words), words=words)


def _settled(word: Word, known: Sequence[Word], row: Rect, fresh: Mask) -> Word:
    near = row.height // 2
    same = [w for w in known if max(abs(w.left - word.left), abs(w.right - word.right)) <= near]
    if len(same) != 1 or same[0].text == word.text:
        return word
    place = Rect(word.left, row.y, max(0, word.right - word.left), row.height)
    return word if cv2.countNonZero(fresh[place.slices]) else attrs.evolve(word, text=same[0].text)
