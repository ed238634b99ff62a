"""Secrets in the pictures that are about to leave: read first, then painted over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import trio

from hud.errors import LocalModelError
from hud.items import Frame, Rect, View, Words, together
from hud.local.reader import Line
from hud.privacy.covers import covers
from hud.privacy.secrets import Secrets
from stages.encode import draw
from stages.encode.words import Recogniser

BESIDE = 400
"""Columns left and right that are read as well: a secret may begin outside of what is shown."""
BEYOND = 48
"""Rows above and below: it may have begun in the row before."""
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

    def without_secrets(self, told: Sequence[Words]) -> tuple[Words, ...]:
        """Words with a mark in the place of each secret."""
        clean = self.secrets.without
        return tuple(
            attrs.evolve(
                words, lines=tuple(map(clean, words.lines)), near=tuple(map(clean, words.near))
            )
            for words in told
        )

    def _unread(self) -> tuple[Rect, ...] | None:
        return () if self.unread == "send" else None


def to_read(frame: Frame, rects: Sequence[Rect]) -> Iterator[Rect]:
    """What is shown and its surroundings, in pieces that overlap."""
    wide = [rect.padded(BESIDE, frame.width, frame.height) for rect in rects]
    high = [rect.padded(BEYOND, frame.width, frame.height) for rect in rects]
    around = [Rect(w.x, h.y, w.width, h.height) for w, h in zip(wide, high, strict=True)]
    for rect in together(around):
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


def _cut(frame: Frame, parts: Sequence[Rect]) -> list[bytes]:
    return [draw.lossless(frame, part) for part in parts]


def _found(
    parts: Sequence[Rect], read: Sequence[Sequence[Line]], secrets: Secrets
) -> Iterator[Rect]:
    for part, lines in zip(parts, read, strict=True):
        for rect in covers(lines, secrets):
            yield attrs.evolve(rect, x=rect.x + part.x, y=rect.y + part.y)
