"""Where on a picture the secrets stand that were read in it."""

from __future__ import annotations

from collections.abc import Sequence

from hud.local.reader import Line
from hud.privacy.secrets import Secrets, Span, begins_key, ends_key, goes_on, is_encoded, rest
from hud.rect import Rect

AT_END = 2
"""Letters behind a secret up to which it may go on in the next row."""
WRAPPED = 8
"""Letters from which a secret at the end of a row may be the first part of a longer one."""
LONG = 40
"""Letters from which it surely went on: any odd word that begins the next row is its rest."""
DASHES = 4
"""Heights of a row: the dashes around the first and last line of a key are often not read."""


def covers(lines: Sequence[Line], secrets: Secrets) -> list[Rect]:
    """Rectangles over every secret in these lines, with room for the reader's imprecision.

    A secret that reaches the end of its row is followed into the rows below, and a private key
    from its first line to its last, or as far as encoded rows go.
    """
    found: list[Rect] = []
    for number, line in enumerate(lines):
        text = _text(line)
        spans = secrets.find(text)
        if secrets.has_keys and (begins_key(text) or ends_key(text)):
            found.append(_whole(line, DASHES))
        found += (_place(line, span) for span in spans)
        wrapped = [end - begin for begin, end in spans if end >= len(text) - AT_END]
        if wrapped and max(wrapped) >= WRAPPED:
            found += _rest(lines[number + 1 :], line, after_long=max(wrapped) >= LONG)
        if secrets.has_keys and begins_key(text):
            found += _body(lines[number + 1 :], line)
        if secrets.has_keys and ends_key(text):
            found += _body(lines[:number][::-1], line)
    return found


def _text(line: Line) -> str:
    return " ".join(word.text for word in line.words) if line.words else line.text


def _place(line: Line, span: Span, aside: float = 0.5) -> Rect:
    """Of some letters of a line; all of it where the reader did not say where its words stand.

    `aside`: what is added left and right, in heights of the row.
    """
    begin, left, right = 0, line.rect.right, line.rect.x
    for word in line.words:
        if begin < span[1] and begin + len(word.text) > span[0]:
            left, right = min(left, word.left), max(right, word.right)
        begin += len(word.text) + 1
    if left >= right:
        left, right = line.rect.x, line.rect.right
    margin = max(4, round(aside * line.rect.height))
    above = max(2, line.rect.height // 8)
    x, y = max(0, left - margin), max(0, line.rect.y - above)
    return Rect(x, y, right + margin - x, line.rect.bottom + above - y)


def _whole(line: Line, aside: float = 0.5) -> Rect:
    return _place(line, (0, len(_text(line))), aside)


def _rest(below: Sequence[Line], line: Line, *, after_long: bool) -> list[Rect]:
    found = []
    for other in below:
        if not _is_next(line, other):
            continue
        text = _text(other)
        if goes_on(text):
            found.append(_whole(other))
        elif after_long and (span := rest(text)) is not None:
            found.append(_place(other, span))
            break
        else:
            break
        line = other
    return found


def _is_next(line: Line, other: Line) -> bool:
    """Whether the other line stands below, in the next row of the same column."""
    gap = other.rect.y - line.rect.bottom
    together = min(line.rect.right, other.rect.right) - max(line.rect.x, other.rect.x)
    return (
        -line.rect.height < gap < 1.5 * line.rect.height
        and together > 0
        and (other.rect.y > line.rect.y + line.rect.height // 2)
    )


def _body(others: Sequence[Line], line: Line) -> list[Rect]:
    """The rows of a private key from one end of it to the other."""
    found = []
    for other in others:
        text = _text(other)
        if not (is_encoded(text) or begins_key(text) or ends_key(text) or goes_on(text)):
            break
        if abs(other.rect.y - line.rect.y) > 3 * max(line.rect.height, other.rect.height):
            break
        found.append(_whole(other))
        line = other
    return found
