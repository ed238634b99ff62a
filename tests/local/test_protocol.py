"""Dialogues with a session, one for each thing that was observed on the real service."""

from __future__ import annotations

import base64
import json
import struct

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.local import conversation, picture
from hud.local.model import NO_PICTURE
from hud.local.protocol import DEEPEST, ServerSession
from hud.realtime import caption
from hud.realtime.prompt import NOTHING
from hud.realtime.tokens import first_tokens, image_tokens, text_tokens
from hud.rect import Rect
from tests.sdk import SERVER_EVENT, UNTYPED, unknown_keys

NOW = 1_795_230_000.0
PLAIN, REASONING = "gpt-realtime-1.5", "gpt-realtime-2.1-mini"


def png(width=1280, height=720, salt=b""):
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return "data:image/png;base64," + base64.b64encode(header + b"\x08\x02" + salt).decode()


def jpeg(width=1280, height=720, marker=0xC0, before=b"\xff\xe0\x00\x04ab"):
    frame = struct.pack(">BBHBHH", 0xFF, marker, 17, 8, height, width)
    return b"\xff\xd8" + before + frame + b"\x03"


class Script:
    """A session and the client's side of a dialogue; every event sent is checked by the SDK."""

    def __init__(self, model=PLAIN, **options):
        self.session = ServerSession("sess_0123456789abcdef", model, NOW, **options)
        self.time = NOW
        self.reply = self.session.open()
        self.created = self.checked()[0]

    def checked(self):
        for event in self.reply.events:
            typed = SERVER_EVENT.validate_json(orjson.dumps(event))
            assert typed.type == event["type"]
            assert typed.event_id
            assert set(unknown_keys(typed)) <= UNTYPED, event
        return list(self.reply.events)

    def say(self, kind, **fields):
        return self.raw(orjson.dumps({"type": kind, **fields}).decode())

    def raw(self, text):
        self.reply = self.session.receive(text, self.time)
        return self.checked()

    def answer(self, text="Something happened."):
        assert self.reply.ask is not None
        self.reply = self.session.answer(self.reply.ask.response_id, text, self.time)
        return self.checked()

    def add(self, *parts, item_id=None, role="user", **fields):
        item = {"type": "message", "role": role, "content": list(parts)}
        if item_id is not None:
            item["id"] = item_id
        return self.say("conversation.item.create", item=item, **fields)

    def ask(self, **response):
        return self.say("response.create", response={"output_modalities": ["text"], **response})


def text(words, kind="input_text"):
    return {"type": kind, "text": words}


def image(uri, **fields):
    return {"type": "input_image", "image_url": uri, **fields}


def kinds(events):
    return [event["type"] for event in events]


def refused(events, code, param=None):
    [event] = events
    assert event["type"] == "error"
    error = event["error"]
    assert error["type"] == "invalid_request_error"
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]
    return error


# The session


def test_it_is_created_with_the_defaults_of_the_real_service():
    session = Script(lifetime=1800).created["session"]
    assert session["model"] == PLAIN
    assert session["expires_at"] == NOW + 1800
    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert set(session) == {
        *("type", "object", "id", "model", "output_modalities", "instructions", "tools"),
        *("tool_choice", "max_output_tokens", "truncation", "tracing", "prompt", "expires_at"),
        *("audio", "include"),
    }


def test_an_update_changes_what_is_present_and_echoes_the_whole():
    script = Script()
    retention = {"type": "retention_ratio", "retention_ratio": 0.8}
    change = {
        "type": "realtime",
        "output_modalities": ["text"],
        "instructions": "Watch.",
        "max_output_tokens": 300,
        "audio": {"input": {"turn_detection": None}},
        "truncation": {**retention, "token_limits": {"post_instructions": 8000}},
        "tools": [],
        "tool_choice": "none",
    }
    [event] = script.say("session.update", session=change)
    before, after = script.created["session"], event["session"]
    assert event["type"] == "session.updated"
    assert after["audio"]["input"]["turn_detection"] is None
    assert after["audio"]["output"] == before["audio"]["output"]
    changed = {key for key in before if before[key] != after[key]}
    assert changed == set(change) - {"type", "tools"}
    [again] = script.say("session.update", session={"type": "realtime", "instructions": ""})
    assert again["session"] == {**after, "instructions": ""}


def test_defaults_are_filled_in_where_an_update_leaves_them_out():
    script = Script()
    audio = {"input": {"turn_detection": {"type": "semantic_vad"}, "format": {"type": "audio/pcm"}}}
    [event] = script.say("session.update", session={"type": "realtime", "audio": audio})
    heard = event["session"]["audio"]["input"]
    assert heard["format"] == {"type": "audio/pcm", "rate": 24000}
    assert heard["turn_detection"]["eagerness"] == "auto"


