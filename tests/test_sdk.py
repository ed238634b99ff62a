"""The critic of client events lets nothing wrong pass."""

from __future__ import annotations

import pydantic
import pytest

from tests.sdk import strict_client_event

TEXT = {"type": "input_text", "text": "look"}
IMAGE = {"type": "input_image", "image_url": "data:image/jpeg;base64,/9g=", "detail": "high"}


def message(*parts, **more):
    return {"type": "message", "role": "user", "content": list(parts)} | more


def create(item, **more):
    return {"type": "conversation.item.create", "event_id": "e1", "item": item} | more


def ask(**response):
    return {"type": "response.create", "event_id": "e1", "response": response}


def update(**session):
    return {"type": "session.update", "event_id": "e1", "session": {"type": "realtime"} | session}


RETENTION = {
    "type": "retention_ratio",
    "retention_ratio": 0.8,
    "token_limits": {"post_instructions": 8000},
}


@pytest.mark.parametrize(
    "event",
    [
        create(message(TEXT, IMAGE, id="i1"), previous_item_id="root"),
        ask(conversation="none", metadata={"turn": "1"}, input=[message(TEXT, IMAGE)]),
        ask(input=[{"type": "item_reference", "id": "i1"}, message(TEXT)]),
        ask(output_modalities=["text"], max_output_tokens=300, reasoning={"effort": "low"}),
        update(audio={"input": {"turn_detection": None}}, tools=[], tool_choice="none"),
        update(truncation=RETENTION, reasoning={"effort": "minimal"}),
        {"type": "response.create"},
        {"type": "response.cancel", "event_id": "e1", "response_id": "r1"},
        {"type": "conversation.item.delete", "event_id": "e1", "item_id": "i1"},
    ],
)
def test_what_is_right_passes_as_it_is(event):
    assert strict_client_event(event) == event


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({"type": "nonsense"}, "does not match any of the expected tags"),
        ({"type": "response.create", "id": "e1"}, "response.create.id"),
        ({"type": "conversation.item.delete"}, "conversation.item.delete.item_id"),
        ({"type": "response.cancel", "event_id": 1}, "response.cancel.event_id"),
        (create(message(TEXT), previous="i0"), "conversation.item.create.previous"),
        (create(message(TEXT, ident="i1")), "UserMessageParam.ident"),
        (create(message({"type": "input_image", "url": "data:"})), "content.0.url"),
        (create(message(TEXT, {"type": "image"})), "content.1.type"),
        (create(message(IMAGE | {"detail": "huge"})), "content.0.detail"),
        (create({"type": "message", "role": "user"}), "UserMessageParam.content"),
        (ask(modalities=["text"]), "response.create.response.modalities"),
        (ask(output_modalities=["words"]), "response.output_modalities.0"),
        (ask(max_output_tokens="300"), "response.max_output_tokens"),
        (ask(metadata={"turn": 1}), "response.metadata.turn"),
        (ask(input=[{"type": "item_ref", "id": "i1"}]), "response.input.0"),
        (ask(input=[message(IMAGE | {"detail": "huge"})]), "content.0.detail"),
        (update(temperature=0.7), "temperature"),
        (update(audio={"input": {"turns": None}}), "audio.input.turns"),
        (update(truncation=RETENTION | {"token_limits": {"most": 1}}), "token_limits.most"),
        ({"type": "session.update", "session": {"tools": []}}, "Param.type"),
    ],
)
def test_what_is_wrong_is_refused_however_deep_it_stands(event, where):
    with pytest.raises(pydantic.ValidationError) as refused:
        strict_client_event(event)
    places = [".".join(map(str, error["loc"])) for error in refused.value.errors()]
    assert any(where in place for place in [*places, str(refused.value)]), refused.value
