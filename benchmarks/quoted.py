"""Judges what notes quote by what a terminal showed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from hud.local import likeness

_SENTENCE = re.compile(r'"([^"]*)"(?: → "([^"]*)")?')
_PART = 4  # folded letters
_ALIKE, _APART = 0.85, 0.2


@attrs.frozen
class Quote:
    """What one note says of one line."""

    text: str
    """As it reads now."""
    before: str = ""
    """As it read before, where the note says that it changed."""
    gone: bool = False


def quotes(note: str) -> Iterator[Quote]:
    """What a note says, in its order."""
    for part in re.split(r"; (?=New: |Now: |Changed: |Gone: )", note):
        for one, other in _SENTENCE.findall(part):
            before, text = (one, other) if other else ("", one)
            yield Quote(text, before, gone=part.startswith("Gone: "))


def judge(finished: Sequence[str], standing: Sequence[str], notes: Sequence[str]) -> dict[str, Any]:
    """Judge `notes`, of which the first describes the screen before anything was printed.

    `finished` are the lines that must be told once, `standing` others that were on the screen.
    """
    told = [quote for note in notes[1:] for quote in quotes(note)]
    stood = list(dict.fromkeys((*finished, *standing)))
    found = {text: meant(text, stood) for text in {q.text for q in told} | {q.before for q in told}}
    present = [found[quote.text] for quote in told if not quote.gone]
    wrong = [quote.text for quote in told if found[quote.text] is None]
    changes = [quote for quote in told if quote.before]
    false = [
        f"{quote.before} → {quote.text}"
        for quote in changes
        if None in (was := (found[quote.before], found[quote.text]))
        or was[0] == was[1]
        or was[0] in finished
    ]
    exact = {quote.text for quote in told}
    return {
        "lines": len(finished),
        "notes": len(notes) - 1,
        "quotes": len(told),
        "once": sum(present.count(line) == 1 for line in finished),
        "exact": sum(line in exact for line in finished),
        "slips": [
            f"{found[quote.text]} read as {quote.text}"
            for quote in told
            if found[quote.text] not in {None, quote.text}
        ],
        "missing": [line for line in finished if line not in present],
        "doubled": [line for line in finished if present.count(line) > 1],
        "wrong": [f"{text} (nearest: {_nearest(text, stood)})" for text in wrong],
        "changes": len(changes),
        "false_changes": false,
        "disordered": [note for note in notes[1:] if not _ordered(note, finished, stood)],
    }


def meant(text: str, stood: Sequence[str]) -> str | None:
    """The line that a quote is of, but for slips of the reader, or a good part of; None: none."""
    letters = likeness.fold(text)
    for line in reversed(stood):
        if likeness.fold(line) == letters:
            return line
    for line in reversed(stood):
        if likeness.same(line, text):
            return line
    part = next((line for line in reversed(stood) if letters in likeness.fold(line)), None)
    return part if part is not None and len(letters) >= _PART else _clearly(text, stood)


def _clearly(text: str, stood: Sequence[str]) -> str | None:
    """The line that is like a quote while no other one is."""
    rated = sorted(((likeness.ratio(line, text), line) for line in stood), reverse=True)[:2]
    second = rated[1][0] if len(rated) > 1 else 0.0
    return rated[0][1] if rated and rated[0][0] > max(_ALIKE, second + _APART) else None


def _nearest(text: str, stood: Sequence[str]) -> str:
    return difflib.get_close_matches(text, stood, 1, 0.0)[0] if stood else ""


def _ordered(note: str, finished: Sequence[str], stood: Sequence[str]) -> bool:
    """Whether new lines are told from top to bottom, which is the order in which they came."""
    places = [
        finished.index(line)
        for quote in quotes(note)
        if not quote.gone and (line := meant(quote.text, stood)) in finished
    ]
    return places == sorted(places)
