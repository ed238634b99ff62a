"""How alike two readings of a line are, given what recognition gets wrong."""

from __future__ import annotations

import difflib
import re

_CONFUSED = str.maketrans({"o": "0", "l": "1", "i": "1", "|": "1", "!": "1"})
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,](?=\d)")
_SIGN = re.compile(r"(?<![\w.)])[-+−](?=\d)")
_MEANINGLESS = re.compile(r"[^\w\x00\x01]|_")
_CLOCK = re.compile(r"\b\d{1,2}[:;.±÷]?\d{2}([:;.±÷]\d{2})?(\s*[ap]\.?m\b\.?)?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


def fold(text: str) -> str:
    """The letters that count: without spaces and punctuation, confusable ones made one.

    A decimal point and a sign stay, because they change what a number says.
    """
    text = _SIGN.sub("\x01", _BETWEEN_DIGITS.sub("\x00", text.lower()))
    return _MEANINGLESS.sub("", text.translate(_CONFUSED))


def ratio(one: str, other: str) -> float:
    """Share of letters that two texts have in common, 0 to 1."""
    return difflib.SequenceMatcher(None, fold(one), fold(other), autojunk=False).ratio()


def same(one: str, other: str) -> bool:
    """Whether two readings are of one text: the same letters, or slips inside of words."""
    if fold(one) == fold(other):
        return True
    return _numbers(one) == _numbers(other) and ratio(one, other) >= 0.93 and _slips(one, other)


def grew(old: str, new: str) -> bool:
    """Whether `new` is `old` with more behind it; the caret may have hidden the last letter."""
    before, after = fold(old), fold(new)
    kept = len(before) if len(before) < 4 else len(before) - 1
    return kept > 0 and len(after) > len(before) and after[:kept] == before[:kept]


def only_clock(old: str, new: str) -> bool:
    """Whether two lines differ in nothing but times of day."""
    return _CLOCK.search(old) is not None and fold(_CLOCK.sub("", old)) == fold(_CLOCK.sub("", new))


def only_numbers(old: str, new: str) -> bool:
    """Whether two lines differ in nothing but digits."""
    return _NUMBER.sub("", fold(old)) == _NUMBER.sub("", fold(new))


def _numbers(text: str) -> list[str]:
    return re.findall(r"[\x00\x01\d]+", fold(text))


def _slips(one: str, other: str) -> bool:
    before, after = ([fold(word) for word in text.split()] for text in (one, other))
    if len(before) != len(after):
        return abs(len(fold(one)) - len(fold(other))) <= 1
    pairs = zip(before, after, strict=True)
    return all(a == b or (min(len(a), len(b)) >= 4 and _one_letter(a, b)) for a, b in pairs)


def _one_letter(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    at = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    return short[at:] == long[at + 1 :] or short[at + 1 :] == long[at + 1 :]
