"""What an X server tells over one connection, in the order in which it happens.

The server tells each client of changes in that order, and a reply comes behind everything that was
told before it (X Window System Protocol, X Version 11, section 1: events and replies share one
ordered stream).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import trio
import xcffib
from xcffib import xproto
from xcffib.ffi import ffi

from hud.privacy.stack import CannotKnowError
from stages.capture.drawn import Drawn, Piece, piece
from stages.capture.xcb import REPLY, connect, extension

SENT_BY_PROGRAM = 0x80
NEVER = -1
"""A kind of event that there is not."""


class Stream:
    """One connection, and what the server tells over it; used by one task."""

    def __init__(self, display: str | None) -> None:
        """Connect, which blocks for some milliseconds.

        Raises:
            CannotKnowError: the server does not answer.
        """
        try:
            self.connection = connect(display)
        except xcffib.ConnectionException as error:
            raise CannotKnowError(f"the X server does not answer ({error})") from None
        self.lost = False
        """Whether the connection has ended."""
        self.sequence = 0
        """The last request that the server had done when it sent the latest event."""
        self.drawn: Drawn | None = None
        """What is drawn, where the server can tell."""
        try:
            with self.alive():
                self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        connection = self.connection
        setup = connection.get_setup()
        self.root = setup.roots[connection.pref_screen].root
        """The window that holds all that lie directly on the desktop."""
        self.owner_bits = 0xFFFFFFFF ^ setup.resource_id_mask
        """What the numbers of all windows of one program have in common."""
        self._fd = connection.get_file_descriptor()
        self._shape = extension(connection, xcffib.shape)
        fixes, damage = (extension(connection, each) for each in (xcffib.xfixes, xcffib.damage))
        if fixes is not None and damage is not None:
            self.drawn = Drawn(connection, self.root)
        events = xproto.EventMask.SubstructureNotify | xproto.EventMask.StructureNotify
        connection.core.ChangeWindowAttributes(self.root, xproto.CW.EventMask, [events])

    def close(self) -> None:
        """Disconnect."""
        self.connection.disconnect()

    @contextlib.contextmanager
    def alive(self) -> Iterator[None]:
        """What is done in here raises CannotKnowError as soon as the connection has ended."""
        try:
            yield
        except xcffib.ConnectionException:
            self.lost = True
            raise CannotKnowError("the X server does not answer") from None

    async def wait_told(self) -> None:
        """Sleep until the server has something to tell."""
        await trio.lowlevel.wait_readable(self._fd)

    def follow(self, number: int, frame: int) -> None:
        """Be told when a window changes its properties, or its children if it is a frame."""
        mask = xproto.EventMask.PropertyChange
        if number == frame:
            mask |= xproto.EventMask.SubstructureNotify
            if self._shape is not None:
                self._shape.SelectInput(number, True)
        self.connection.core.ChangeWindowAttributes(number, xproto.CW.EventMask, [mask])

    def events(self) -> Iterator[Any]:
        """What the server has told; a `Drawing`: one request drew there."""
        lib, pointer, nothing = xcffib.lib, self.connection._conn, ffi.NULL
        drawn, pieces = self.drawn, list[Piece]()
        kind = drawn.event if drawn is not None else NEVER
        while (event := lib.xcb_poll_for_event(pointer)) != nothing:
            event = ffi.gc(event, xcffib.c_free)
            # Programs may send each other events of any content; only the server's own count.
            if event.response_type & SENT_BY_PROGRAM:
                continue
            drawing = event.response_type == kind
            if drawn is not None:
                if pieces and not (drawing and event.full_sequence == self.sequence):
                    yield drawn.take(pieces, self.sequence)
                    pieces = []
                drawn.reach(event.full_sequence)
            self.sequence = event.full_sequence
            if drawing:
                pieces.append(piece(ffi.buffer(event, REPLY)))
                continue
            # An error is about a window that was gone before we asked for anything of it.
            with contextlib.suppress(xcffib.Error):
                yield self.connection.hoist_event(event)
        if drawn is not None and pieces:
            yield drawn.take(pieces, self.sequence)
        self.connection.invalid()
