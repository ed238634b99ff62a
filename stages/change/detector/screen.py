"""The pictures the detector keeps of one monitor: what is there, and what was shown of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hud.detector import SLACK
from hud.items import SMALL, Pixels
from hud.pixels import Words, channels
from hud.rect import Rect
from stages.change.detector.dirty import CELL, Difference, Indices, Mask, any_in_cells, places
from stages.change.detector.film import Films
from stages.change.detector.memory import Known, Rates
from stages.change.detector.options import Limits
from stages.change.detector.pointer import Pointer
from stages.change.detector.shapes import codes, differ, palette
from stages.change.detector.signature import signatures

MOST_HUES = 600
"""Cells of background whose colours are noted in one frame."""
STRANGE = 0.15
"""What has this share of colours that its place never had is of another kind."""
CALM = 0.25
"""A state that lasts this long is remembered; the frames of a film are not."""

Hues = npt.NDArray[np.uint64]
"""A set of 64 colours, a bit each."""


class Screen:
    """Pixels, history of every cell, and which cells are background.

    Frames that may be written to are copied, changed bands only: a capture may draw the next one
    into the same buffer.
    """

    def __init__(self, first: Words, time: float, options: Limits) -> None:
        self.height, self.width = first.shape
        self.begun = time
        self.difference = Difference(self.height, self.width)
        shape = self.difference.mask.shape
        rows, columns = self.difference.cells.shape
        self.shown: Words = np.zeros(shape, np.uint32)
        self.shown[: self.height, : self.width] = first
        self.now: Words = first if self._stays(first) else self.shown.copy()
        self.known = Known(rows, columns)
        self.rates = Rates(rows, columns, options)
        self.films = Films(rows, columns)
        self.pointer = Pointer()
        self.rates.touched[:] = self.rates.painted[:] = time
        self.owing: Mask = np.zeros((rows, columns), bool)
        """Background cells that changed and have not been judged since."""
        self.passed = np.full((rows, columns), -1e6)
        """When the content of a cell was last passed on by itself."""
        self._hues: Hues = np.zeros((rows, columns), np.uint64)
        """Which of 64 colours a cell had while it was background, a bit each."""
        self._fresh: Mask = np.ones((rows, columns), bool)
        self._fresh_due: float | None = time + CALM
        self._tolerance = options.tolerance

    @property
    def area(self) -> int:
        """Pixels of the screen."""
        return int(self.height * self.width)

    def take(self, new: Words, time: float) -> None:
        """Make the new picture the present one."""
        at = self.difference.changed
        self.known.leave(*at, time)
        self.show(new)
        self.rates.touched[at] = time
        self._fresh[at] = True
        self._fresh_due = time + CALM

    def learn_hues(self, rows: Indices, columns: Indices) -> None:
        """Note the colours of background that is about to change; of a film they say nothing."""
        if rows.size <= MOST_HUES:
            self._hues[rows, columns] |= _hues(self.now, rows, columns)

    def strange(self, pixels: Words, rect: Rect, place: Rect) -> bool:
        """Whether a good part of `rect` is in colours that the background `place` never had."""
        had = np.bitwise_or.reduce(self._hues[cell_slices(place)], axis=None)
        shares = palette(pixels[rect.slices])
        unseen = (had >> np.arange(64, dtype=np.uint64)) & np.uint64(1) == 0
        return bool(had and shares[unseen].sum() >= STRANGE * max(0.1, 1 - shares.max()))

    def show(self, new: Words) -> None:
        """Make the new picture the present one, which may differ in the changed bands only."""
        if self._stays(new):
            self.now = new
            return
        if not self.now.flags.writeable:
            self.now = self.shown.copy()
            self.now[: self.height, : self.width] = new
        for used in self.difference.used:
            across = slice(used.x, min(used.right, self.width))
            self.now[used.y : used.bottom, across] = new[used.y : used.bottom, across]

    def _stays(self, picture: Words) -> bool:
        """Whether it needs no copy: it is made of whole cells, and nobody draws into it."""
        kept = picture.flags.c_contiguous and not picture.flags.writeable
        return kept and picture.shape == self.shown.shape

    def remember(self, time: float) -> None:
        """Add to the memory what has been still for a while."""
        if self._fresh_due is None or time < self._fresh_due - SLACK:
            return
        rows, columns = places(self._fresh)
        calm = time - self.rates.touched[rows, columns] >= CALM - SLACK
        self._fresh_due = None if calm.all() else time + CALM
        rows, columns = rows[calm], columns[calm]
        if rows.size:
            self.known.rest(rows, columns, signatures(self.now, rows, columns))
            self._fresh[rows, columns] = False

    def owes(self, rect: Rect, time: float) -> None:
        """What is in `rect` is background now, and may stop at any time."""
        at = cell_slices(rect)
        self.owing[at] |= self.rates.background(time)[at]

    def rest_due(self, waiting: Mask | None = None) -> float | None:
        """When the first of the background that changed comes to rest if it stays as it is."""
        cells = self.owing if waiting is None else self.owing & ~waiting
        return float(self.rates.rest_at(*places(cells)).min()) if cells.any() else None

    def rested(self, time: float, waiting: Mask) -> Mask:
        """The background that changed and has come to rest, from now on judged."""
        rows, columns = places(self.owing & ~waiting)
        done = self.rates.rest_at(rows, columns) <= time + SLACK
        found = np.zeros_like(self.owing)
        found[rows[done], columns[done]] = True
        self.owing[rows[done], columns[done]] = False
        return found

    def outstanding(self, rect: Rect, without: Mask | None) -> tuple[Rect, Mask, float]:
        """The pixels of `rect`, widened to cells, that differ from what was shown.

        Cells in `without` are left out; the number is the share of the difference they held.
        """
        box = to_cells(rect, self.difference.mask.shape)
        mask = differ(self.shown[box.slices], self.now[box.slices], self._tolerance)
        if without is not None:
            mine = without[cell_slices(box)]
            if mine.any():
                all_of_it = max(1, int(np.count_nonzero(mask)))
                mask &= ~np.repeat(np.repeat(mine, CELL, 0), CELL, 1)
                return box, mask, 1 - np.count_nonzero(mask) / all_of_it
        return box, mask, 0.0

    def seen(self, box: Rect, mask: Mask) -> tuple[Mask, Mask]:
        """The cells of `box` that differ, and those of them that are in a state they had before."""
        cells = any_in_cells(np.ascontiguousarray(mask))
        rows, columns = places(cells)
        at = rows + box.y // CELL, columns + box.x // CELL
        before = np.zeros_like(cells)
        before[rows, columns] = self.known.holds(*at, signatures(self.now, *at))
        return cells, before

    def inked(self, box: Rect) -> Mask:
        """The cells of `box`, which is made of whole cells, that are not of one colour."""
        pixels = self.now[box.slices].reshape(box.height // CELL, CELL, box.width // CELL, CELL)
        found: Mask = (pixels != pixels[:, :1, :, :1]).any(axis=(1, 3))
        return found

    def shown_before(self, rect: Rect) -> Pixels | None:
        """A copy of what was shown in `rect`, shape (height, width, 4); None if it is large."""
        if rect.area > SMALL:
            return None
        # Of whole rows the words lie side by side, and would be a view of what is shown next.
        return channels(self.shown[rect.slices].copy())

    def accept_changed(self, rect: Rect, new: Words) -> None:
        """What changed in `rect` just now counts as shown, and nothing else there."""
        np.copyto(
            self.shown[rect.slices], new[rect.slices], where=self.difference.mask[rect.slices]
        )

    def accept(self, rect: Rect, where: Mask | bool = True) -> None:
        """What is in `rect` now counts as shown; only `where`, of its shape, if that is given."""
        np.copyto(self.shown[rect.slices], self.now[rect.slices], where=where)


def _hues(pixels: Words, rows: Indices, columns: Indices) -> Hues:
    """The colours of cells, of 64, a bit each."""
    height, width = pixels.shape
    cells = pixels.reshape(height // CELL, CELL, width // CELL, CELL)[rows, :, columns, :]
    bits = np.uint64(1) << codes(cells).astype(np.uint64)
    found: Hues = np.bitwise_or.reduce(bits, axis=(1, 2))
    return found


def to_cells(rect: Rect, shape: tuple[int, ...]) -> Rect:
    """The rectangle widened to whole cells, inside a padded picture of this shape."""
    x, y = max(0, rect.x) // CELL * CELL, max(0, rect.y) // CELL * CELL
    right = min(shape[1], -(-rect.right // CELL) * CELL)
    bottom = min(shape[0], -(-rect.bottom // CELL) * CELL)
    return Rect(x, y, max(0, right - x), max(0, bottom - y))


def cell_slices(rect: Rect) -> tuple[slice, slice]:
    """Index of the cells that a rectangle touches."""
    return (
        slice(rect.y // CELL, -(-rect.bottom // CELL)),
        slice(rect.x // CELL, -(-rect.right // CELL)),
    )


def cells_in(rect: Rect, cells: Mask) -> tuple[Indices, Indices]:
    """Indices of the cells that are set inside a rectangle."""
    rows, columns = cell_slices(rect)
    found = np.nonzero(cells[rows, columns])
    return found[0] + rows.start, found[1] + columns.start
