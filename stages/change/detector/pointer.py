"""The pictures of a pointer, learnt where it moves by itself, so that it is known where it rests.

What leaves one place and comes up in another is a pointer, as long as it does so on plain ground.
Over text the ground shows through and what it uncovers differs too, so where it stops there it
looks like news. But the pixels that it is made of stay the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs
import cv2
import numpy as np

from hud.pixels import Words
from hud.rect import Rect
from stages.change.detector.dirty import Mask
from stages.change.detector.options import Tolerance
from stages.change.detector.regions import bounds
from stages.change.detector.shapes import LINE, differ, stronger

MOVES = 2
"""Moves of something small from which on it is a pointer, and its picture is learnt."""
LOOKS = 4
"""Pictures that are remembered: an arrow, a hand, a bar between letters."""
LEAST, MOST = 8, 48
"""Pixels that a side of it has."""
MOVE = 96
"""Pixels that both its places take up, side by side, while it comes to rest."""
OUTLINE = 8
"""Pixels that it is larger by than what is much darker or brighter of it."""
TOLERANCE: Tolerance = 16
"""Levels by which a pixel of it may differ."""
STRONG: Tolerance = 32
"""Levels by which a pixel of it differs from what was there before it came."""
FOUND = 0.78
"""Share of its pixels that are found again; those at its edge are mixed with what lies below."""
DIFFERS = 0.5
"""Share of them that differ from what is there without it: a text may have their colour."""
EDGE = 3
"""Pixels around its own that its edge and its shadow change."""
REST = 0.04
"""Share of what differs that need not be explained."""


@attrs.frozen(eq=False)
class _Look:
    """Its picture, and which pixels of that are its own."""

    pixels: Words
    ink: Mask
    own: int
    """How many these are."""

    def places(self, patch: Words, differs: Mask) -> Iterator[tuple[int, int]]:
        """Where it stands in a patch, its left and top, of where most of it differs."""
        height, width = self.ink.shape
        if patch.shape[0] < height or patch.shape[1] < width:
            return
        ink = self.ink.astype(np.float32)
        counts = cv2.filter2D(differs.astype(np.float32), -1, ink, anchor=(0, 0))
        inside = counts[: patch.shape[0] - height + 1, : patch.shape[1] - width + 1]
        for top, left in zip(*np.nonzero(inside >= DIFFERS * self.own), strict=True):
            there = patch[top : top + height, left : left + width]
            same = self.ink & ~differ(there, self.pixels, TOLERANCE)
            if np.count_nonzero(same) >= FOUND * self.own:
                yield int(left), int(top)

    def is_in(self, patch: Words) -> bool:
        """Whether a patch of its size shows it."""
        everywhere = np.ones(patch.shape, np.bool_)
        return patch.shape == self.ink.shape and any(self.places(patch, everywhere))


class Pointer:
    """What is known of its looks."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque(maxlen=LOOKS)

    def learn(self, shown: Words, now: Words, rect: Rect) -> None:
        """It is here now, where something else was shown."""
        if min(rect.width, rect.height) >= LEAST and max(rect.width, rect.height) <= MOST:
            pixels = now[rect.slices].copy()
            if not any(look.is_in(pixels) for look in self._looks):
                ink = differ(shown[rect.slices], pixels, STRONG)
                self._looks.append(_Look(pixels, ink, int(np.count_nonzero(ink))))

    def explains(self, shown: Words, now: Words, box: Rect, mask: Mask) -> bool:
        """Whether what differs in `box` is the pointer that came or went, or both.

        `mask` says which pixels of the box differ.
        """
        count = int(np.count_nonzero(mask))
        return any(
            _rest(look, (shown[box.slices], now[box.slices]), mask) <= REST * count
            for look in self._looks
            if look.own / 2 <= count <= 4 * look.own
        )

    def is_on_tint(self, shown: Words, now: Words, rect: Rect, faint: int) -> bool:
        """Whether it came or went where all else is a tint of `faint` levels: a button lit up."""
        if not self._looks or rect.height > 2 * LINE:
            return False
        around = bounds(stronger(shown[rect.slices], now[rect.slices], faint))
        if around is None or max(around.width, around.height) > MOVE:
            return False
        here = around.moved(rect.x, rect.y)
        # Its outline may be as dark as the ground, and part of it beside the button.
        box = here.padded(OUTLINE, *shown.shape[::-1])
        strong = stronger(shown[box.slices], now[box.slices], faint)
        return self.explains(shown, now, box, strong)


def _rest(look: _Look, pictures: tuple[Words, Words], mask: Mask) -> int:
    """How many pixels differ where it does not stand in one of the pictures."""
    seen = np.zeros(mask.shape, np.uint8)
    for picture in pictures:
        for left, top in look.places(picture, mask):
            at = slice(top, top + look.ink.shape[0]), slice(left, left + look.ink.shape[1])
            seen[at] |= look.ink
    explained = cv2.dilate(seen, np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8))
    return int(np.count_nonzero(mask & (explained == 0)))
