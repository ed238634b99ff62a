"""Text recognition: a picture in, its lines of text out.

The recognition network ships its weights inside the wheel; nothing is ever downloaded.
"""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import attrs
import cv2
import numpy as np
import numpy.typing as npt

from hud.errors import LocalModelError
from hud.rect import Rect

Bgr = npt.NDArray[np.uint8]
"""Shape (height, width, 3), blue green red, uint8."""

LARGEST_SIDE = 4096
"""Longest side of a picture that is read, in pixels; the engine cannot cope with more."""

_SETTINGS = {
    "Global.use_cls": False,  # screens are not upside down
    "Global.log_level": "critical",
    "Global.max_side_len": LARGEST_SIDE,
    "Global.text_score": 0.5,
    "Global.use_vertical_padding": False,  # done here, in the colour of the background
    "Det.limit_type": "max",  # the default enlarges small pictures: ten times slower
    "Det.limit_side_len": 1920,
    "Rec.rec_batch_num": 1,  # padding a batch to its widest line costs 30 %
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # idle workers spin
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
_SMALL = 12  # rows of a row's picture; smaller letters are read better when enlarged twofold
_MARGIN = 8
_SPACE = 6  # rows above and below each row of a sheet
_CLOCK = re.compile(r"(?<![\d:;])\d\d?(:\d\d;|;\d\d:)\d\d(?![\d:;])")
_SHEET = 250_000  # pixels that are read at once: bounds the memory that the engine takes


@attrs.frozen
class Word:
    """One word of a line and the columns in which it stands, to half a letter."""

    text: str
    left: int
    right: int


@attrs.frozen
class Line:
    """One line of text as it was read."""

    text: str
    rect: Rect
    confidence: float
    """Mean over the letters, 0 to 1."""
    words: tuple[Word, ...] = ()
    """Of which it consists."""

    def moved(self, right: int, rect: Rect) -> Line:
        """This line in another place, its words so many columns further right."""
        words = (Word(w.text, max(0, w.left + right), max(0, w.right + right)) for w in self.words)
        return attrs.evolve(self, rect=rect, words=tuple(words))


class Reader:
    """The recognition engine; loads it (0.5 s) when it is made.

    Raises LocalModelError where the engine is not installed.
    """

    def __init__(self) -> None:
        self._engine = _load()

    def read(self, picture: Bgr) -> list[Line]:
        """Lines of `picture` from top to bottom with their words, none if it cannot be read."""
        height, width = picture.shape[:2]
        if not height or not width or max(height, width) > LARGEST_SIDE:
            return []
        return rows(self._recognise(picture))

    def read_rows(self, pictures: Sequence[Bgr]) -> list[list[Line]]:
        """Lines of pictures that hold one row of text each, in that picture's pixels.

        They are read one below the other at a distance: the engine takes a column of short rows
        that stand close for one word written downwards.
        """
        found: list[list[Line]] = [[] for _ in pictures]
        for numbers in _sheets(pictures):
            sheet, places = _stacked([pictures[number] for number in numbers])
            for line in self._recognise(sheet):
                middle = line.rect.y + line.rect.height // 2
                at = next((i for i, place in enumerate(places) if middle < place.bottom), None)
                if at is not None:
                    found[numbers[at]].append(_back(line, places[at]))
        return [rows(lines) for lines in found]

    def _recognise(self, picture: Bgr) -> list[Line]:
        try:
            found = self._engine(_framed(picture), return_word_box=True)
        except Exception:  # odd shapes raise anything from deep inside the engine
            return []
        if found.txts is None or found.boxes is None:
            return []
        each = zip(found.txts, found.boxes, found.scores, found.word_results, strict=True)
        return list(_lines(each))


@attrs.frozen
class _Place:
    """Where a row stands on a sheet; `bottom` is that of the space around it."""

    top: int
    bottom: int
    scale: int


def _sheets(pictures: Sequence[Bgr]) -> Iterator[list[int]]:
    """Numbers of the pictures that are read at once, few enough to bound the engine's memory."""
    sheet, height, width = list[int](), 0, 0
    for number, picture in enumerate(pictures):
        rise = _scale(picture) * picture.shape[0] + 2 * _SPACE
        span = _scale(picture) * picture.shape[1]
        if not picture.size or max(rise, span) > LARGEST_SIDE:
            continue
        if sheet and (height + rise) * max(width, span) > _SHEET:
            yield sheet
            sheet, height, width = [], 0, 0
        sheet.append(number)
        height, width = height + rise, max(width, span)
    if sheet:
        yield sheet


def _stacked(pictures: Sequence[Bgr]) -> tuple[Bgr, list[_Place]]:
    scales = [_scale(picture) for picture in pictures]
    width = max(s * picture.shape[1] for s, picture in zip(scales, pictures, strict=True))
    bands, places, bottom = list[Bgr](), list[_Place](), 0
    for scale, picture in zip(scales, pictures, strict=True):
        large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        band = _bordered(np.asarray(large, np.uint8), _SPACE, width - large.shape[1])
        places.append(_Place(bottom + _SPACE, bottom + band.shape[0], scale))
        bands.append(band)
        bottom += band.shape[0]
    return np.concatenate(bands), places


def _scale(picture: Bgr) -> int:
    return 2 if picture.shape[0] < _SMALL else 1


def _back(line: Line, place: _Place) -> Line:
    rect, scale = line.rect, place.scale
    y = max(0, rect.y - place.top) // scale
    on_row = Rect(rect.x // scale, y, rect.width // scale, rect.height // scale)
    words = (Word(word.text, word.left // scale, -(-word.right // scale)) for word in line.words)
    return attrs.evolve(line, rect=on_row, words=tuple(words))


def _load() -> Callable[..., Any]:
    # Read when it is imported: from 1.31 on it would call its maker and keep a file in ~/.cache.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        from rapidocr import RapidOCR  # noqa: PLC0415  # optional, and it takes half a second
    except ImportError as error:
        raise LocalModelError(
            "The local model needs the extra `local`: pip install '.[local]'"
        ) from error
    try:
        engine = RapidOCR(params=dict(_SETTINGS))
    except Exception as error:
        raise LocalModelError(
            f"The local model's text recognition cannot be loaded: {error}"
        ) from error
    logging.getLogger("RapidOCR").disabled = True
    return cast("Callable[..., Any]", engine)


def _bordered(picture: Bgr, space: int, right: int) -> Bgr:
    """Add `space` rows above and below and `right` columns, in the colour of the background."""
    background = np.median(picture.reshape(-1, 3), axis=0).tolist()
    return np.asarray(
        cv2.copyMakeBorder(picture, space, space, 0, right, cv2.BORDER_CONSTANT, value=background),
        np.uint8,
    )


def _framed(picture: Bgr) -> Bgr:
    """Add a border up to the next multiple of 32, the engine's grid.

    Without it the engine stretches the picture to that grid and pads strips with black.
    """
    height, width = picture.shape[:2]
    bottom, right = -(height + 2 * _MARGIN) % 32, -(width + 2 * _MARGIN) % 32
    background = np.median(picture[::3, ::3].reshape(-1, 3), axis=0).tolist()
    edges = (_MARGIN, _MARGIN + bottom, _MARGIN, _MARGIN + right)
    framed = cv2.copyMakeBorder(picture, *edges, cv2.BORDER_CONSTANT, value=background)
    return np.asarray(framed, np.uint8)


def _lines(
    found: Iterable[tuple[str, npt.NDArray[np.float32], float, Iterable[Any]]],
) -> Iterator[Line]:
    for text, corners, score, places in found:
        plain = tidy(text)
        if plain:
            left, top = np.min(corners, axis=0).tolist()
            right, bottom = np.max(corners, axis=0).tolist()
            x, y = max(0, round(left) - _MARGIN), max(0, round(top) - _MARGIN)
            rect = Rect(x, y, max(1, round(right - left)), max(1, round(bottom - top)))
            yield Line(plain, rect, float(score), tuple(map(_word, places)))


def _word(place: tuple[str, float, Sequence[Sequence[float]]]) -> Word:
    text, _score, corners = place
    columns = [round(column) - _MARGIN for column, _row in corners]
    return Word(tidy(text), max(0, min(columns)), max(0, *columns))


def tidy(text: str) -> str:
    """One space between words; full-width Latin, which the network mixes in, as plain letters.

    A time of day with one colon has two: in small letters the network takes some for semicolons.
    """
    if not any(unicodedata.east_asian_width(letter) == "W" for letter in text):
        text = unicodedata.normalize("NFKC", text)
    return _CLOCK.sub(lambda time: time[0].replace(";", ":"), " ".join(text.split()))


def rows(lines: Iterable[Line]) -> list[Line]:
    """Unite neighbours in one row, unless the gap is as wide as between columns."""
    done: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.rect.x, line.rect.y)):
        before = next((other for other in done if _continues(other.rect, line.rect)), None)
        if before is None:
            done.append(line)
        else:
            done[done.index(before)] = _joined((before, line))
    return sorted(done, key=lambda line: (line.rect.y, line.rect.x))


def _continues(left: Rect, right: Rect) -> bool:
    height = min(left.height, right.height)
    overlap = min(left.bottom, right.bottom) - max(left.y, right.y)
    # the letters of one size, and a gap that a few spaces make
    return (
        overlap > 0.6 * height
        and max(left.height, right.height) < 1.6 * height
        and -height < right.x - left.right < 2 * height
    )


def _joined(pieces: Sequence[Line]) -> Line:
    rect = pieces[0].rect
    for piece in pieces[1:]:
        rect = rect.union(piece.rect)
    text = " ".join(piece.text for piece in pieces)
    words = tuple(word for piece in pieces for word in piece.words)
    return Line(text, rect, min(piece.confidence for piece in pieces), words)