BAD_SESSIONS = [
    ({}, "missing_required_parameter", "session.type"),
    ({"type": "transcription"}, "invalid_value", "session.type"),
    ({"modalities": ["text"]}, "unknown_parameter", "session.modalities"),
    ({"temperature": 0.7}, "unknown_parameter", "session.temperature"),
    ({"voice": "marin"}, "unknown_parameter", "session.voice"),
    ({"reasoning": {"effort": "low"}}, "unknown_parameter", "session.reasoning"),
    ({"model": "gpt-realtime"}, "invalid_value", "session.model"),
    ({"instructions": 3}, "invalid_type", "session.instructions"),
    ({"instructions": None}, "invalid_type", "session.instructions"),
    ({"output_modalities": "text"}, "invalid_type", "session.output_modalities"),
    ({"output_modalities": ["text", "audio"]}, "invalid_value", "session.output_modalities"),
    ({"output_modalities": ["video"]}, "invalid_value", "session.output_modalities[0]"),
    ({"output_modalities": []}, "invalid_value", "session.output_modalities"),
    ({"max_output_tokens": 0}, "integer_below_min_value", "session.max_output_tokens"),
    ({"max_output_tokens": 4097}, "integer_above_max_value", "session.max_output_tokens"),
    ({"max_output_tokens": True}, "invalid_type", "session.max_output_tokens"),
    ({"max_output_tokens": "all"}, "invalid_value", "session.max_output_tokens"),
    ({"truncation": "sometimes"}, "invalid_value", "session.truncation"),
    ({"truncation": {"type": "ratio"}}, "invalid_value", "session.truncation.type"),
    (
        {"truncation": {"type": "retention_ratio", "retention_ratio": 1.5}},
        "decimal_above_max_value",
        "session.truncation.retention_ratio",
    ),
    (
        {"truncation": {"type": "retention_ratio"}},
        "missing_required_parameter",
        "session.truncation.retention_ratio",
    ),
    ({"audio": {"turn": None}}, "unknown_parameter", "session.audio.turn"),
    (
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
        "integer_below_min_value",
        "session.audio.input.format.rate",
    ),
    (
        {"audio": {"input": {"turn_detection": {"type": "none"}}}},
        "invalid_value",
        "session.audio.input.turn_detection.type",
    ),
    ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
    ({"tool_choice": "sometimes"}, "invalid_value", "session.tool_choice"),
    ({"tool_choice": {"type": "x"}}, "invalid_value", "session.tool_choice.type"),
]


@pytest.mark.parametrize(("change", "code", "param"), BAD_SESSIONS)
def test_a_bad_update_is_one_error_and_changes_nothing(change, code, param):
    script = Script()
    kind = {} if param == "session.type" else {"type": "realtime"}
    session = {"max_output_tokens": 7, **kind, **change}
    error = refused(script.say("session.update", event_id="cli_1", session=session), code, param)
    assert error["event_id"] == "cli_1"
    [event] = script.say("session.update", session={"type": "realtime"})
    assert event["session"] == script.created["session"]


def test_only_reasoning_models_take_reasoning():
    change = {"type": "realtime", "reasoning": {"effort": "low"}}
    [event] = Script(REASONING).say("session.update", session=change)
    assert event["session"]["reasoning"] == {"effort": "low"}
    refused(Script().ask(reasoning={"effort": "low"}), "unknown_parameter", "response.reasoning")


def test_tracing_cannot_be_changed_once_it_is_on():
    script = Script()
    script.say("session.update", session={"type": "realtime", "tracing": "auto"})
    change = {"type": "realtime", "tracing": None}
    refused(script.say("session.update", session=change), "invalid_value", "session.tracing")


# Messages that are none

RUBBISH = [
    ("", "invalid_event", None),
    ("{", "invalid_event", None),
    ("[]", "invalid_event", None),
    ("\ud800", "invalid_event", None),
    ("{}", "missing_required_parameter", "type"),
    ('{"type":"session.close"}', "invalid_value", "type"),
    ('{"type":7}', "invalid_type", "type"),
    ('{"type":null}', "invalid_type", "type"),
    ('{"type":"session.update"}', "missing_required_parameter", "session"),
    ('{"type":"session.update","session":[]}', "invalid_type", "session"),
    ('{"type":"response.cancel","eventid":"x"}', "unknown_parameter", "eventid"),
    ('{"type":"response.cancel","event_id":7}', "invalid_type", "event_id"),
]


