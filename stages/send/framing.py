"""Our text messages as WebSocket frames, masked in one pass, beside the library's own frames.

RFC 6455, section 5.3, has every byte of a client's frame combined with a key of four fresh bytes.
The library does that in pure Python and copies a message six times on its way; for a picture of
300 kB that is most of what sending it costs. So the library does the handshake, the reading and
the control frames, and our messages go around it: `SharedStream` keeps the frames of both apart.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np
import trio

_FIN_TEXT = 0x81
_MASKED = 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127
"""Stand in the place of a length that needs so many bytes."""


def text_frame(pieces: Sequence[bytes], key: bytes) -> memoryview:
    """One masked text frame of a client; its payload is the pieces one after the other.

    `key` has four bytes. The payload must be UTF-8.
    """
    length = sum(map(len, pieces))
    head = bytes([_FIN_TEXT]) + _length(length) + key
    padding = bytes(-length % 4)
    frame = bytearray().join([head, *pieces, padding])
    words = np.frombuffer(frame, np.uint32, offset=len(head))
    np.bitwise_xor(words, np.frombuffer(key, np.uint32), out=words)
    return memoryview(frame)[: len(head) + length]


def _length(length: int) -> bytes:
    if length < _TWO_BYTES:
        return bytes([_MASKED | length])
    if length < 2**16:
        return bytes([_MASKED | _TWO_BYTES]) + length.to_bytes(2)
    return bytes([_MASKED | _EIGHT_BYTES]) + length.to_bytes(8)


class SharedStream(trio.abc.Stream):
    """A stream to which whole frames are written, by the library and by us."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._lock = trio.StrictFIFOLock()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write one frame, or what else must stay together."""
        async with self._lock:
            await self._stream.send_all(data)

    async def send_text(self, pieces: Sequence[bytes]) -> None:
        """Write a text message."""
        await self.send_all(text_frame(pieces, secrets.token_bytes(4)))

    async def wait_send_all_might_not_block(self) -> None:
        """See trio."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """See trio."""
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """See trio."""
        await self._stream.aclose()
