"""Which line that stood in a place became which one that stands there now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from hud.local import likeness
from hud.local.reader import Line
from hud.rect import Rect

_ALIKE = 0.5


@attrs.frozen
class Entry:
    """A line where it stands, and when it last changed in a row of quick changes."""

    line: Line
    times: tuple[float, ...] = ()

    @property
    def core(self) -> Rect:
        """The middle half of its rows: the rectangles of recognised lines overlap a little."""
        rect = self.line.rect
        quarter = rect.height // 4
        return attrs.evolve(rect, y=rect.y + quarter, height=rect.height - 2 * quarter)


def paired(
    old: Sequence[Entry], lines: Sequence[Line], exposed: Sequence[Rect]
) -> tuple[list[tuple[Entry, Line]], list[Line], list[Entry]]:
    """Which old line became which new one; then the new lines without one, and the old ones."""
    went, came, pairs = list(old), list(lines), list[tuple[Entry, Line]]()

    def pair(fits: Callable[[Entry, Line], float], anywhere: Iterable[Line]) -> None:
        for line in list(anywhere):
            best = max(went, key=lambda entry: fits(entry, line), default=None)
            if best is not None and fits(best, line) > 0:
                pairs.append((best, line))
                went.remove(best)
                came.remove(line)

    pair(_same_here, came)
    pair(_same_elsewhere, [line for line in came if not inside(line.rect, exposed)])
    pair(_alike_here, came)
    return pairs, came, went


def one_row(one: Rect, other: Rect) -> bool:
    """Whether two rectangles share half a row, and some columns."""
    overlap = min(one.bottom, other.bottom) - max(one.y, other.y)
    beside = one.x >= other.right or other.x >= one.right
    return overlap >= 0.5 * min(one.height, other.height) and not beside


def inside(rect: Rect, places: Iterable[Rect]) -> bool:
    """Whether the middle of a row lies in one of the places."""
    middle = rect.y + rect.height / 2
    return any(
        place.y <= middle < place.bottom and place.x < rect.right and rect.x < place.right
        for place in places
    )


def starts_with(one: Rect, other: Rect) -> bool:
    """Whether two lines of one row begin in the same place."""
    return one_row(one, other) and abs(one.x - other.x) < other.height


def replaced(lines: Sequence[Line], went: Sequence[Entry]) -> bool:
    """Whether each line took the place of another one, as a status does that returns to a value.

    A line of which something was to be seen all the time took nobody's place.
    """
    return all(
        any(starts_with(entry.line.rect, line.rect) for entry in went)
        and not any(remains(entry.line, line) for entry in went)
        for line in lines
    )


def remains(part: Line, whole: Line) -> bool:
    """Whether a line is what a window leaves to see of another one; its edge may cut a letter."""
    letters = likeness.fold(part.text)
    inner = letters[1:-1] if len(letters) > 3 else letters
    return (
        len(letters) < len(likeness.fold(whole.text))
        and inner in likeness.fold(whole.text)
        and one_row(part.rect, whole.rect)
    )


def _same_here(entry: Entry, line: Line) -> float:
    return float(one_row(entry.line.rect, line.rect) and likeness.same(entry.line.text, line.text))


def _same_elsewhere(entry: Entry, line: Line) -> float:
    return float(likeness.fold(entry.line.text) == likeness.fold(line.text))


def _alike_here(entry: Entry, line: Line) -> float:
    before, rect = entry.line, line.rect
    if not one_row(before.rect, rect):
        return 0.0
    if abs(before.rect.x - rect.x) < rect.height and likeness.grew(before.text, line.text):
        return 2.0
    alike = likeness.ratio(before.text, line.text)
    return alike if alike >= _ALIKE else 0.0
