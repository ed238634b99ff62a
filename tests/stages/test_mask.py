"""Our masking beside wsproto's own, byte for byte."""

from __future__ import annotations

import importlib.util

import pytest
import wsproto.frame_protocol
from hypothesis import given
from hypothesis import strategies as st

from stages.send import mask


@pytest.fixture(scope="module")
def stock():
    """The library's own masker, from a second copy of its module."""
    spec = importlib.util.spec_from_file_location(
        "wsproto.second_copy", wsproto.frame_protocol.__file__
    )
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy.XorMaskerSimple


@given(key=st.binary(min_size=4, max_size=4), pieces=st.lists(st.binary(max_size=40), max_size=5))
def test_it_masks_as_the_library_does(stock, key, pieces):
    ours, theirs = mask.ArrayMasker(key), stock(key)
    for piece in pieces:
        assert ours.process(bytearray(piece)) == theirs.process(bytearray(piece))


def test_it_is_in_use():
    mask.install()
    frames = wsproto.frame_protocol.FrameProtocol(client=True, extensions=[])
    sent = frames.send_data("x" * 70_000, fin=True)
    back = wsproto.frame_protocol.FrameProtocol(client=False, extensions=[])
    back.receive_bytes(sent)
    assert "".join(frame.payload for frame in back.received_frames()) == "x" * 70_000
    assert wsproto.frame_protocol.XorMaskerSimple is mask.ArrayMasker
