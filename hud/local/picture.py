"""Pictures as clients send them: data URIs that hold a PNG or a JPEG."""

from __future__ import annotations

import binascii
import re
import struct

import attrs
import pybase64

from hud.local.rules import RefusedError
from hud.realtime import tokens
from hud.realtime.caption import Place

LARGEST_SIDE = 8192
"""Longest side of a picture that is taken, in pixels; decoded, a square one takes 200 MB."""
_HEAD = re.compile(r"data:image/(?:png|jpe?g);base64,", re.ASCII)
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's SOF markers, ITU-T T.81 table B.1; the three left out define tables."""
_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}
"""JPEG's markers that no length follows."""


@attrs.frozen(eq=False)
class Picture:
    """One `input_image`, its size read from its header."""

    uri: str = attrs.field(repr=lambda uri: f"<{len(uri)} characters>")
    width: int
    height: int
    detail: str
    place: Place | None = None

    @property
    def tokens(self) -> int:
        """By the rule that OpenAI's bills follow."""
        return tokens.image_tokens(self.width, self.height, self.detail)

    @property
    def key(self) -> int:
        """The same for the same picture at the same detail; for comparing without keeping it."""
        return hash((self.uri, self.detail))

    def encoded(self) -> bytes:
        """The file itself."""
        return pybase64.b64decode(self.uri[self.uri.index(",") + 1 :])


def read(uri: str, detail: str, place: Place | None, param: str) -> Picture:
    """Read a data URI; RefusedError about `param` for anything but a whole PNG or JPEG header."""
    head = _HEAD.match(uri)
    if head is None:
        message = f"Invalid '{param}'. Expected a base64-encoded data URI of a PNG or JPEG."
        raise RefusedError("invalid_value", message, param)
    try:
        size = dimensions(pybase64.b64decode(uri[head.end() :], validate=True))
    except (binascii.Error, ValueError):
        size = None
    if size is None:
        message = f"Invalid '{param}'. The data is not a valid PNG or JPEG picture."
        raise RefusedError("invalid_value", message, param)
    if max(size) > LARGEST_SIDE:
        message = f"Invalid '{param}'. No side may be longer than {LARGEST_SIDE} pixels."
        raise RefusedError("invalid_value", message, param)
    return Picture(uri, *size, detail, place)


def dimensions(data: bytes) -> tuple[int, int] | None:
    """Width and height that the header of a PNG or JPEG states; None if there is no such header."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
            width, height = struct.unpack_from(">II", data, 16)
        elif data[:2] == b"\xff\xd8":
            height, width = struct.unpack_from(">HH", data, _frame_header(data) + 5)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return (width, height) if width and height else None


def _frame_header(data: bytes) -> int:
    """Where a JPEG's frame header follows its marker; IndexError if there is none."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise IndexError(at)
        marker = data[at + 1]
        if marker in _FRAME_HEADERS:
            return at
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
