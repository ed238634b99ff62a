"""What became of the last frames, and what the last turns showed: bounded memory.

A sink may be given it, and reads it when `changed` is set: who follows remembers the version it
knows and asks `since` for what is newer.
"""

from __future__ import annotations

import collections
import secrets
import time
from collections.abc import Mapping, Sequence

import attrs
import trio

from hud.fates import Entry, Exhibit
from hud.heap import apart
from hud.items import Fate, Picture
from hud.rect import together

ENTRIES = 500
"""Entries that are kept, about 1 kB each."""
KINDS = 20
"""Reasons that are told apart at once; a rule with a number in it can have no end of them."""
REGIONS = 12
"""Rectangles of an entry; more are united."""
EXHIBITS = 100
"""Turns that are kept with their pictures."""
WEIGHT = 12 * 2**20
"""Bytes of all their pictures together; beyond, the oldest are forgotten first."""


@attrs.define(eq=False)
class Past:
    """The newest entries and exhibits of this run."""

    run: str = attrs.field(factory=lambda: secrets.token_hex(6))
    """Tells this run from every other."""
    started: float = attrs.field(factory=time.time)
    """Seconds since the epoch."""
    entries: collections.deque[Entry] = attrs.field(
        factory=lambda: collections.deque(maxlen=ENTRIES)
    )
    """In the order of their numbers."""
    exhibits: dict[str, Exhibit] = attrs.field(factory=dict)
    """By id, the oldest first."""
    version: int = 0
    changed: trio.Event = attrs.field(factory=trio.Event)
    """Set by the next change, and then replaced."""
    _numbers: int = 0
    _weight: int = 0
    _growing: dict[tuple[object, ...], Entry] = attrs.field(factory=dict)
    """By kind, the entry that the next frame of the kind may share."""

    def settle(self, entry: Entry) -> None:
        """A frame has met its end."""
        older = self._growing.get(entry.kind)
        alone = entry.fate in {Fate.SENT, Fate.FAILED}
        kept = older is not None and older.number > self._numbers - ENTRIES
        if older is not None and kept and not alone and older.shares_with(entry):
            older.add(entry)
            regions = older.regions + entry.regions
            older.regions = regions if len(regions) <= REGIONS else together(regions, 10**6)
            entry = older
        else:
            self._begin(entry)
        self.touch(entry)

    def _begin(self, entry: Entry) -> None:
        self._growing.pop(entry.kind, None)
        if len(self._growing) >= KINDS:
            self._growing.pop(next(iter(self._growing)))
        self._numbers += 1
        entry.number = self._numbers
        self._growing[entry.kind] = entry
        self.entries.append(entry)

    def reopen(self, seq: int, wall_time: float, stages: Mapping[str, float]) -> Entry | None:
        """Take a frame out again, captured then and with these times; None: it is forgotten."""
        entry = next((each for each in reversed(self.entries) if each.holds(seq)), None)
        if entry is None:
            return None
        entry.take_out(seq, stages)
        self.touch(entry)
        alone = Entry(0, entry.monitor, [(seq, seq)], wall_time, wall_time)
        alone.stages = dict(stages)
        return alone

    def show(self, exhibit: Exhibit) -> None:
        """A turn has begun, or ended; its pictures are the same all the time."""
        older = self.exhibits.pop(exhibit.id, None)
        self._weight += exhibit.weight - (older.weight if older is not None else 0)
        self.version += 1
        pictures = tuple(map(_kept, exhibit.pictures)) if older is None else older.pictures
        self.exhibits[exhibit.id] = attrs.evolve(exhibit, version=self.version, pictures=pictures)
        while len(self.exhibits) > EXHIBITS or (self._weight > WEIGHT and len(self.exhibits) > 1):
            oldest = self.exhibits.pop(next(iter(self.exhibits)))
            self._weight -= oldest.weight
        self._stir()

    def since(self, version: int) -> tuple[Sequence[Entry], Sequence[Exhibit]]:
        """The entries and exhibits that changed after that version, as they are by now."""
        entries = [entry for entry in self.entries if entry.version > version]
        exhibits = [each for each in self.exhibits.values() if each.version > version]
        return entries, exhibits

    def entry_of(self, seq: int) -> Entry | None:
        """The entry of one frame that was sent; None: it was not, or it is forgotten."""
        newest_first = reversed(self.entries)
        return next((e for e in newest_first if e.last == seq and e.fate is Fate.SENT), None)

    def touch(self, entry: Entry) -> None:
        """Tell who follows that it has changed."""
        self.version += 1
        entry.version = self.version
        self._stir()

    def _stir(self) -> None:
        self.changed.set()
        self.changed = trio.Event()


def _kept(picture: Picture) -> Picture:
    return attrs.evolve(picture, jpeg=apart(picture.jpeg))
