"""An X server that says what was drawn: DAMAGE for where, MIT-SHM for the pixels, RandR for size.

Replies are awaited, never waited for, so a busy server does not hold up the loop; cancelling any
of these calls leaves the connection fit only to be closed. The protocol: the specifications of the
DAMAGE 1.1, XFIXES 2.0, MIT-SHM 1.2 and RandR 1.5 extensions of X.Org.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import trio
import xcffib
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xfixes
import xcffib.xproto
from xcffib.ffi import ffi

from hud.errors import ScreenGoneError
from hud.items import Pixels
from hud.rect import Rect, inside
from stages.capture.rectangles import merged
from stages.capture.shared_memory import new_segment
from stages.capture.xcb import REPLY, awaited, connect

ALL_PLANES = 0xFFFFFFFF
Z_PIXMAP = xcffib.xproto.ImageFormat.ZPixmap
BOX = "=hhHH"
ALL = NOWHERE = 0
"""In place of a region."""
AREA = 16
"""Offset of the rectangle in a DamageNotify event."""
KEPT = 2**20
"""Bytes of shared memory that are kept for the next grabs."""
MANY_DRAWN = 64
"""Rectangles of events, beyond which few around them are kept."""


class CannotOpenError(Exception):
    """There is no X server of that name, or it does not let us in."""


class CannotWatchError(Exception):
    """This X server cannot say what was drawn, or cannot share memory with us; says why."""


class MonitorsChanged(Exception):  # noqa: N818 - nothing is wrong
    """A monitor came, went or has another size now."""


class Server:
    """One connection, with a damage object on the root window and memory for one grab of it."""

    def __init__(self, display: str | None) -> None:
        """Connect, which blocks for some milliseconds.

        Raises:
            CannotOpenError: nobody answers.
            CannotWatchError: an extension is missing or does not work here.
        """
        try:
            self._connection = connect(display)
        except xcffib.ConnectionException as error:
            raise CannotOpenError(str(error)) from None
        self._drawn: set[Rect] = set()
        """Where something was drawn that was not taken yet."""
        self._moved = False
        try:
            self._begin()
        except xcffib.ConnectionException as error:
            self.close()
            raise CannotOpenError(str(error)) from None
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        connection = self._connection
        setup = connection.get_setup()
        screen = setup.roots[connection.pref_screen]
        _check_pixels(setup, screen)
        for extension in (xcffib.damage, xcffib.xfixes, xcffib.shm, xcffib.randr):
            _check_extension(connection, extension.key.name)
        self._damage_event = _first_event(connection, xcffib.damage)
        first = _first_event(connection, xcffib.randr)
        self._randr_events = first, first + 1
        self._damage = connection(xcffib.damage.key)
        self._xfixes = connection(xcffib.xfixes.key)
        self._shm = connection(xcffib.shm.key)
        self._randr = connection(xcffib.randr.key)
        self._fd = connection.get_file_descriptor()
        self._root = screen.root
        # Each extension wants to be asked for its version before anything else.
        self._damage.QueryVersion(1, 1).reply()
        self._xfixes.QueryVersion(2, 0).reply()
        if self._randr.QueryVersion(1, 5).reply().minor_version < 5:
            raise CannotWatchError("its RandR is older than 1.5")
        notify = xcffib.randr.NotifyMask
        self._randr.SelectInput(self._root, notify.ScreenChange | notify.CrtcChange)
        # After the subscription, so that no change is missed.
        geometry = connection.core.GetGeometry(self._root).reply()
        self.size = geometry.width, geometry.height
        self._share(4 * geometry.width * geometry.height)
        numbers = [int(connection.generate_id()) for _ in range(3)]
        self._films, self._around, self._damaged = numbers
        for region in (self._films, self._around):
            self._xfixes.CreateRegion(region, 0, [])
        # One event for each rectangle that is not in the damage yet: none while a film goes on in
        # a place that nobody has asked about since.
        level = xcffib.damage.ReportLevel.DeltaRectangles
        self._damage.CreateChecked(self._damaged, self._root, level).check()

    def _share(self, size: int) -> None:
        self._segment = self._connection.generate_id()
        with new_segment(size) as memory:
            try:
                self._shm.AttachChecked(self._segment, memory.id, False).check()
            except xcffib.Error:
                raise CannotWatchError("it shares no memory with this program") from None
        self._memory = memory

    def close(self) -> None:
        """Disconnect; the server forgets everything we made there."""
        self._connection.disconnect()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def monitors(self) -> dict[int, Rect]:
        """The monitors and their places on the desktop, counted from 1 in the server's order.

        Blocks for a moment.

        Raises:
            ScreenGoneError: the server has ended.
        """
        active_only = True
        with _lost():
            reply = self._randr.GetMonitors(self._root, active_only).reply()
        return {
            number: Rect(monitor.x, monitor.y, monitor.width, monitor.height)
            for number, monitor in enumerate(reply.monitors, 1)
        }

    async def wait_drawn(self, films: Sequence[Rect] = ()) -> None:
        """Sleep until something has been drawn, outside of `films`, that nobody has asked for.

        Raises:
            MonitorsChanged: instead.
            ScreenGoneError: the server has ended, or has ended the connection.
        """
        await trio.lowlevel.checkpoint()
        with _lost():
            self._connection.flush()
            while not self.was_drawn(films):
                await trio.lowlevel.wait_readable(self._fd)

    def forget(self) -> None:
        """Let go of the memory that only a grab of much needs; pixels that were read are gone."""
        self._memory.release(KEPT)

    def was_drawn(self, films: Sequence[Rect] = ()) -> bool:
        """Whether something has been drawn, outside of `films`, that nobody has asked for."""
        self._drain()
        return any(not any(inside(rect, film) for film in films) for rect in self._drawn)

    def _drain(self) -> None:
        """Take in what the server has told so far. Parsing by xcffib costs five times as much."""
        lib, pointer = xcffib.lib, self._connection._conn
        with _lost():
            while (event := lib.xcb_poll_for_event(pointer)) != ffi.NULL:
                raw = ffi.buffer(ffi.gc(event, xcffib.c_free), REPLY)
                kind = event.response_type & 0x7F
                if kind == self._damage_event:
                    self._drawn.add(Rect(*struct.unpack_from(BOX, raw, AREA)))
                elif kind in self._randr_events:
                    self._moved = True
            self._connection.invalid()
        if self._moved:
            raise MonitorsChanged
        if len(self._drawn) > MANY_DRAWN:
            self._drawn = set(merged(self._drawn))

    async def listen(self) -> None:
        """Forget what was drawn before this call: a new connection is told of all the desktop.

        Raises:
            MonitorsChanged: a monitor came or went meanwhile.
            ScreenGoneError: the server has ended.
        """
        with _lost():
            self._damage.Subtract(self._damaged, ALL, NOWHERE)
        await self.catch_up()
        self._drain()
        self._drawn.clear()

    async def catch_up(self) -> None:
        """Return when all is told that was drawn before this call.

        Raises:
            ScreenGoneError: the server has ended.
        """
        with _lost():
            await awaited(self._connection, self._connection.core.GetInputFocus())

    def take_drawn(self, films: Sequence[Rect] = ()) -> list[Rect]:
        """Rectangles of the desktop in which something was drawn since they were last taken.

        They do not overlap, and must be read behind this: what is drawn there before they are is
        not told again. What lies in `films` is neither told nor forgotten; `wait_drawn` does not
        wake for it.

        Raises:
            MonitorsChanged: a monitor came or went.
            ScreenGoneError: the server has ended.
        """
        self._drain()
        kept = {rect for rect in self._drawn if any(inside(rect, film) for film in films)}
        taken, self._drawn = self._drawn - kept, kept
        with _lost():
            # Of what reaches into a film X tells the part that is left anew (DamageSubtract).
            asked = self._outside(films) if films else ALL
            self._damage.Subtract(self._damaged, asked, NOWHERE)
        return merged(taken)

    def _outside(self, films: Sequence[Rect]) -> int:
        """The number of a region of the whole desktop without the films."""
        places = [struct.pack(BOX, *attrs.astuple(film)) for film in films]
        everything = 0, 0, *self.size
        self._xfixes.SetRegion(self._films, len(places), places)
        self._xfixes.InvertRegion(self._films, everything, self._around)
        return self._around

    async def read(self, rects: Sequence[Rect]) -> list[Pixels]:
        """The pixels of rectangles that do not overlap; valid until the next call.

        Raises:
            MonitorsChanged: a rectangle lies outside of what is left of the desktop.
            ScreenGoneError: the server has ended.
        """
        found, offset, cookies = [], 0, []
        with _lost():
            for rect in rects:
                cookies.append(
                    self._shm.GetImage(
                        self._root, rect.x, rect.y, rect.width, rect.height,
                        ALL_PLANES, Z_PIXMAP, self._segment, offset,
                    )
                )  # fmt: skip
                found.append(self._memory.pixels(offset, rect.height, rect.width))
                offset += 4 * rect.area
            try:
                for cookie in cookies:
                    await awaited(self._connection, cookie)
            except xcffib.xproto.MatchError:
                # Smaller than it was. The event that says so came before this error.
                self.was_drawn()
                raise
        return found


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except xcffib.ConnectionException:
        raise ScreenGoneError("the X server has ended, or has closed its connection") from None


def _check_pixels(setup: Any, screen: Any) -> None:  # noqa: ANN401 - xcffib makes its classes late
    """Refuse what is not BGRA in memory."""
    formats = {entry.depth: entry for entry in setup.pixmap_formats}
    shape = formats[screen.root_depth]
    if screen.root_depth not in (24, 32) or shape.bits_per_pixel != 32 or setup.image_byte_order:
        raise CannotWatchError(f"its pixels have {screen.root_depth} bits in an order of their own")


def _first_event(connection: Any, extension: Any) -> int:  # noqa: ANN401 - see connect
    data = xcffib.lib.xcb_get_extension_data(connection._conn, extension.key.c_key)
    return int(data.first_event)


def _check_extension(connection: Any, name: str) -> None:  # noqa: ANN401 - see connect
    if not connection.core.QueryExtension(len(name), name).reply().present:
        raise CannotWatchError(f"it has no {name} extension")
