"""Our frames as wsproto reads them."""

from __future__ import annotations

import trio
import trio.testing
import wsproto.frame_protocol
from hypothesis import given
from hypothesis import strategies as st

from stages.send.framing import SharedStream, text_frame

LENGTHS = st.sampled_from([0, 1, 2, 3, 4, 125, 126, 127, 65_535, 65_536, 65_537, 200_001])


@given(key=st.binary(min_size=4, max_size=4), lengths=st.lists(LENGTHS, max_size=3))
def test_the_library_reads_what_we_write(key, lengths):
    pieces = [bytes([97 + number]) * length for number, length in enumerate(lengths)]
    reader = wsproto.frame_protocol.FrameProtocol(client=False, extensions=[])
    frame = bytes(text_frame(pieces, key))
    reader.receive_bytes(frame)
    frames = list(reader.received_frames())
    assert "".join(frame.payload for frame in frames) == b"".join(pieces).decode()
    assert all(frame.opcode is wsproto.frame_protocol.Opcode.TEXT for frame in frames)
    assert frames[-1].message_finished
    if all(key) and any(pieces):
        assert b"".join(pieces) not in frame


async def test_frames_of_both_writers_stay_whole():
    ours, theirs = trio.testing.lockstep_stream_pair()
    stream = SharedStream(ours)
    received = bytearray()

    async def read() -> None:
        while data := await theirs.receive_some(7):
            received.extend(data)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        async with trio.open_nursery() as writers:
            for _ in range(5):
                writers.start_soon(stream.send_text, [b"a" * 100])
                writers.start_soon(stream.send_all, b"LIBRARY!" * 8)
        await stream.aclose()
    assert received.count(b"LIBRARY!" * 8) == 5
    assert len(received) == 5 * (100 + 6) + 5 * 64
