from __future__ import annotations

import orjson
import pytest

from hud.realtime.requests import Turn, pictures_create


@pytest.mark.parametrize(
    ("said", "meant"), [((), ["high", "high"]), (("low", "high"), ["low", "high"])]
)
def test_each_picture_goes_at_its_detail(said, meant):
    turn = Turn("", "caption", [b"\xff\xd8", b"\xff\xd9"], said)
    content = orjson.loads(b"".join(pictures_create("e", "i", turn)))["item"]["content"]
    assert [part["detail"] for part in content[1:]] == meant


def test_words_need_no_picture():
    turn = Turn("", 'caption\ntext at 9x9 at x=0 y=0:\n"12 failed"', [])
    content = orjson.loads(b"".join(pictures_create("e", "i", turn)))["item"]["content"]
    assert content == [{"type": "input_text", "text": turn.caption}]
