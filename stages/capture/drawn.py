"""What is drawn on the desktop, told in one stream with how its windows change.

In this stream what the server itself paints for a change of windows stands right behind the news of
that change, before anything else (X.Org's server, which reports damage while it works on the
request that causes it).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import xcffib
import xcffib.damage

from hud.rect import Rect, common, without
from stages.capture.xcb import before

AREA, BOX = 16, "=hhHH"
"""Offset and format of the rectangle in a DamageNotify event."""
MANY = 32
"""Rectangles drawn, beyond which only one around all of them is remembered."""

Piece = tuple[int, int, int, int]
"""x, width, y and height of a rectangle, so that those of a column sort one below the other."""


@attrs.frozen
class Drawing:
    """What one request drew."""

    places: list[Rect]
    sequence: int
    """The last request of ours that the server had done by then."""


class Drawn:
    """A damage object of its own, there while it is needed."""

    def __init__(self, connection: Any, root: int) -> None:  # noqa: ANN401 - as xcffib has it
        self._connection = connection
        self._damage = connection(xcffib.damage.key)
        self._damage.QueryVersion(1, 1).reply()
        data = xcffib.lib.xcb_get_extension_data(connection._conn, xcffib.damage.key.c_key)
        self.event = int(data.first_event)
        """The kind of event that tells of it."""
        self._root = root
        self._object = 0
        self._from = 0
        """The first request behind which everything is told."""
        self._taken: list[int] = []
        """Requests that let be told again what was told already, not yet known to be done."""
        self._told: list[Rect] = []
        """Where drawing was told, so that more of it is not."""

    @property
    def followed(self) -> bool:
        """Whether there is a damage object now."""
        return bool(self._object)

    def follow(self, *, wanted: bool) -> None:
        """Be told from now on, or not any longer."""
        if wanted and not self._object:
            self._object = self._connection.generate_id()
            level = xcffib.damage.ReportLevel.DeltaRectangles
            self._damage.Create(self._object, self._root, level)
            # A new one holds all of the desktop.
            self._from = self.again()
        elif self._object and not wanted:
            self._damage.Destroy(self._object)
            self._object = 0
            self._told, self._taken = [], []

    def again(self) -> int:
        """Be told of drawing also where it was told before; the number of the request."""
        sequence = int(self._damage.Subtract(self._object, 0, 0).sequence)
        self._taken.append(sequence)
        return sequence

    def reach(self, sequence: int) -> None:
        """An event has come behind the request of that number."""
        while self._taken and not before(sequence, self._taken[0]):
            del self._taken[0]
            self._told = []

    def take(self, pieces: Sequence[Piece], sequence: int) -> Drawing:
        """What was told of one request, behind the request of ours of that number."""
        places = joined(pieces)
        self._told += places
        if len(self._told) > MANY:
            self._told = [functools.reduce(Rect.union, self._told)]
        return Drawing(places, sequence)

    @property
    def told(self) -> bool:
        """Whether there is anything of which would not be told again."""
        return bool(self._told)

    def was_told(self, rects: Iterable[Rect]) -> bool:
        """Whether drawing in any of these places may not be told again."""
        return any(told.intersects(rect) for rect in rects for told in self._told)

    def split(self, rects: list[Rect], sequence: int) -> tuple[list[Rect], list[Rect]]:
        """Those parts in which all drawing behind the request of that number is told, the rest."""
        if not self._object or before(sequence, self._from):
            return [], rects
        muted = [part for t in self._told for rect in rects if (part := common(rect, t))]
        return without(rects, self._told), muted


def piece(raw: Any) -> Piece:  # noqa: ANN401 - a buffer
    """The rectangle of an event."""
    x, y, width, height = struct.unpack_from(BOX, raw, AREA)
    return x, width, y, height


def joined(pieces: Iterable[Piece]) -> list[Rect]:
    """The same places in fewer rectangles: those that stand one below the other are one.

    A request that moves a window lets the server paint a strip below it in many pieces.
    """
    columns = list[list[int]]()
    for x, width, y, height in sorted(pieces):
        bottom = y + height
        if columns and columns[-1][:2] == [x, width] and y <= columns[-1][3]:
            columns[-1][3] = max(bottom, columns[-1][3])
        else:
            columns.append([x, width, y, bottom])
    return [Rect(x, y, width, bottom - y) for x, width, y, bottom in columns]
