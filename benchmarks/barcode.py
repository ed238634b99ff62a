"""A number as coloured cells beside what is drawn, which a JPEG keeps and anybody can read back.

Two magenta cells, 28 dark or light ones, two magenta ones. 16 of the bits are the number, 12 a
checksum, so that half a barcode, or two that overlap, is none. Odd and even numbers have colours of
their own: where one takes the other's place, every pixel changes, and all of it is shown anew.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

NUMBER_BITS, CHECK_BITS, MARKER = 16, 12, 2
BITS = NUMBER_BITS + CHECK_BITS
CELLS = BITS + 2 * MARKER
Colours = tuple[int, int, int]
"""Of the marker, of 0 and of 1; all of them far from white paper."""
EVEN: Colours = (0xFF00FF, 0x000000, 0xD7D7D7)
ODD: Colours = (0xD700D7, 0x444444, 0x9E9E9E)
LIGHT = 0x70
_PALETTE = dict(zip((*EVEN, *ODD), (201, 16, 188, 164, 238, 247), strict=True))
"""Of terminals with 256 colours."""
STEP = 3
"""Rows from one line that is read to the next; a number counts when two of them say it."""


def cells(number: int) -> list[int]:
    """The colours, from left to right."""
    marker, *shades = ODD if number % 2 else EVEN
    bits = _checked(number)
    data = [shades[bits >> place & 1] for place in reversed(range(BITS))]
    return [marker] * MARKER + data + [marker] * MARKER


def as_text(number: int) -> str:
    """The cells as spaces with a background, for a terminal."""
    return "".join(f"\x1b[48;5;{_PALETTE[colour]}m " for colour in cells(number)) + "\x1b[0m"


def read(jpeg: bytes) -> set[int]:
    """The numbers in a picture, at whatever scale."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    found: list[int] = []
    for row in pixels[::STEP]:
        found += _in_row(row)
    return {number for number in found if found.count(number) > 1}


def _in_row(row: npt.NDArray[np.uint8]) -> Iterator[int]:
    blue, green, red = (row[:, channel].astype(int) for channel in range(3))
    marked = (np.minimum(red, blue) > 140) & (np.minimum(red, blue) - green > 70)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.view(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    for begin, end in zip(ends[:-1], starts[1:], strict=True):
        if end - begin >= 2 * BITS:
            places = begin + (np.arange(BITS) + 0.5) * (end - begin) / BITS
            bits = green[places.astype(int)] > LIGHT
            value = int("".join("1" if bit else "0" for bit in bits), 2)
            if _checked(value >> CHECK_BITS) == value:
                yield value >> CHECK_BITS


def _checked(number: int) -> int:
    check = zlib.crc32(number.to_bytes(2)) & (1 << CHECK_BITS) - 1
    return number << CHECK_BITS | check
