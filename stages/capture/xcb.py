"""Replies of an X server, awaited."""

from __future__ import annotations

from typing import Any

import trio
import xcffib
from xcffib.ffi import ffi

REPLY = 32
"""Bytes of an event, and of a reply in front of its list."""


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
