"""Notes in words: quoted, the most important of many, as they stand on the screen."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from hud.local import likeness
from hud.local.journal import Happening, Kind
from hud.local.reader import Line

_QUOTED = 6
_QUOTED_SHORT = 12
_SHORT = 600  # characters; short lines are quoted beyond the sixth until they make up this many
_LONGEST = 300
_TROUBLE = re.compile(
    r"error|fail|fatal|exception|traceback|denied|refused|critical|panic|warning|not found|"
    r"cannot|could ?n.t|could not|unable|abort|timed? ?out|invalid|crash|killed|conflict|lost",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"pass|succe|done|finish|complete|ready|built|saved|deployed|merged|100 ?%|\bok\b|\btotal\b",
    re.IGNORECASE,
)
_TITLES = {Kind.NEW: "New", Kind.GREW: "Now", Kind.CHANGED: "Changed", Kind.GONE: "Gone"}


def first(lines: Sequence[Line], width: int, height: int) -> str:
    """Describe a screen that is seen for the first time, in pixels."""
    if not lines:
        return f"Screen {width}x{height} has no readable text."
    usual = statistics.median(line.rect.height for line in lines)
    order = sorted(lines, key=lambda line: (_weight(line.text), line.rect.height < 1.25 * usual))
    told = sorted(order[:_QUOTED], key=lambda line: (line.rect.y, line.rect.x))
    quotes = ", ".join(_quote(line.text) for line in told)
    return f"On screen: {quotes}{_more(len(order) - len(told))}"


def later(happenings: Sequence[Happening]) -> str:
    """Tell what happened; "" where nothing did."""
    told = _bounded(sorted(happenings, key=_rank))
    kinds = dict.fromkeys(happening.kind for happening in told)  # the most important first
    parts = [
        f"{_TITLES[kind]}: {', '.join(map(_sentence, _read_down(told, kind)))}" for kind in kinds
    ]
    return "; ".join(parts) + _more(len(happenings) - len(told))


def tellable(line: Line) -> bool:
    """Whether a line holds words or numbers that are surely there, and not an icon's outline."""
    letters = len(likeness.fold(line.text))
    return letters >= 3 or (letters >= 1 and line.confidence >= 0.9)


def _weight(text: str) -> int:
    if _TROUBLE.search(text):
        return 0
    return 1 if _RESULT.search(text) else 2


def _rank(happening: Happening) -> tuple[int, int, int, int]:
    weight = 3 if happening.kind is Kind.GONE else _weight(happening.text)
    if happening.kind is Kind.CHANGED:
        weight = min(weight, 1)
    kinds = list(_TITLES)
    return weight, kinds.index(happening.kind), happening.rect.y, happening.rect.x


def _sentence(happening: Happening) -> str:
    now = _quote(happening.text)
    return f"{_quote(happening.before)} → {now}" if happening.kind is Kind.CHANGED else now


def _quote(text: str) -> str:
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}…"'


def _bounded(order: Sequence[Happening]) -> Sequence[Happening]:
    most, length = _QUOTED, sum(len(_sentence(happening)) for happening in order[:_QUOTED])
    for happening in order[_QUOTED:_QUOTED_SHORT]:
        length += len(_sentence(happening))
        if length > _SHORT:
            break
        most += 1
    return order[:most]


def _read_down(told: Sequence[Happening], kind: Kind) -> list[Happening]:
    """Those of a kind from top to bottom, the order in which a person reads them."""
    mine = [happening for happening in told if happening.kind is kind]
    return sorted(mine, key=lambda happening: (happening.rect.y, happening.rect.x))


def _more(number: int) -> str:
    return f" +{number} more line{'s' if number > 1 else ''}" if number > 0 else ""
