"""What became of the last frames, and why: the ledger's memory, bounded, for `hud why`."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from hud.channel import Observer
from hud.items import Change, Fate, Frame, NoteDelta, Rect, Shot, Status, clock
from hud.ledger import Ledger

ENTRIES = 500
"""Entries that are kept; frames in a row that met the same end for the same reason share one."""
OPEN = 1000
"""Frames whose end is not known yet; far more than can be in flight."""


@attrs.define
class Entry:
    """One frame, or several in a row, and their end."""

    first: int
    """Number of the first frame."""
    last: int
    monitor: int
    wall_time: float
    """Of the last frame, in seconds since the epoch."""
    fate: Fate | None = None
    rule: str = ""
    """The detector's, in words."""
    regions: tuple[Rect, ...] = ()
    into: int | None = None
    """The frame that went on with what this one held."""
    tokens: int = 0
    usd: float | None = None
    milliseconds: float | None = None
    """From the grab to the finished answer."""
    text: str = ""
    """The note, "" for none."""

    def shares_with(self, later: Entry) -> bool:
        """Whether a later frame met the same end for the same reason."""
        mine, others = (self.monitor, self.fate, self.rule), (later.monitor, later.fate, later.rule)
        return mine == others and self.fate is not Fate.SENT and later.first == self.last + 1

    def line(self) -> str:
        """For a person."""
        count = self.last - self.first + 1
        frames = f"frame {self.first}" if count == 1 else f"frames {self.first} to {self.last}"
        fate = self.fate.value if self.fate else "in flight"
        parts = [self.rule, *(self._places()), *(self._outcome())]
        said = "; ".join(part for part in parts if part)
        return f"{clock(self.wall_time)}  {frames:24} {fate:12} {said}"

    def _places(self) -> Iterator[str]:
        places = [f"{r.width}x{r.height} at {r.x},{r.y}" for r in self.regions[:3]]
        if len(self.regions) > len(places):
            places.append(f"{len(self.regions) - len(places)} more")
        if places:
            yield "at " + ", ".join(places)

    def _outcome(self) -> Iterator[str]:
        if self.into is not None:
            yield f"went on with frame {self.into}"
        if self.milliseconds is not None:
            cost = f", ${self.usd:.4f}" if self.usd else ""
            yield f"answered after {self.milliseconds:.0f} ms, {self.tokens} tokens{cost}"
        if self.text:
            yield f"“{self.text}”"

    def concerns(self, frame: int) -> bool:
        """Whether it is about this frame, or about one that went on with it."""
        return self.first <= frame <= self.last or self.into == frame

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Entry:
        """Read back what `record` made."""
        fate = None if record["fate"] is None else Fate(record["fate"])
        regions = tuple(Rect(*region) for region in record["regions"])
        return cls(**dict(record) | {"fate": fate, "regions": regions})

    def record(self) -> dict[str, Any]:
        """As plain data."""
        record = attrs.asdict(self, recurse=False)
        regions = [list(attrs.astuple(region)) for region in self.regions]
        return record | {"fate": self.fate.value if self.fate else None, "regions": regions}


class History(Observer):
    """Remembers the ends of the last frames; give it the ledger that knows them."""

    def __init__(self, ledger: Ledger) -> None:
        self.entries: collections.deque[Entry] = collections.deque(maxlen=ENTRIES)
        self._open: dict[int, Entry] = {}
        ledger.settled = self._settled
        ledger.reopened = self._reopened

    def answer(self) -> dict[str, Any]:
        """All entries as plain data, those in flight last."""
        entries = [*self.entries, *self._open.values()]
        return {"entries": [entry.record() for entry in entries]}

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame):
            self._open[item.seq] = Entry(item.seq, item.seq, item.monitor, item.wall_time)
            if len(self._open) > OPEN:
                del self._open[next(iter(self._open))]
        elif isinstance(item, Change):
            self._know(item)
        elif isinstance(item, NoteDelta) and item.status is not Status.IN_PROGRESS:
            self._answered(item)

    def merged(self, edge: str, older: object, into: object) -> None:
        """See Observer."""
        older_seq, into_seq = getattr(older, "seq", None), getattr(into, "seq", None)
        if isinstance(into, Change):
            self._know(into)
        if isinstance(older, Frame | Change | Shot) and older_seq != into_seq:
            entry = self._open.get(older.seq)
            if entry is not None:
                entry.into = into_seq

    def _know(self, change: Change) -> None:
        entry = self._open.get(change.seq)
        if entry is not None:
            entry.rule, entry.regions = change.rule, change.regions

    def _answered(self, delta: NoteDelta) -> None:
        entry = self._open.get(delta.seq)
        if entry is not None:
            entry.tokens, entry.usd = delta.usage.input_tokens, delta.usd
            entry.milliseconds = 1000 * (delta.time - delta.shot.change.frame.time)
            entry.text = " ".join(delta.text.split())
            entry.rule = delta.detail or entry.rule

    def _settled(self, seq: int, fate: Fate) -> None:
        entry = self._open.pop(seq, None)
        if entry is None:
            return
        entry.fate = fate
        before = self.entries[-1] if self.entries else None
        if before is not None and before.shares_with(entry):
            before.last, before.wall_time = entry.last, entry.wall_time
        else:
            self.entries.append(entry)

    def _reopened(self, seq: int) -> None:
        """What came to rest is passed on with a frame that had met its end."""
        for entry in reversed(self.entries):
            if entry.last == seq:
                self._open[seq] = attrs.evolve(entry, first=seq, fate=None)
                entry.last -= 1
                if entry.last < entry.first:
                    self.entries.remove(entry)
                return
