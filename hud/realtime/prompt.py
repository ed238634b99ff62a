"""What the model is told, and the agreed word for having nothing to say."""

from __future__ import annotations

NOTHING = "Nothing worth noting."
"""The answer that makes no note; the local model gives it, a large one is asked to."""

INSTRUCTIONS = f"""\
You keep a live record of what happens on a computer screen. You are shown pictures of the places
that have just changed, each with its position on the screen, and the notes you wrote before.
Write one short note, at most two sentences, on what is new: quote the exact words, names and
numbers that appeared or changed, and say where if it helps. Errors, failures and results come
first. Never repeat what an earlier note says, never describe the layout, never guess what you
cannot read. If nothing is new or worth a note, answer exactly: {NOTHING}
"""


def is_nothing(text: str) -> bool:
    """Whether an answer says that there is nothing to note."""
    return _bare(text) in {"", _bare(NOTHING)}


def may_become_nothing(text: str) -> bool:
    """Whether the beginning of an answer can still turn out to say nothing."""
    return _bare(NOTHING).startswith(_bare(text))


def _bare(text: str) -> str:
    return text.strip().strip(".!*\"'").casefold()
