"""The standing picture of a monitor, kept up to date without copying all of it.

Every frame must stay as it is for as long as a stage looks at it, while the next ones are drawn.
So there are a few buffers: each state of the screen is made in one that nobody looks at, from what
that buffer missed since it was last the present one. A buffer is free again when the last array
that shows any part of it is gone. There are never more than frames in flight, whose number the
edges between the stages bound, and one that is drawn into.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence

import attrs
import numpy as np

from hud.items import Pixels
from hud.pixels import dirty_bands, words
from hud.rect import Rect, inside

Patch = tuple[Rect, Pixels]
"""A place in the picture and its new pixels."""
MOST_MISSED = 24
"""Rectangles; beyond them a buffer takes in one rectangle around all of them."""
ENOUGH = 3
"""Buffers for the present, for what is looked at and for what is drawn next."""
WORTH_COMPARING = 300_000
"""Pixels up to which a patch is compared with what stands there: programs draw the same again."""


class Buffers:
    """The picture of one monitor, of which every frame shows a state that stays."""

    def __init__(self, first: Pixels) -> None:
        self._latest = _Buffer(first.copy())
        self._all = [self._latest]

    @property
    def size(self) -> int:
        """In bytes, of all buffers."""
        return sum(buffer.memory.nbytes for buffer in self._all)

    def behind(self, rects: Sequence[Rect]) -> int:
        """Pixels that a `take` of patches in `rects` copies besides these."""
        buffer = self._unused()
        missed = buffer.missed if buffer is not None else [self._whole]
        return sum(rect.area for rect in missed if not any(inside(rect, new) for new in rects))

    @property
    def crowded(self) -> bool:
        """Whether the next `take` makes one more than are mostly needed."""
        return len(self._all) >= ENOUGH and self._unused() is None

    def prepare(self) -> None:
        """Have a buffer for the next state: to make one takes longer than all else with a line."""
        if self._unused() is None:
            self._another()

    def trim(self, enough: int = 2) -> None:
        """Let go of what a busier time has left over: free buffers beyond so many in all."""
        free = [buffer for buffer in self._all if buffer.free and buffer is not self._latest]
        for buffer in free[1:]:
            if len(self._all) > enough:
                self._all.remove(buffer)

    def show(self) -> Pixels:
        """The present picture, read-only and safe from what comes next."""
        return self._latest.show()

    def news(self, patches: Sequence[Patch]) -> list[Patch]:
        """The patches that differ from the present picture, or are too large to compare."""
        present = self._latest.memory
        return [
            (rect, pixels)
            for rect, pixels in patches
            if rect.area > WORTH_COMPARING or differ(pixels, present[rect.slices])
        ]

    def differences(self, first: int, rows: Pixels) -> list[Patch]:
        """Full-width patches where rows of the monitor, from `first` on, are new."""
        width = rows.shape[1]
        bands = dirty_bands(words(rows), words(self._latest.memory[first : first + len(rows)]))
        return [
            (Rect(0, first + top, width, bottom - top), rows[top:bottom]) for top, bottom in bands
        ]

    def take(self, patches: Sequence[Patch]) -> Pixels:
        """Make the patches part of the picture; the new state, read-only."""
        latest, buffer = self._latest, self._unused() or self._another()
        rects = [rect for rect, _ in patches]
        for rect in buffer.missed:
            if not any(inside(rect, new) for new in rects):
                buffer.memory[rect.slices] = latest.memory[rect.slices]
        buffer.missed.clear()
        for rect, pixels in patches:
            buffer.memory[rect.slices] = pixels
        for other in self._all:
            if other is not buffer:
                other.miss(rects)
        self._latest = buffer
        self.trim(ENOUGH)
        return buffer.show()

    def _unused(self) -> _Buffer | None:
        """The buffer nobody looks at that missed least."""
        if self._latest.free:
            return self._latest
        free = [buffer for buffer in self._all if buffer.free]
        return min(free, key=lambda buffer: sum(rect.area for rect in buffer.missed), default=None)

    def _another(self) -> _Buffer:
        self._all.append(_Buffer(self._latest.memory.copy()))
        return self._all[-1]

    @property
    def _whole(self) -> Rect:
        height, width = self._latest.memory.shape[:2]
        return Rect(0, 0, width, height)


@attrs.define(eq=False)
class _Buffer:
    memory: Pixels
    missed: list[Rect] = attrs.field(factory=list)
    """Where it differs from the present picture."""
    _shown: weakref.ref[Pixels] | None = None

    @property
    def free(self) -> bool:
        return self._shown is None or self._shown() is None

    def miss(self, rects: Sequence[Rect]) -> None:
        kept = [old for old in self.missed if not any(inside(old, new) for new in rects)]
        self.missed = [*kept, *rects]
        if len(self.missed) > MOST_MISSED:
            self.missed = [functools.reduce(Rect.union, self.missed)]

    def show(self) -> Pixels:
        root = self._shown() if self._shown is not None else None
        if root is None:
            # Every slice, and slice of a slice, keeps alive the array that stands on memory which
            # is no array: this one.
            root = np.frombuffer(self.memory.data.cast("B"), np.uint8)
            root.flags.writeable = False
            self._shown = weakref.ref(root)
        return root.reshape(self.memory.shape)


def differ(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures of one size differ; where they do, a row mostly tells."""
    middle = len(one) // 2
    return not (np.array_equal(one[middle], other[middle]) and np.array_equal(one, other))
