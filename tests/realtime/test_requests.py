from __future__ import annotations

import orjson
import pytest

from hud.realtime import requests
from hud.realtime.requests import SessionOptions, Turn, pictures_create


def read(message):
    return orjson.loads(b"".join(message))


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


def text(words):
    return {"type": "input_text", "text": words}


def image(data):
    return {
        "type": "input_image",
        "image_url": f"data:image/jpeg;base64,{data}",
        "detail": "high",
    }


def from_user(*content, **more):
    return {"type": "message", "role": "user", "content": list(content)} | more


NOTES = text("Notes so far:\n14:03 earlier")
TURN = Turn("14:03 earlier", "14:04", [b"\xff\xd8", b"\xff\xd9"])
SHOWN = [text("14:04"), image("/9g="), image("/9k=")]
OPTIONS = SessionOptions("Watch.", 300)


def test_a_session_is_told_what_it_is():
    assert read(requests.session_update("hud_1", OPTIONS)) == {
        "type": "session.update",
        "event_id": "hud_1",
        "session": {
            "type": "realtime",
            "output_modalities": ["text"],
            "instructions": "Watch.",
            "max_output_tokens": 300,
            "audio": {"input": {"turn_detection": None}},
            "truncation": {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 8000},
            },
            "tools": [],
            "tool_choice": "none",
        },
    }
    reasons = read(requests.session_update("hud_1", SessionOptions("Watch.", 300, "low")))
    assert reasons["session"]["reasoning"] == {"effort": "low"}


def test_a_server_is_told_only_the_fields_that_it_understands():
    options = SessionOptions("Watch.", 300, "low", fields=frozenset({"instructions"}))
    assert read(requests.session_update("hud_1", options))["session"] == {
        "type": "realtime",
        "output_modalities": ["text"],
        "instructions": "Watch.",
    }
    response = read(requests.response_create("hud_2", options, None))["response"]
    assert response == {"output_modalities": ["text"], "metadata": {"turn": "hud_2"}}


def test_a_turn_that_stands_alone_brings_all_its_input():
    response = {
        "output_modalities": ["text"],
        "max_output_tokens": 300,
        "metadata": {"turn": "hud_2"},
        "conversation": "none",
        "input": [from_user(NOTES), from_user(*SHOWN)],
    }
    event = {"type": "response.create", "event_id": "hud_2", "response": response}
    assert read(requests.response_create("hud_2", OPTIONS, TURN)) == event
    first = Turn("", TURN.caption, TURN.jpegs)
    assert read(requests.response_create("hud_2", OPTIONS, first))["response"]["input"] == [
        from_user(*SHOWN)
    ]


def test_a_turn_of_the_conversation_says_nothing_of_its_input():
    by_order = SessionOptions("Watch.", 300, by_metadata=False)
    assert read(requests.response_create("hud_2", by_order, None)) == {
        "type": "response.create",
        "event_id": "hud_2",
        "response": {"output_modalities": ["text"], "max_output_tokens": 300},
    }


def test_items_of_the_conversation():
    head = {"type": "conversation.item.create", "event_id": "hud_3"}
    assert read(requests.notes_create("hud_3", TURN)) == head | {"item": from_user(NOTES)}
    assert read(requests.pictures_create("hud_3", "hud_4", TURN)) == head | {
        "item": from_user(*SHOWN, id="hud_4")
    }
    assert read(requests.item_delete("hud_5", "hud_4")) == {
        "type": "conversation.item.delete",
        "event_id": "hud_5",
        "item_id": "hud_4",
    }
    assert read(requests.response_cancel("hud_6", "resp_1")) == {
        "type": "response.cancel",
        "event_id": "hud_6",
        "response_id": "resp_1",
    }
