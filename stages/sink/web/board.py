"""What the page shows: the newest notes and fates, each as it is by now, and the run's state."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

import attrs
import trio

NOTE, FATE, STATE = "note", "fate", "state"
MOST: Mapping[str, int] = {NOTE: 1000, FATE: 500, STATE: 1}
"""States that are kept of each kind for who opens the page or was away; about 1 kB each."""


@attrs.frozen
class Event:
    """The newest state of one thing."""

    number: int
    kind: str
    data: bytes
    """JSON."""


@attrs.define(eq=False)
class Board:
    """Keeps states, not events: who was away gets each thing once, as it is by now.

    So nothing is queued for a slow reader, and nothing that it missed is lost to it.
    """

    edition: str = attrs.field(factory=lambda: secrets.token_hex(4))
    """Tells this run's numbers from another's."""
    changed: trio.Event = attrs.field(factory=trio.Event)
    """Set by the next change, and then replaced."""
    _events: dict[str, dict[str, Event]] = attrs.field(factory=lambda: {kind: {} for kind in MOST})
    """By kind, then by the thing's name, in the order of their numbers."""
    _number: int = 0

    def put(self, kind: str, name: str, data: bytes) -> None:
        """The thing of that name is now this."""
        events = self._events[kind]
        events.pop(name, None)
        self._number += 1
        events[name] = Event(self._number, kind, data)
        if len(events) > MOST[kind]:
            del events[next(iter(events))]
        self.changed.set()
        self.changed = trio.Event()

    def since(self, event_id: str, *kinds: str) -> Sequence[Event]:
        """What changed after that event; everything when it is of another run or of none."""
        edition, _, number = event_id.partition("-")
        known = int(number) if edition == self.edition and number.isdecimal() else 0
        news = list[Event]()
        for kind in kinds or MOST:
            for event in reversed(self._events[kind].values()):
                if event.number <= known:
                    break
                news.append(event)
        return sorted(news, key=lambda event: event.number)

    @property
    def last(self) -> str:
        """What a client says to get only what is still to come."""
        return self.event_id(self._number)

    def event_id(self, number: int) -> str:
        """What a client says to get what comes after it."""
        return f"{self.edition}-{number}"
