"""How far what is written down reaches ahead of what is spent: sums only, no file, no clock."""

from __future__ import annotations

import attrs

from hud.realtime.budget import Reservation

_NONE = Reservation(0.0, 0.0)


@attrs.define
class Cover:
    """What was begun in this run, and how much whoever reads the file would count of it.

    A turn that the file covers may be asked without writing: whoever is killed then has spent it
    in the eyes of the next run. What is being written may or may not have replaced what was, so
    the smaller of the two counts until it is known.
    """

    begun: Reservation = _NONE
    """Spent or reserved since the beginning."""
    written: Reservation = _NONE
    """The same as the file has it, what it holds ahead included."""

    @property
    def holds(self) -> bool:
        """Whether all that was begun is in the file."""
        return self.begun.usd <= self.written.usd and self.begun.tokens <= self.written.tokens

    def add(self, more: Reservation, less: Reservation = _NONE) -> None:
        """Begin something, or end what was begun as `less` with `more`."""
        usd, tokens = self.begun.usd - less.usd + more.usd, self.begun.tokens - less.tokens
        self.begun = Reservation(usd, tokens + more.tokens)

    def writing(self, ahead: Reservation) -> Reservation:
        """A state with so much ahead is written from now on; what to tell `wrote` afterwards."""
        aim = Reservation(self.begun.usd + ahead.usd, self.begun.tokens + ahead.tokens)
        self.written = Reservation(
            min(self.written.usd, aim.usd), min(self.written.tokens, aim.tokens)
        )
        return aim

    def wrote(self, aim: Reservation) -> None:
        """It is written, and nothing older will take its place."""
        self.written = aim
