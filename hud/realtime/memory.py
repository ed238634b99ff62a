"""The notes that go along with each turn, so that the model does not repeat itself."""

from __future__ import annotations

KEEP = 14
MOST = 40
"""Chosen by what an hour costs (benchmarks/hour.py): fewer than fourteen notes and the instructions
make less than the 1,024 tokens from which a prefix is cached."""
_OVERDUE = 10
"""Notes beyond `most` for which a summary is waited for."""

SUMMARIZE = """\
Summarise the notes so far, the earlier summary included, in at most 120 words of plain text: what
was worked on, what was decided, what failed, and names and numbers that may matter later. Answer
with the summary alone."""
"""What is asked for when the older notes are to go."""


class Memory:
    """The recent notes as text, oldest first, behind a summary of the older ones.

    They grow to `most` and are then cut to the newest `keep` at once: a text that only grows keeps
    the server's cached prefix, one that loses a line at every turn never does.
    """

    def __init__(self, *, keep: int = KEEP, most: int = MOST, summarizes: bool = False) -> None:
        self._lines: list[str] = []
        self._summary = ""
        self._keep = keep
        self._most = most
        self._summarizes = summarizes

    def add(self, clock: str, text: str) -> None:
        """Remember a note; `clock` is the time it speaks of."""
        if not self._most:
            return
        room = self._most + (_OVERDUE if self._summarizes else 0)
        if len(self._lines) >= room:
            self.rebase("")
        self._lines.append(f"{clock} {' '.join(text.split())}")

    @property
    def wants_summary(self) -> bool:
        """Whether the older notes are about to go."""
        return self._summarizes and len(self._lines) >= self._most

    def rebase(self, summary: str) -> None:
        """Let the older notes go; a summary takes their place, "" keeps the one that is there."""
        self._summary = " ".join(summary.split()) or self._summary
        del self._lines[: -self._keep]

    def text(self) -> str:
        """One note a line, "" for none."""
        earlier = [f"Earlier: {self._summary}"] if self._summary else []
        return "\n".join(earlier + self._lines)
