"""Connections to an X server, and its replies, awaited.

A new connection goes through all extensions that xcffib has loaded by then, and falls over one
that another thread loads meanwhile. So all that are used anywhere are loaded here, before.
"""

from __future__ import annotations

from typing import Any

import trio
import xcffib
import xcffib.damage
import xcffib.dpms
import xcffib.randr
import xcffib.res
import xcffib.screensaver
import xcffib.shape
import xcffib.shm
import xcffib.xfixes
import xcffib.xproto
from xcffib.ffi import ffi

REPLY = 32
"""Bytes of an event, and of a reply in front of its list."""


def connect(display: str | None) -> Any:  # noqa: ANN401 - xcffib annotates only a part of itself
    """A connection, which blocks for some milliseconds.

    Raises:
        xcffib.ConnectionException: nobody answers.
    """
    make: Any = xcffib.connect
    return make(display)


def extension(connection: Any, module: Any) -> Any:  # noqa: ANN401 - as above
    """An extension of the server, or None; blocks for a round trip."""
    name = module.key.name
    # Without asking first xcb would end the connection.
    if not connection.core.QueryExtension(len(name), name).reply().present:
        return None
    return connection(module.key)


def before(one: int, other: int) -> bool:
    """Whether a request came before another; their numbers begin anew at 2**32."""
    return (one - other) % 2**32 >= 2**31


async def awaited(connection: Any, cookie: Any) -> bytes:  # noqa: ANN401 - of a hundred classes
    """The bytes of a reply. Cancelled, it leaves the connection fit only to be closed."""
    # xcffib only knows how to block for a reply; xcb also knows how to ask for it.
    lib, pointer = xcffib.lib, connection._conn
    fd = connection.get_file_descriptor()
    reply, error = ffi.new("void **"), ffi.new("xcb_generic_error_t **")
    connection.flush()
    while not lib.xcb_poll_for_reply(pointer, cookie.sequence, reply, error):
        await trio.lowlevel.wait_readable(fd)
    connection.invalid()
    if error[0] != ffi.NULL:
        connection._process_error(ffi.gc(error[0], xcffib.c_free))
    data = ffi.gc(reply[0], xcffib.c_free)
    length = REPLY + 4 * ffi.cast("xcb_generic_reply_t *", data).length
    return bytes(ffi.buffer(data, length))
