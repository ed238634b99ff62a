"""The notes that go along with each turn, so that the model does not repeat itself."""

from __future__ import annotations

KEPT = 10
MOST = 30


class Memory:
    """The recent notes as text, oldest first.

    They grow to `MOST` and are then cut to the newest `KEPT` at once: a text that only grows keeps
    the server's cached prefix, one that loses a line at every turn never does.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, clock: str, text: str) -> None:
        """Remember a note; `clock` is the time it speaks of."""
        if len(self._lines) >= MOST:
            del self._lines[:-KEPT]
        self._lines.append(f"{clock} {' '.join(text.split())}")

    def text(self) -> str:
        """One note a line, "" for none."""
        return "\n".join(self._lines)