@pytest.mark.parametrize(("message", "code", "param"), RUBBISH)
def test_rubbish_gives_one_error(message, code, param):
    assert refused(Script().raw(message), code, param)["event_id"] is None


def test_a_binary_message_gives_one_error():
    script = Script()
    script.reply = script.session.receive_binary()
    refused(script.checked(), "invalid_event")


def test_a_long_word_is_not_repeated_at_length():
    error = refused(Script().say("x" * 10_000), "invalid_value", "type")
    assert len(error["message"]) < 1000


# Items


def test_an_item_is_echoed_whole_twice():
    script = Script()
    parts = [text("14:03:20"), image(png(), detail="high")]
    added, done = script.add(*parts, item_id="img_1")
    assert kinds([added, done]) == ["conversation.item.added", "conversation.item.done"]
    assert added["item"] == done["item"]
    assert added["item"] == {
        "id": "img_1",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": parts,
    }
    assert added["previous_item_id"] is None
    [got] = script.say("conversation.item.retrieve", item_id="img_1")
    assert got["item"] == added["item"]


def test_an_item_without_id_or_detail_gets_them():
    item = Script().add(image(png()))[0]["item"]
    assert 0 < len(item["id"]) <= 32
    assert item["content"][0]["detail"] == "auto"


def test_where_an_item_goes():
    script = Script()
    places = [("a", {}), ("b", {"previous_item_id": ""}), ("c", {"previous_item_id": None})]
    places += [("d", {"previous_item_id": "root"}), ("e", {"previous_item_id": "a"})]
    heard = [
        script.add(text("x"), item_id=name, **where)[0]["previous_item_id"]
        for name, where in places
    ]
    assert heard == [None, "a", "b", None, "a"]
    events = script.add(text("x"), item_id="f", previous_item_id="zz", event_id="cli_7")
    error = refused(events, "item_create_invalid_previous_item_id")
    assert error["message"] == ("Error adding item: the previous item with id 'zz' does not exist.")
    assert error["event_id"] == "cli_7"
    refused(script.say("conversation.item.retrieve", item_id="f"), "item_retrieve_invalid_item_id")


def test_a_second_item_of_the_same_id_is_appended_as_1_5_does():
    script = Script()
    script.add(text("one"), item_id="a")
    assert script.add(text("two"), item_id="a")[0]["previous_item_id"] == "a"
    for _ in range(2):
        [event] = script.say("conversation.item.delete", item_id="a")
        assert event["type"] == "conversation.item.deleted"
    refused(script.say("conversation.item.delete", item_id="a"), "item_delete_invalid_item_id")


def test_the_words_about_items_that_do_not_exist():
    script = Script()
    for action, doing in (("delete", "deleting"), ("retrieve", "retrieving")):
        events = script.say(f"conversation.item.{action}", item_id="X")
        error = refused(events, f"item_{action}_invalid_item_id")
        assert error["message"] == f"Error {doing} item: the item with id 'X' does not exist."


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_history_can_be_told_again(role):
    kind = "output_text" if role == "assistant" else "input_text"
    item = Script().add(text("Notes so far.", kind), role=role)[0]["item"]
    assert (item["role"], item["content"]) == (role, [text("Notes so far.", kind)])


def test_function_calls_are_kept():
    script = Script()
    call = {"type": "function_call", "name": "wait", "arguments": "{}", "call_id": "c"}
    assert script.say("conversation.item.create", item=call)[0]["item"]["name"] == "wait"
    output = {"type": "function_call_output", "call_id": "c", "output": "ok"}
    assert script.say("conversation.item.create", item=output)[0]["item"]["output"] == "ok"


