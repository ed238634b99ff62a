"""The local model's mind: pictures in, one note out, with a memory for each screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import cv2
import numpy as np

from hud import collage
from hud.local import picture, wording
from hud.local.canvas import MARGIN, Canvas, Piece
from hud.local.echo import Echo
from hud.local.journal import Happening, Journal
from hud.local.model import Sight
from hud.local.reader import LARGEST_SIDE, Bgr, Line, Reader
from hud.local.reread import settled
from hud.realtime.caption import Place
from hud.rect import Rect

_SCREENS = 6


@attrs.frozen(eq=False)
class Screen:
    """What is remembered of one screen."""

    canvas: Canvas
    journal: Journal = attrs.field(factory=Journal)


class Notetaker:
    """Writes the notes of one session; not thread-safe. `clock` gives seconds."""

    def __init__(self, reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._screens: dict[tuple[int, int, int], Screen] = {}
        self._echo = Echo()

    def note(self, pictures: Sequence[Sight]) -> str:
        """Say what these pictures show that was not there before, "" if nothing worth noting."""
        shown: dict[tuple[int, int, int], list[Piece]] = {}
        for sight in pictures:
            for key, piece in _pieces(sight):
                shown.setdefault(key, []).append(piece)
        notes = [self._look(key, pieces) for key, pieces in shown.items()]
        note = "; ".join(filter(None, notes))
        self._echo.wrote(note)
        return note

    def _look(self, key: tuple[int, int, int], pieces: Sequence[Piece]) -> str:
        _, width, height = key
        known = self._screens.pop(key, None)
        screen = known or Screen(Canvas(width, height))
        self._screens[key] = screen
        while len(self._screens) > _SCREENS:
            del self._screens[next(iter(self._screens))]
        happenings = self._happenings(screen, pieces)
        if known is None:
            return wording.first(screen.journal.lines, width, height)
        return wording.later(happenings)

    def _happenings(self, screen: Screen, pieces: Sequence[Piece]) -> list[Happening]:
        canvas, journal = screen.canvas, screen.journal
        news = canvas.look(pieces)
        backwards = journal.move(news.moves)
        old = journal.take(news.touches)
        rows = canvas.rows(news, [entry.core for entry in old])
        old += journal.take(lambda rect: any(rect.intersects(row) for row in rows))
        lines = [line for line in _read(self._reader, canvas, rows) if wording.tellable(line)]
        lines = [settled(line, old, news.fresh) for line in lines]
        told = journal.update(old, lines, self._clock(), news.exposed, backwards)
        told.sort(key=lambda happening: (happening.rect.y, happening.rect.x))
        return [what for what in told if not self._echo.is_note(what.text, what.rect)]


def lines(reader: Reader, encoded: bytes) -> list[Line]:
    """Read one picture for its own sake; nothing where it cannot be decoded."""
    shown = _decoded(encoded, LARGEST_SIDE)
    if shown is None:
        return []
    height, width = shown.shape[:2]
    canvas = Canvas(width, height)
    news = canvas.look([Piece(Rect(0, 0, width, height), shown)])
    return [line for line in _read(reader, canvas, canvas.rows(news, ())) if wording.tellable(line)]


def _read(reader: Reader, canvas: Canvas, rows: Sequence[Rect]) -> list[Line]:
    read = reader.read_rows(canvas.cut(rows))
    return [_placed(line, row) for row, found in zip(rows, read, strict=True) for line in found]


def _placed(line: Line, row: Rect) -> Line:
    """Move a line from the picture of its row to the screen, and keep it inside of the row."""
    x = max(0, row.x + line.rect.x - MARGIN)
    top = min(max(row.y, row.y + line.rect.y - MARGIN), row.bottom - 1)
    bottom = min(row.bottom, row.y + line.rect.bottom - MARGIN)
    rect = Rect(x, top, line.rect.width, max(1, bottom - top))
    return line.moved(row.x - MARGIN, rect)


def _pieces(sight: Sight) -> Iterator[tuple[tuple[int, int, int], Piece]]:
    """The parts of a picture, each as large as on the screen, and which screen that is."""
    shown = _decoded(sight.jpeg, picture.LARGEST_SIDE)
    if shown is None:
        return
    height, width = shown.shape[:2]
    place = sight.place or Place(0, width, height, (Rect(0, 0, width, height),))
    key = (place.screen, place.screen_width, place.screen_height)
    size = collage.size(place.rects)
    if not min(*size, *key[1:]) or max(*size, *key[1:]) > picture.LARGEST_SIDE:
        return
    if (width, height) != size:
        how = cv2.INTER_AREA if size[0] < width else cv2.INTER_CUBIC
        shown = np.asarray(cv2.resize(shown, size, interpolation=how), np.uint8)
    for rect, at in zip(place.rects, collage.places(place.rects), strict=True):
        if rect.area:
            yield key, Piece(rect, shown[at.slices], width / size[0])


def _decoded(data: bytes, longest: int) -> Bgr | None:
    """A picture with no side above `longest`; a small file may say that it is a huge one."""
    size = picture.dimensions(data)
    if size is None or max(size) > longest:
        return None
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # a size that it refuses
        return None
    return None if decoded is None else np.asarray(decoded, np.uint8)
