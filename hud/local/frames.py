"""What travels on the pipes between the server and the process that reads.

A frame is the length of its header (4 bytes, big-endian), the header (JSON), and the pictures,
whose lengths the header gives. Requests are numbered and answered in order.
"""

from __future__ import annotations

import struct
from typing import IO, Any

import attrs
import orjson

from hud.local.model import Sight
from hud.local.reader import Line, Word
from hud.realtime.caption import Place
from hud.rect import Rect

_LENGTH = struct.Struct(">I")


@attrs.frozen
class Request:
    """Pictures to look at for a session, and sessions that have ended meanwhile."""

    number: int
    session: str
    sights: tuple[Sight, ...]
    forgotten: tuple[str, ...] = ()
    only_read: bool = False
    """Whether the lines of each picture are wanted, and no note."""


@attrs.frozen
class Answer:
    """The note to the request of that number, "" for nothing worth noting."""

    number: int
    text: str
    lines: tuple[tuple[Line, ...], ...] = ()
    """Of each picture that was only to be read."""
    failed: str = ""
    """Name of the error that left the request without an answer."""


def packed(item: Request | Answer) -> bytes:
    """One frame."""
    header = {
        key: value for key, value in attrs.asdict(item, recurse=False).items() if key != "sights"
    }
    sights = item.sights if isinstance(item, Request) else ()
    header["sights"] = [_described(sight) for sight in sights]
    text = orjson.dumps(header, default=attrs.asdict)
    return b"".join((_LENGTH.pack(len(text)), text, *(sight.jpeg for sight in sights)))


def read_request(stream: IO[bytes]) -> Request | None:
    """Wait for the next request; None at the end of the stream."""
    start = stream.read(_LENGTH.size)
    if len(start) < _LENGTH.size:
        return None
    header = stream.read(*_LENGTH.unpack(start))
    try:
        fields = orjson.loads(header)
    except orjson.JSONDecodeError:
        return None
    sights = tuple(Sight(stream.read(sight["bytes"]), _place(sight)) for sight in fields["sights"])
    return Request(
        fields["number"], fields["session"], sights, tuple(fields["forgotten"]), fields["only_read"]
    )


def taken_answer(received: bytearray) -> Answer | None:
    """Take the first whole answer off what was received, None if there is none yet."""
    if len(received) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(received)[0]
    if len(received) < end:
        return None
    fields = orjson.loads(received[_LENGTH.size : end])
    del received[:end]
    lines = tuple(tuple(_line(line) for line in lines) for lines in fields["lines"])
    return Answer(fields["number"], fields["text"], lines, fields["failed"])


def _described(sight: Sight) -> dict[str, Any]:
    place = attrs.asdict(sight.place) if sight.place else None
    return {"bytes": len(sight.jpeg), "place": place}


def _line(line: dict[str, Any]) -> Line:
    words = tuple(Word(**word) for word in line["words"])
    return Line(**line | {"rect": Rect(**line["rect"]), "words": words})


def _place(sight: dict[str, Any]) -> Place | None:
    place = sight["place"]
    return place and Place(**place | {"rects": tuple(Rect(**rect) for rect in place["rects"])})
