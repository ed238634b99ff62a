"""Secrets in the pictures that are about to leave: read first, then painted over."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import attrs
import trio

from hud.errors import LocalModelError
from hud.items import Frame, View
from hud.local.reader import Line, Word
from hud.privacy.covers import covers
from hud.privacy.secrets import Secrets
from hud.rect import Rect, together
from stages.encode import draw
from stages.encode.words import Recogniser

BESIDE = 400
"""Columns left and right that are read as well: a secret may begin outside of what is shown."""
BEYOND = 48
"""Rows above and below: it may have begun in the row before."""
HIDDEN = "[hidden]"
"""What stands for secrets in words."""
TILE = (1600, 900)
"""What is read at once; a larger picture is scaled down for finding its lines."""
OVERLAP = (500, 60)
"""Of two pieces that are read one after the other, so that no secret is cut by both."""


@attrs.frozen
class Redaction:
    """Finds what must be painted over before anything is shown."""

    secrets: Secrets
    reader: Recogniser
    within: float
    """Seconds that reading may take."""
    unread: str
    """`withhold` or `send`: what happens with what could not be read in that time."""

    async def blots(self, frame: Frame, views: Sequence[View]) -> tuple[Rect, ...] | None:
        """Where secrets stand in these views; None: nobody may see them, for they are unread."""
        parts = list(to_read(frame, [rect for view in views for rect in view.rects]))
        cut = await trio.to_thread.run_sync(_cut, frame, parts)
        with trio.move_on_after(self.within):
            try:
                read = await self.reader.read(cut)
            except LocalModelError:
                return self._unread()
            return tuple(_found(parts, read, self.secrets))
        return self._unread()

    def without_secrets(self, lines: Sequence[Line]) -> list[Line]:
        """Lines with a mark in the place of every word that would be painted over.

        `lines` were read with their surroundings: what follows a secret is one.
        """
        covered = covers(lines, self.secrets)
        return [_masked(line, covered) for line in lines]

    def _unread(self) -> tuple[Rect, ...] | None:
        return () if self.unread == "send" else None


def with_surroundings(frame: Frame, rects: Sequence[Rect]) -> tuple[Rect, ...]:
    """What must be read to find the secrets in these parts of the screen."""
    return together([r.padded(BESIDE, frame.width, frame.height, BEYOND) for r in rects])


def to_read(frame: Frame, rects: Sequence[Rect]) -> Iterator[Rect]:
    """What is shown and its surroundings, in pieces that overlap."""
    for rect in with_surroundings(frame, rects):
        for y, height in _steps(rect.y, rect.height, TILE[1], OVERLAP[1]):
            for x, width in _steps(rect.x, rect.width, TILE[0], OVERLAP[0]):
                yield Rect(x, y, width, height)


def _steps(start: int, length: int, most: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Pieces of at most that length, each overlapping the one before."""
    end = start + length
    while end - start > most:
        yield start, most
        start += most - overlap
    yield start, end - start


def in_one_piece(rects: Sequence[Rect]) -> bool:
    """Whether each of these parts of the screen can be read at once, without a seam."""
    return all(rect.width <= TILE[0] and rect.height <= TILE[1] for rect in rects)


def _masked(line: Line, covered: Sequence[Rect]) -> Line:
    middle = line.rect.y + line.rect.height // 2
    rects = [rect for rect in covered if rect.y <= middle < rect.bottom]
    words = line.words or (Word(line.text, line.rect.x, line.rect.right),)
    texts = [HIDDEN if _lies_under(word, rects) else word.text for word in words]
    if HIDDEN not in texts:
        return line
    return attrs.evolve(line, text=" ".join(text for text, _ in itertools.groupby(texts)), words=())


def _lies_under(word: Word, rects: Sequence[Rect]) -> bool:
    """Whether it is what a rectangle covers, and not only the neighbour of that."""
    middle = (word.left + word.right) // 2
    return any(rect.x <= middle < rect.right for rect in rects)


def _cut(frame: Frame, parts: Sequence[Rect]) -> list[bytes]:
    return [draw.lossless(frame, part) for part in parts]


def _found(
    parts: Sequence[Rect], read: Sequence[Sequence[Line]], secrets: Secrets
) -> Iterator[Rect]:
    for part, lines in zip(parts, read, strict=True):
        for rect in covers(lines, secrets):
            yield rect.moved(part.x, part.y)
