"""The fate of every captured frame, learnt from the channels; an observer, so no stage knows it."""

from __future__ import annotations

import collections
from collections.abc import Callable

from hud.channel import Observer, ends
from hud.items import Change, Fate, Frame, NoteDelta, Shot, Status

_ENDS = {Status.FAILED: Fate.FAILED, Status.WITHHELD: Fate.WITHHELD_BY_BUDGET}
_NO_END = frozenset({Status.IN_PROGRESS, Status.WITHDRAWN})


def _ignore(*_told: object) -> None:
    return


class Ledger(Observer):
    """Counts fates. A frame is open from its grab until its fate is known, and has only one."""

    def __init__(self) -> None:
        self.captured = 0
        self.settled: Callable[[int, Fate], None] = _ignore
        """Told of each frame whose fate is known."""
        self.reopened: Callable[[int], None] = _ignore
        """Told of each frame whose fate is open again."""
        self.fates: collections.Counter[Fate] = collections.Counter()
        self._open: set[int] = set()
        self._ignored: dict[int, tuple[int, Fate]] = {}
        """Monitor → its last frame that went no further, which may still be passed on later."""
        self._in_hand: dict[str, int] = {}
        """Receiving stage → the frame it works on, which is lost when the stage crashes."""

    @property
    def in_flight(self) -> int:
        """Frames whose fate is not known yet."""
        return len(self._open)

    def close(self) -> None:
        """Nothing moves any more: what is still open did not arrive."""
        for seq in tuple(self._open):
            self._settle(seq, Fate.FAILED)

    def summary(self) -> str:
        """One line such as `300 frames: 280 unchanged, 20 sent`."""
        counts = ", ".join(f"{self.fates[fate]} {fate.value}" for fate in Fate if self.fates[fate])
        return f"{self.captured} frames" + (f": {counts}" if counts else "")

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame):
            self.captured += 1
            self._open.add(item.seq)
        elif isinstance(item, Change) and item.regions:
            self._reopen(item)
        elif isinstance(item, NoteDelta) and item.status not in _NO_END:
            end = _ENDS.get(item.status, Fate.SENT)
            self._settle(item.seq, Fate.WITHHELD_BY_PRIVACY if item.shot.withheld else end)

    def ignored(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Change):
            fate = item.fate or Fate.NOISE
            self._settle(item.seq, fate)
            self._ignored[item.monitor] = item.seq, fate
        elif isinstance(item, Frame | Shot):
            self._settle(item.seq, Fate.WITHHELD_BY_PRIVACY)

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """See Observer."""
        if isinstance(older, Change) and isinstance(into, Change):
            if older.seq != into.seq:
                self._settle(older.seq, Fate.MERGED)
            if into.regions:
                self._reopen(into)
        elif isinstance(older, Frame):
            self._settle(older.seq, Fate.REPLACED)

    def dropped(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame | Change):
            self._settle(item.seq, Fate.REPLACED)
        elif isinstance(item, Shot):
            self._settle(item.seq, Fate.FAILED)

    def withheld(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame | Change | Shot):
            self._settle(item.seq, Fate.WITHHELD_BY_PRIVACY)

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame | Change | Shot):
            self._in_hand[ends(edge)[1]] = item.seq

    def returned(self, edge: str, item: object) -> None:
        """See Observer."""
        self._in_hand.pop(ends(edge)[1], None)

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        seq = self._in_hand.pop(stage, None)
        if seq is not None:
            self._settle(seq, Fate.FAILED)

    def _reopen(self, change: Change) -> None:
        """What came to rest is passed on with a frame that had nothing new by itself."""
        seq, fate = self._ignored.get(change.monitor, (0, Fate.NOISE))
        if seq == change.seq and seq not in self._open:
            del self._ignored[change.monitor]
            self.fates[fate] -= 1
            self._open.add(seq)
            self.reopened(seq)

    def _settle(self, seq: int, fate: Fate) -> None:
        if seq in self._open:
            self._open.remove(seq)
            self.fates[fate] += 1
            self.settled(seq, fate)
