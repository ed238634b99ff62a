"""What the page shows: the newest notes, each as far as it has come."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import attrs
import trio

MOST = 1000
"""Notes that are kept for who opens the page or was away; about 1 kB each."""


@attrs.frozen
class Event:
    """The newest state of one note."""

    number: int
    data: bytes
    """JSON."""


@attrs.define(eq=False)
class Board:
    """Keeps states, not events: who was away gets each note once, as it is by now.

    So nothing is queued for a slow reader, and nothing that it missed is lost to it.
    """

    edition: str = attrs.field(factory=lambda: secrets.token_hex(4))
    """Tells this run's numbers from another's."""
    figures: str = ""
    changed: trio.Event = attrs.field(factory=trio.Event)
    """Set by the next change, and then replaced."""
    _events: dict[str, Event] = attrs.field(factory=dict)
    """By the note's id, in the order of their numbers."""
    _number: int = 0

    def put(self, name: str, data: bytes) -> None:
        """The note of that name is now this."""
        self._events.pop(name, None)
        self._number += 1
        self._events[name] = Event(self._number, data)
        if len(self._events) > MOST:
            del self._events[next(iter(self._events))]
        self.changed.set()
        self.changed = trio.Event()

    def since(self, event_id: str) -> Sequence[Event]:
        """What changed after that event; everything when it is of another run or of none."""
        edition, _, number = event_id.partition("-")
        known = int(number) if edition == self.edition and number.isdecimal() else 0
        news = list[Event]()
        for event in reversed(self._events.values()):
            if event.number <= known:
                break
            news.append(event)
        news.reverse()
        return news

    def event_id(self, number: int) -> str:
        """What a client says to get what comes after it."""
        return f"{self.edition}-{number}"