PART = "item.content[0]"
BAD_ITEMS = [
    ({"id": "x" * 33}, "string_above_max_length", "item.id"),
    ({"id": "a b"}, "invalid_value", "item.id"),
    ({"id": ""}, "invalid_value", "item.id"),
    ({"id": "a\n"}, "invalid_value", "item.id"),
    ({"type": "item_reference"}, "invalid_value", "item.type"),
    ({"role": "tool"}, "invalid_value", "item.role"),
    ({"content": "hello"}, "invalid_type", "item.content"),
    ({"colour": 1}, "unknown_parameter", "item.colour"),
    ({"content": [{"type": "text", "text": "x"}]}, "invalid_value", PART + ".type"),
    ({"content": [{"text": "x"}]}, "missing_required_parameter", PART + ".type"),
    ({"content": [{"type": "input_text"}]}, "missing_required_parameter", PART + ".text"),
    ({"content": [text("x" * 256_001)]}, "string_above_max_length", PART + ".text"),
    ({"content": [text("x", "output_text")]}, "invalid_value", PART + ".type"),
    ({"content": [{**image(png()), "url": "x"}]}, "unknown_parameter", PART + ".url"),
    ({"content": [image(png(), detail="huge")]}, "invalid_value", PART + ".detail"),
    ({"content": [image("https://x.org/a.png")]}, "invalid_value", PART + ".image_url"),
    ({"content": [image("data:image/gif;base64,AAAA")]}, "invalid_value", PART + ".image_url"),
    ({"content": [image("data:image/png;base64,####")]}, "invalid_value", PART + ".image_url"),
    ({"content": [image("data:image/png;base64,AAA")]}, "invalid_value", PART + ".image_url"),
    ({"content": [image("data:image/png;base64,AAAA")]}, "invalid_value", PART + ".image_url"),
    ({"content": [image(png(0, 5))]}, "invalid_value", PART + ".image_url"),
    ({"content": [image(png(8193, 5))]}, "invalid_value", PART + ".image_url"),
    ({"content": [image(png(5, 8193))]}, "invalid_value", PART + ".image_url"),
    ({"role": "system", "content": [image(png())]}, "invalid_value", PART + ".type"),
    ({"role": "assistant", "content": [text("x")]}, "invalid_value", PART + ".type"),
]


@pytest.mark.parametrize(("change", "code", "param"), BAD_ITEMS)
def test_a_bad_item_is_one_error_and_not_added(change, code, param):
    script = Script()
    item = {"id": "a", "type": "message", "role": "user", "content": [], **change}
    refused(script.say("conversation.item.create", item=item), code, param)
    assert script.add(text("x"))[0]["previous_item_id"] is None


def test_the_oldest_items_leave_a_full_conversation(monkeypatch):
    one = conversation.item({"type": "message", "content": [image(png())]}, "x", "")
    monkeypatch.setattr(conversation, "MOST_KEPT", 2 * one.weight)
    script = Script()
    for number in range(3):
        script.add(image(png()), item_id=f"p{number}")
    refused(script.say("conversation.item.delete", item_id="p0"), "item_delete_invalid_item_id")
    monkeypatch.undo()
    for number in range(conversation.MOST_ITEMS):
        script.add(text("x"), item_id=f"t{number}")
    refused(script.say("conversation.item.delete", item_id="p2"), "item_delete_invalid_item_id")
    [event] = script.say("conversation.item.delete", item_id="t0")
    assert event["type"] == "conversation.item.deleted"


@pytest.mark.parametrize("many", [False, True])
def test_texts_weigh_too(monkeypatch, many):
    monkeypatch.setattr(conversation, "MOST_KEPT", 100_000)
    script = Script()
    parts = [text("x")] * 200 if many else [text("x" * 40_000)]
    for number in range(3):
        script.add(*parts, item_id=f"t{number}")
    refused(script.say("conversation.item.delete", item_id="t0"), "item_delete_invalid_item_id")
    [event] = script.say("conversation.item.delete", item_id="t2")
    assert event["type"] == "conversation.item.deleted"


