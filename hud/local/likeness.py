"""How alike two readings of a line are, given what recognition gets wrong."""

from __future__ import annotations

import difflib
import functools
import re

_CONFUSED = str.maketrans({"o": "0", "l": "1", "i": "1", "|": "1", "!": "1"})
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,](?=\d)")
_SIGN = re.compile(r"(?<![\w.)])[-+−](?=\d)")
_MEANINGLESS = re.compile(r"[^\w\x00\x01]|_")
_CLOCK = re.compile(r"\b\d{1,2}[:;±÷]\d{2}([:;±÷]\d{2})?(\s*[ap]\.?m\b\.?)?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


@functools.lru_cache(maxsize=4096)
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
    return ratio(one, other) >= 0.93 and _slips(one, other)


def grew(old: str, new: str) -> bool:
    """Whether `new` is `old` with more behind it, and not merely a longer number."""
    before, after = fold(old), fold(new)
    if not before or len(after) <= len(before) or not after.startswith(before):
        return False
    return not (old.rstrip()[-1:].isdigit() and after[len(before)].isdigit())


def nearly(one: str, other: str) -> bool:
    """Whether two folded texts differ in one letter, which is no digit in both."""
    if min(len(one), len(other)) < 8 or abs(len(one) - len(other)) > 1:
        return False
    if not _one_letter(one, other):
        return False
    pairs = zip(one, other, strict=False)
    return not next((a.isdigit() and b.isdigit() for a, b in pairs if a != b), True)


def slipped(one: str, other: str) -> bool:
    """Whether two folded texts of four letters or more differ in one letter at most."""
    return min(len(one), len(other)) >= 4 and (one == other or _one_letter(one, other))


def only_clock(old: str, new: str) -> bool:
    """Whether two lines differ in nothing but times of day."""
    return _CLOCK.search(old) is not None and fold(_CLOCK.sub("", old)) == fold(_CLOCK.sub("", new))


def only_numbers(old: str, new: str) -> bool:
    """Whether two lines differ in nothing but digits."""
    return _NUMBER.sub("", fold(old)) == _NUMBER.sub("", fold(new))


def _slips(one: str, other: str) -> bool:
    before, after = one.split(), other.split()
    if len(before) != len(after):  # a space was lost or found
        return _NUMBER.findall(one) == _NUMBER.findall(other) and _slip(one, other)
    return all(_slip(a, b) for a, b in zip(before, after, strict=True))


def _slip(one: str, other: str) -> bool:
    """Whether two words, none of them a number, differ in one letter at most."""
    before, after = fold(one), fold(other)
    if before == after:
        return True
    numbers = _NUMBER.search(one) or _NUMBER.search(other)
    return not numbers and slipped(before, after)


def _one_letter(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    at = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    return short[at:] == long[at + 1 :] or short[at + 1 :] == long[at + 1 :]
