"""What each place has shown, and how restless it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.change.detector.dirty import Indices, Mask
from stages.change.detector.options import Limits
from stages.change.detector.signature import Signatures

STATES = 8
"""Signatures remembered per cell; the one not seen for longest makes room."""
BURST = 0.35
"""Changes of a cell closer than this are one burst, so that 5, 10 and 30 frames a second agree."""
FAST = 0.15
"""What is taken for the interval between two pictures of a film."""
FILM = 1.2
"""A burst that lasts this long is a film; a fade or a page being painted is over sooner."""
NEVER = -1e6

Times = npt.NDArray[np.float64]


class Known:
    """The states in which each cell has rested before."""

    def __init__(self, rows: int, columns: int) -> None:
        # Written once: memory that is touched bit by bit grows for hours as a leak does.
        self._current = np.full((rows, columns), 0, np.uint64)
        self._states = np.full((STATES, rows, columns), 0, np.uint64)
        self._seen = np.full((STATES, rows, columns), 0, np.float32)

    def holds(self, rows: Indices, columns: Indices, signs: Signatures) -> Mask:
        """For each cell whether it has shown this signature before."""
        found: Mask = (self._states[:, rows, columns] == signs).any(axis=0)
        return found

    def rest(self, rows: Indices, columns: Indices, signs: Signatures) -> None:
        """The cells have come to rest in these states."""
        self._current[rows, columns] = signs

    def leave(self, rows: Indices, columns: Indices, time: float) -> None:
        """The cells change: the states they rested in belong to the past now."""
        rested = self._current[rows, columns] != 0
        rows, columns = rows[rested], columns[rested]
        if rows.size:
            self._add(rows, columns, self._current[rows, columns], time)
            self._current[rows, columns] = 0

    def _add(self, rows: Indices, columns: Indices, signs: Signatures, time: float) -> None:
        states = self._states[:, rows, columns]
        match = states == signs
        oldest = self._seen[:, rows, columns].argmin(axis=0)
        slot = np.where(match.any(axis=0), match.argmax(axis=0), oldest)
        self._states[slot, rows, columns] = signs
        self._seen[slot, rows, columns] = time


class Rates:
    """When each cell last changed, and which cells change so often that they are background."""

    def __init__(self, rows: int, columns: int, options: Limits) -> None:
        self._options = options
        self.touched: Times = np.full((rows, columns), NEVER)
        """Time of the last change of any kind."""
        self.painted: Times = np.full((rows, columns), NEVER)
        """When the place was last painted over by a large change."""
        self._counted: Times = np.full((5, rows, columns), NEVER)
        self._last: Times = np.full((rows, columns), NEVER)
        self._burst: Times = np.full((rows, columns), NEVER)
        self.restless_at: Times = np.full((rows, columns), NEVER)
        """When the place was last background."""
        self._background_until: Times = np.full((rows, columns), NEVER)
        self._none: Mask = np.zeros((rows, columns), bool)
        self._last_until = NEVER
        self._interval: Times = np.full((rows, columns), 1.0)
        self._patience: Times = np.full((rows, columns), 1.0)
        """How long a still place may yet go on."""

    def count(self, rows: Indices, columns: Indices, time: float) -> None:
        """Count one change of each of these cells, and learn which have become background."""
        since = self._last[rows, columns]
        self._last[rows, columns] = time
        new = time - since > BURST
        self._begin(rows[new], columns[new], time)
        if new.all():
            return
        on = ~new & (time - self._burst[rows, columns] >= FILM)
        self._learn(rows[on], columns[on], np.full((1, np.count_nonzero(on)), FAST), time)

    def counted(self, rows: Indices, columns: Indices, since: float) -> bool:
        """Whether a change of any of these cells was counted since then."""
        return bool((self._last[rows, columns] >= since).any())

    def _begin(self, rows: Indices, columns: Indices, time: float) -> None:
        """A burst of changes begins in each of these cells."""
        if not rows.size:
            return
        self._burst[rows, columns] = time
        times = np.concatenate([np.full((1, rows.size), time), self._counted[:-1, rows, columns]])
        self._counted[:, rows, columns] = times
        often = times[3] > time - 15
        if not often.any():
            return
        rows, columns, times = rows[often], columns[often], times[:, often]
        restless = self._restless(times)
        steps = times[:3, restless] - times[1:4, restless]
        self._learn(rows[restless], columns[restless], steps, time)

    def _learn(self, rows: Indices, columns: Indices, steps: Times, time: float) -> None:
        """These cells are background now, and changed last at intervals of `steps`."""
        if not rows.size:
            return
        interval, longest = steps.mean(axis=0), steps.max(axis=0)
        self._interval[rows, columns] = interval
        self._patience[rows, columns] = 1.6 * longest + 2 * (longest - steps.min(axis=0))
        until = time + np.maximum(self._options.forget, 4 * interval)
        self._background_until[rows, columns] = until
        self._last_until = max(self._last_until, float(until.max()))
        self.restless_at[rows, columns] = time

    def move(self, rows: Indices, columns: Indices, time: float) -> None:
        """These cells are part of a film."""
        self._last[rows, columns] = time
        self._learn(rows, columns, np.full((1, rows.size), FAST), time)

    def _restless(self, times: Times) -> Mask:
        """Four changes within a few seconds, or five at equal distances: a machine is at work.

        Longer equal distances say nothing: slides that advance by themselves are content. And four
        of what changes now and then are at equal distances by chance.
        """
        steps = times[:-1] - times[1:]
        often = times[0] - times[3] <= self._options.restless
        regular = (np.ptp(steps, axis=0) <= 0.25 + 0.05 * steps[0]) & (steps[0] < 5)
        found: Mask = often | regular
        return found

    def background(self, time: float) -> Mask:
        """The cells that are background now; not to be written into."""
        if self._last_until <= time:
            return self._none
        return self._background_until > time

    def join(
        self, cells: tuple[Indices, Indices], host: tuple[Indices, Indices], time: float
    ) -> None:
        """Make cells background too, because they belong to some that are."""
        until = np.maximum(self._background_until[cells], time + self._options.forget)
        self._background_until[cells] = until
        self._last_until = max(self._last_until, float(until.max(initial=NEVER)))
        self._interval[cells] = self._interval[host].max(initial=0.3)
        self._patience[cells] = self._patience[host].max(initial=0.6)

    def calm(self, rect_of_cells: tuple[slice, slice], time: float) -> None:
        """The cells that have not changed since then are background no longer."""
        still = self.touched[rect_of_cells] <= time
        self._background_until[rect_of_cells][still] = NEVER

    def stirred(self, rect_of_cells: tuple[slice, slice], since: float) -> float:
        """Which share of the cells there changed since then."""
        return float((self.touched[rect_of_cells] >= since).mean())

    def film(self, rect_of_cells: tuple[slice, slice]) -> bool:
        """Whether what moved there moved without a pause, as a film does."""
        return bool((self._interval[rect_of_cells] <= FAST).mean() > 0.5)

    def stops_at(self, rect_of_cells: tuple[slice, slice], time: float) -> float:
        """When the background there will have stood still for longer than it ever did."""
        mine = self._background_until[rect_of_cells] > time
        patience = float(self._patience[rect_of_cells][mine].min(initial=60.0))
        return float(self.touched[rect_of_cells][mine].max(initial=NEVER)) + max(0.6, patience)

    def patience(self, rect_of_cells: tuple[slice, slice]) -> float:
        """How long what moved there may stand still and yet go on."""
        return float(self._patience[rect_of_cells].max())

    def rest_at(self, rows: Indices, columns: Indices) -> Times:
        """When background cells will have been still for longer than they use to be."""
        due: Times = self.touched[rows, columns] + np.maximum(
            0.6, 3.2 * self._interval[rows, columns]
        )
        return due
