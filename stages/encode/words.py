"""The words of a change as text, for changes that are nothing but text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import cv2
import numpy as np

from hud.items import Cause, Change, Frame, Words
from hud.local.reader import Line
from hud.pixels import middle
from hud.rect import Rect, together

BESIDE = 320
"""Columns left and right of a region that are read with it: a number means what its label says."""
ABOVE = 6
"""Rows above and below, for the tails of the letters."""
SHORT = 160
"""Columns of a region below which its label is looked for above and below as well."""
LABEL = 40
"""Rows in which it may stand."""
MOST_NEAR = 4
"""Labels that are told, the nearest ones."""
MOST_PIXELS = 150_000
"""Of all that is read for one change; more would take longer than a picture is worth."""
SURE = 0.95
"""Confidence of a line, below which a picture is shown."""
STRAY = 0.03
"""Share of a region that may differ from its background without being text."""
_INK = 40
_EDGE = 3


class Recogniser(Protocol):
    """Reads pictures in another process."""

    async def read(self, pictures: Sequence[bytes]) -> Sequence[Sequence[Line]]:
        """Lines of each encoded picture, in its pixels. Raises LocalModelError."""


def strips(change: Change) -> tuple[Rect, ...]:
    """Which parts of the screen to read, wider than the regions; none if that is too much."""
    if change.cause is not Cause.CONTENT:
        return ()
    found = together([_around(rect, change.frame) for rect in change.regions])
    return found if sum(rect.area for rect in found) <= MOST_PIXELS else ()


def _around(rect: Rect, frame: Frame) -> Rect:
    beyond = LABEL if rect.width < SHORT else ABOVE
    return rect.padded(BESIDE, frame.width, frame.height, beyond)


def placed(strips: Sequence[Rect], read: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines of each strip where they stand on the screen."""
    return [
        [_placed(line, strip) for line in lines] for strip, lines in zip(strips, read, strict=True)
    ]


def told(
    change: Change, read: Iterable[tuple[Rect, Sequence[Line]]], *, only_if_sure: bool
) -> tuple[Words, ...]:
    """What to tell of a change in words, given the placed lines of each strip; () means: show it.

    With `only_if_sure` the words must be read beyond doubt and be all there is to see.
    """
    found = []
    for strip, lines in read:
        regions = [rect for rect in change.regions if rect.intersects(strip)]
        if only_if_sure and not _is_text(change.frame, strip, regions, lines):
            return ()
        words = _words(change.frame, strip, regions, lines)
        if words.lines:
            found.append(words)
    return tuple(found)


def _placed(line: Line, strip: Rect) -> Line:
    rect = line.rect.moved(strip.x, strip.y)
    return line.moved(strip.x, rect)


def _words(frame: Frame, strip: Rect, regions: Sequence[Rect], lines: Iterable[Line]) -> Words:
    changed, near = list[str](), list[tuple[int, str]]()
    for line in lines:
        text = _whole_words(line, strip, frame.width)
        if text and any(_stands_in(line.rect, region) for region in regions):
            changed.append(text)
        elif text and not _cut_across(line, strip, frame.height):
            near.append((min(_distance(line.rect, region) for region in regions), text))
    return Words(strip, tuple(changed), tuple(text for _, text in sorted(near)[:MOST_NEAR]))


def _whole_words(line: Line, strip: Rect, width: int) -> str:
    """A line without the words that the edge of what was read has cut."""
    words = line.text.split()
    if line.rect.x <= strip.x + _EDGE and strip.x > 0:
        words = words[1:]
    if line.rect.right >= strip.right - _EDGE and strip.right < width:
        words = words[:-1]
    return " ".join(words)


def _cut_across(line: Line, strip: Rect, height: int) -> bool:
    above = line.rect.y <= strip.y + 1 and strip.y > 0
    return above or (line.rect.bottom >= strip.bottom - 1 and strip.bottom < height)


def _stands_in(line: Rect, region: Rect) -> bool:
    """Whether a row of a region is this line's, and not only the edge of a neighbour's."""
    middle = line.y + line.height / 2
    return line.intersects(region) and region.y <= middle < region.bottom


def _distance(one: Rect, other: Rect) -> int:
    across = max(one.x, other.x) - min(one.right, other.right)
    down = max(one.y, other.y) - min(one.bottom, other.bottom)
    return max(0, across) + 4 * max(0, down)  # a label stands in the same row more often


def _is_text(frame: Frame, strip: Rect, regions: Iterable[Rect], lines: Sequence[Line]) -> bool:
    """Whether surely read lines are all that the regions show."""
    gray = cv2.cvtColor(np.ascontiguousarray(frame.pixels[strip.slices]), cv2.COLOR_BGRA2GRAY)
    for region in regions:
        inside = [line for line in lines if _stands_in(line.rect, region)]
        unsure = (
            line.confidence < SURE or _cut_across(line, strip, frame.height) for line in inside
        )
        if not inside or any(unsure):
            return False
        part = gray[_within(region, strip).slices].astype(np.int16)
        stray = np.abs(part - int(middle(part.ravel()))) > _INK
        for line in (line for line in lines if line.rect.intersects(region)):
            stray[_within(line.rect.padded(_EDGE, strip.right, strip.bottom), region).slices] = (
                False
            )
        if stray.mean() > STRAY:
            return False
    return True


def _within(inner: Rect, outer: Rect) -> Rect:
    """The common part of two rectangles that share one, seen from the outer's top left."""
    x, y = max(inner.x, outer.x), max(inner.y, outer.y)
    right, bottom = min(inner.right, outer.right), min(inner.bottom, outer.bottom)
    return Rect(x - outer.x, y - outer.y, right - x, bottom - y)