def test_what_concerns_audio():
    script = Script()
    refused(script.say("input_audio_buffer.append", audio="AAAA"), "invalid_value", "audio")
    refused(script.say("input_audio_buffer.commit"), "input_audio_buffer_commit_empty")
    assert kinds(script.say("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    where = {"content_index": 0, "audio_end_ms": 0}
    events = script.say("conversation.item.truncate", item_id="x", **where)
    refused(events, "item_truncate_invalid_item_id")
    script.add(text("x"), item_id="x")
    events = script.say("conversation.item.truncate", item_id="x", **where)
    refused(events, "invalid_value", "item_id")


# Responses


def test_one_turn_in_the_order_of_the_real_service():
    script = Script()
    script.say("session.update", session={"type": "realtime", "output_modalities": ["text"]})
    script.add(text("14:03:20"), image(png()), item_id="img_1")
    created = script.ask(metadata={"turn": "17"})
    assert kinds(created) == ["response.created"]
    response = created[0]["response"]
    assert response["status"] == "in_progress"
    assert response["usage"] is None
    assert response["metadata"] == {"turn": "17"}
    events = script.answer("Editing main.py.")
    deltas = [event for event in events if event["type"].endswith(".delta")]
    assert kinds(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * len(deltas),
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert "".join(delta["delta"] for delta in deltas) == "Editing main.py."
    assert all(delta["obfuscation"] for delta in deltas)
    assert events[0]["item"]["status"] == "in_progress"
    assert events[1]["previous_item_id"] == "img_1"
    assert events[-5]["part"] == {"type": "text", "text": "Editing main.py."}
    done = events[-2]["response"]
    assert done["status"] == "completed"
    assert done["id"] == response["id"]
    assert done["conversation_id"] == response["conversation_id"]
    assert done["output"] == [events[-3]["item"]]
    assert done["output"][0]["content"] == [text("Editing main.py.", "output_text")]
    assert done["metadata"] == {"turn": "17"}
    [got] = script.say("conversation.item.retrieve", item_id=done["output"][0]["id"])
    assert got["item"] == done["output"][0]


def test_out_of_band_nothing_is_written_to_the_conversation():
    script = Script()
    script.add(text("hello"), item_id="a")
    message = {"type": "message", "role": "user", "content": [image(png())]}
    [created] = script.ask(conversation="none", input=[message])
    assert created["response"]["conversation_id"] is None
    events = script.answer()
    assert not [kind for kind in kinds(events) if kind.startswith("conversation.")]
    assert script.add(text("x"))[0]["previous_item_id"] == "a"


def test_a_reference_stands_for_the_item():
    script = Script()
    line = caption.write("14:03:20", 2, (1920, 1080), [[Rect(1, 2, 30, 40)]])
    script.add(text(line), image(png(30, 40)), image(png(50, 60)), item_id="a")
    script.ask(conversation="none", input=[{"type": "item_reference", "id": "a"}])
    first, second = script.reply.ask.sights
    assert first.place == caption.Place(2, 1920, 1080, (Rect(1, 2, 30, 40),))
    assert second.place is None
    assert picture.dimensions(first.jpeg) == (30, 40)
    events = script.ask(conversation="none", input=[{"type": "item_reference", "id": "b"}])
    refused(events, "invalid_value", "response.input[0].id")


def test_a_caption_with_absurd_numbers_is_no_caption():
    script = Script()
    script.add(text(f"screen {'9' * 5000} (1x1); picture 1: whole screen"), image(png()))
    script.ask()
    assert script.reply.ask.sights[0].place is None


BAD_RESPONSES = [
    ({"temperature": 1}, "unknown_parameter", "response.temperature"),
    ({"truncation": "auto"}, "unknown_parameter", "response.truncation"),
    ({"model": PLAIN}, "unknown_parameter", "response.model"),
    ({"conversation": "other"}, "invalid_value", "response.conversation"),
    ({"max_output_tokens": 5000}, "integer_above_max_value", "response.max_output_tokens"),
    ({"output_modalities": ["text", "audio"]}, "invalid_value", "response.output_modalities"),
    ({"input": "x"}, "invalid_type", "response.input"),
    ({"input": [{"id": "a"}]}, "missing_required_parameter", "response.input[0].type"),
    ({"input": [{"type": "x"}]}, "invalid_value", "response.input[0].type"),
    ({"metadata": {str(n): "" for n in range(17)}}, "invalid_value", "response.metadata"),
    (
        {"metadata": {"k" * 65: ""}},
        "string_above_max_length",
        "response.metadata." + "k" * 63 + "…",
    ),
    ({"metadata": {"k": "v" * 513}}, "string_above_max_length", "response.metadata.k"),
    ({"metadata": {"k": 1}}, "invalid_type", "response.metadata.k"),
    (
        {"input": [{"type": "message", "role": "user", "content": [image("data:x")]}]},
        "invalid_value",
        "response.input[0].content[0].image_url",
    ),
]


@pytest.mark.parametrize(("change", "code", "param"), BAD_RESPONSES)
def test_a_bad_response_is_one_error_and_nothing_runs(change, code, param):
    script = Script()
    events = script.say("response.create", event_id="cli_9", response=change)
    assert refused(events, code, param)["event_id"] == "cli_9"
    refused(script.say("response.cancel"), "response_cancel_not_active")


def test_only_one_response_at_a_time_writes_to_the_conversation():
    script = Script()
    script.add(image(png()))
    active = script.ask()[0]["response"]["id"]
    ask = script.reply.ask
    error = refused(script.ask(), "conversation_already_has_active_response")
    assert active in error["message"]
    message = {"type": "message", "role": "user", "content": [image(png())]}
    assert kinds(script.ask(conversation="none", input=[message])) == ["response.created"]
    assert script.reply.ask.response_id != active
    script.answer("Beside.")
    script.reply = script.session.answer(ask.response_id, "Inside.", NOW)
    assert script.checked()[-2]["response"]["id"] == active
    script.add(image(png()))
    assert kinds(script.ask()) == ["response.created"]


def test_too_many_responses_beside_are_limited():
    script = Script()
    message = {"type": "message", "role": "user", "content": [image(png())]}
    for _ in range(20):
        events = script.ask(conversation="none", input=[message])
    done = events[1]["response"]
    assert done["status"] == "failed"
    assert done["status_details"]["error"]["code"] == "rate_limit_exceeded"


def test_a_cancelled_response_ends_and_its_late_answer_is_nothing():
    script = Script()
    script.add(image(png()))
    active = script.ask()[0]["response"]["id"]
    events = script.say("response.cancel", response_id="resp_other")
    error = refused(events, "response_cancel_not_active")
    assert error["message"] == "Cancellation failed: no active response"
    done = script.say("response.cancel")[0]["response"]
    assert script.reply.dropped == active
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["usage"]["output_tokens"] == 0
    assert script.session.answer(active, "late", NOW).events == ()
    assert script.session.fail(active, "late", NOW).events == ()
    refused(script.say("response.cancel"), "response_cancel_not_active")
    script.ask()
    assert len(script.reply.ask.sights) == 1


def test_a_response_beside_is_cancelled_by_its_id_only():
    script = Script()
    message = {"type": "message", "role": "user", "content": [image(png())]}
    beside = script.ask(conversation="none", input=[message])[0]["response"]["id"]
    refused(script.say("response.cancel"), "response_cancel_not_active")
    events = script.say("response.cancel", response_id=beside)
    assert events[0]["response"]["status"] == "cancelled"


def test_the_cap_cuts_the_answer():
    script = Script()
    script.add(image(png()))
    script.ask(max_output_tokens=2)
    done = script.answer("0123456789")[-2]["response"]
    assert done["status"] == "incomplete"
    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert done["output"][0]["status"] == "incomplete"
    assert done["output"][0]["content"][0]["text"] == "01234567"
    assert done["usage"]["output_tokens"] == 2


def test_a_failed_model_fails_the_response():
    script = Script()
    script.add(image(png()))
    script.ask(metadata={"turn": "1"})
    script.reply = script.session.fail(script.reply.ask.response_id, "It broke.", NOW)
    done = script.checked()[0]["response"]
    assert done["status"] == "failed"
    error = {"type": "server_error", "code": None, "message": "It broke."}
    assert done["status_details"] == {"type": "failed", "error": error}
    assert done["usage"]["total_tokens"] == 0
    assert done["metadata"] == {"turn": "1"}


def test_audio_is_a_transcript_without_sound():
    script = Script()
    script.add(image(png()))
    script.say("response.create")
    events = script.answer("Hello there.")
    assert "response.output_audio_transcript.delta" in kinds(events)
    assert "response.output_text.delta" not in kinds(events)
    content = {"type": "output_audio", "transcript": "Hello there."}
    assert events[-2]["response"]["output"][0]["content"] == [content]


def test_what_is_said_without_the_model():
    script = Script()
    script.add(text("Tell me a joke."))
    done = script.ask()[-2]["response"]
    assert done["output"][0]["content"][0]["text"] == NO_PICTURE
    script.add(image(png()))
    script.ask()
    assert script.answer(" \n")[-2]["response"]["output"][0]["content"][0]["text"] == NOTHING
    done = script.ask()[-2]["response"]
    assert done["output"][0]["content"][0]["text"] == NOTHING


def test_a_picture_of_the_conversation_is_looked_at_once():
    script = Script()
    script.add(image(png(100, 100)))
    script.ask()
    script.answer()
    script.add(image(png(200, 100)))
    script.ask()
    [sight] = script.reply.ask.sights
    assert picture.dimensions(sight.jpeg) == (200, 100)


# What it costs


def bill(events):
    [done] = [event["response"] for event in events if event["type"] == "response.done"]
    usage = done["usage"]
    details = usage["input_token_details"]
    by_kind = ("text_tokens", "image_tokens", "audio_tokens")
    assert usage["input_tokens"] == sum(details[kind] for kind in by_kind)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    cached = details["cached_tokens_details"]
    assert details["cached_tokens"] == sum(cached[kind] for kind in by_kind)
    assert all(cached[kind] <= details[kind] for kind in by_kind)
    assert usage["output_token_details"]["text_tokens"] == usage["output_tokens"]
    return usage


def test_usage_adds_up():
    script = Script()
    change = {"type": "realtime", "instructions": "i" * 400}
    script.say("session.update", session=change)
    script.add(
        text("c" * 41), image(png(1280, 720)), image(png(512, 512)), image(png(), detail="low")
    )
    script.ask()
    usage = bill(script.answer("n" * 20))
    assert usage["input_token_details"]["text_tokens"] == 100 + 11
    assert usage["input_token_details"]["image_tokens"] == 323 + 194 + 65
    assert usage["output_tokens"] == 5


def test_the_instructions_of_a_response_replace_those_of_the_session():
    script = Script()
    script.add(image(png()))
    script.ask(instructions="")
    assert bill(script.answer())["input_token_details"]["text_tokens"] == 0


def test_null_instructions_of_a_response_are_those_of_the_session():
    script = Script()
    script.say("session.update", session={"type": "realtime", "instructions": "i" * 400})
    script.add(image(png()))
    script.ask(instructions=None)
    assert bill(script.answer())["input_token_details"]["text_tokens"] == 100


def test_the_common_prefix_is_cached_in_steps_from_1024():
    script = Script()
    script.say("session.update", session={"type": "realtime", "instructions": "i" * 4000})
    script.add(text("a" * 160), image(png()), item_id="a")
    script.ask()
    assert bill(script.answer("n"))["input_token_details"]["cached_tokens"] == 0
    script.add(text("b" * 400), item_id="b")
    script.ask()
    details = bill(script.answer() if script.reply.ask else script.checked())
    cached = details["input_token_details"]
    assert cached["cached_tokens"] == (1000 + 40 + 323) // 128 * 128
    assert cached["cached_tokens_details"]["text_tokens"] == 1040
    script.say("conversation.item.delete", item_id="a")
    script.ask()
    assert bill(script.checked())["input_token_details"]["cached_tokens"] == 0


def test_a_text_that_only_grew_is_cached_as_far_as_it_is_the_same():
    script = Script()
    for words, expected in (("x" * 6000, 0), ("x" * 6000 + "y" * 800, 1408)):
        item = {"type": "message", "role": "user", "content": [text(words)]}
        usage = bill(script.ask(conversation="none", instructions="", input=[item]))
        assert usage["input_token_details"]["cached_tokens"] == expected


def test_a_full_context_loses_its_oldest_items_silently():
    script = Script()
    script.add(text("i" * 100_000), item_id="a")
    script.add(text("j" * 100_000), item_id="b")
    usage = bill(script.ask(instructions=""))
    assert usage["input_tokens"] == 25_000
    [event] = script.say("conversation.item.delete", item_id="a")
    assert event["type"] == "conversation.item.deleted"


def test_a_retention_ratio_drops_more_at_once_and_for_good():
    script = Script()
    limits = {"post_instructions": 1000}
    kept = {"type": "retention_ratio", "retention_ratio": 0.5, "token_limits": limits}
    script.say("session.update", session={"type": "realtime", "truncation": kept})
    for number in range(5):
        script.add(text(str(number) * 800))
    assert bill(script.ask(instructions=""))["input_tokens"] == 1000
    said = text_tokens(NO_PICTURE)
    script.add(text("x" * 800))
    usage = bill(script.ask(instructions=""))
    assert usage["input_tokens"] == 200 + said + 200


@pytest.mark.parametrize("truncation", ["disabled", "auto"])
def test_what_never_fits_is_refused(truncation):
    script = Script()
    script.say("session.update", session={"type": "realtime", "truncation": truncation})
    script.add(text("x" * 120_000))
    refused(script.ask(), "context_length_exceeded")


def test_a_disabled_truncation_refuses_what_auto_would_drop():
    script = Script()
    script.say("session.update", session={"type": "realtime", "truncation": "disabled"})
    script.add(text("x" * 100_000))
    script.add(text("x" * 100_000))
    refused(script.ask(), "context_length_exceeded")


def test_more_context_on_the_second_family():
    script = Script(REASONING)
    script.add(text("x" * 200_000))
    assert bill(script.ask(instructions=""))["input_tokens"] == 50_000


def test_too_many_tokens_a_minute_fail_inside_the_response():
    script = Script(tokens_per_minute=3000)
    message = {"type": "message", "role": "user", "content": [text("x" * 4000)]}
    asked = {"conversation": "none", "instructions": "", "input": [message]}
    asked["max_output_tokens"] = 100
    for _ in range(2):
        assert script.ask(**asked)[-2]["response"]["status"] == "completed"
        script.time += 10
    created, done, limits = script.ask(**asked, metadata={"turn": "3"})
    assert created["response"]["status"] == "in_progress"
    assert done["response"]["status"] == "failed"
    assert done["response"]["metadata"] == {"turn": "3"}
    error = done["response"]["status_details"]["error"]
    assert (error["type"], error["code"]) == ("tokens", "rate_limit_exceeded")
    assert "Please try again in 40.000s." in error["message"]
    assert limits["rate_limits"][0]["remaining"] < 1000
    script.time += 40.001
    assert script.ask(**asked)[-2]["response"]["status"] == "completed"


def test_the_end_of_a_session():
    script = Script()
    script.reply = script.session.expire()
    error = refused(script.checked(), "session_expired")
    assert error["message"] == "Your session hit the maximum duration of 60 minutes."
    assert len(script.session.farewell.encode()) <= 123  # RFC 6455, 5.5: of a close frame


# Tokens and pictures

SIZES = [
    (512, 512, 194),
    (1024, 1024, 194),
    (640, 360, 323),
    (800, 450, 323),
    (1024, 576, 323),
    (1280, 720, 323),
    (1280, 800, 323),
    (1920, 1080, 323),
    (2560, 1440, 323),
    (3840, 2160, 323),
    (1024, 768, 323),
    (720, 1280, 323),
    (2560, 1080, 452),
    (3440, 1440, 452),
    (5120, 1440, 581),
]


@pytest.mark.parametrize(("width", "height", "tokens"), SIZES)
def test_tokens_of_a_picture(width, height, tokens):
    assert image_tokens(width, height) == image_tokens(width, height, "auto") == tokens
    assert image_tokens(width, height, "low") == 65


def test_tokens_of_a_text():
    assert [text_tokens(words) for words in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
    assert first_tokens("äöüß€", 2) == "äöüß"
    assert text_tokens(first_tokens("€" * 9, 2)) <= 2


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (jpeg(640, 360), (640, 360)),
        (jpeg(640, 360, marker=0xC2), (640, 360)),
        (jpeg(7, 5, before=b"\xff\xff\xe1\x00\x02\xff\xd0\xff\x01"), (7, 5)),
        (jpeg(marker=0xC4), None),
        (jpeg()[:12], None),
        (jpeg(before=b"\x00"), None),
        (jpeg(before=b"\xff\xe0\x00\x00"), (1280, 720)),
        (jpeg(0, 5), None),
        (b"\xff\xd8", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"", None),
    ],
)
def test_sizes_in_headers(data, size):
    assert picture.dimensions(data) == size


# Rubbish

WORDS = st.sampled_from(
    [
        *("session.update", "conversation.item.create", "conversation.item.delete"),
        *("response.create", "response.cancel", "message", "input_text", "input_image", "user"),
        *("realtime", "retention_ratio", "none", "a", "root", png(), "data:image/jpeg;base64,/9j/"),
    ]
)
KEYS = st.sampled_from(
    [
        *("type", "session", "item", "item_id", "response", "input", "content", "role", "text"),
        *("image_url", "audio", "output", "truncation", "metadata", "id", "previous_item_id"),
        *("conversation", "event_id", "tools", "max_output_tokens", "detail", "retention_ratio"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5)
)
LIKELY = st.fixed_dictionaries(
    {"type": WORDS},
    optional={
        "session": st.fixed_dictionaries({"type": st.just("realtime")}, optional={"tools": JSON}),
        "item": JSON,
        "response": JSON,
        "item_id": st.just("a"),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON | LIKELY | st.text() | st.binary(max_size=9), max_size=6))
def test_rubbish_never_raises(messages):
    script = Script()
    for message in messages:
        if isinstance(message, bytes):
            script.reply = script.session.receive_binary()
        else:
            script.raw(message if isinstance(message, str) else json.dumps(message))
        script.checked()


@given(st.text())
def test_any_text_is_streamed_whole(words):
    script = Script()
    script.add(image(png()))
    script.ask()
    events = script.answer(words)
    deltas = "".join(event["delta"] for event in events if "delta" in event)
    assert deltas == events[-2]["response"]["output"][0]["content"][0]["text"]


@given(st.binary(max_size=40))
def test_any_bytes_have_a_size_or_none(data):
    for head in (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"):
        picture.dimensions(head + data)


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}])
def test_a_message_nested_too_deep_to_be_echoed_is_refused(wrap):
    def told(levels):
        value = 1
        for _ in range(levels):
            value = wrap(value)
        tool = {"type": "function", "name": "f", "parameters": {"a": value}}
        script = Script()
        [event] = script.say("session.update", session={"type": "realtime", "tools": [tool]})
        return event

    # Five lie around it: the message, session, tools, the tool and its parameters.
    assert told(DEEPEST - 5)["type"] == "session.updated"
    for levels in (DEEPEST - 4, 240):
        refused = told(levels)
        assert refused["error"]["code"] == "invalid_event"
        assert str(DEEPEST) in refused["error"]["message"]
