"""The messages a client sends, as text ready for the wire.

Requests with pictures are put together around their base64, which never goes through a JSON
encoder: that pass over 400 kB costs more than all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import orjson
import pybase64

SESSION_FIELDS = (
    "instructions",
    "max_output_tokens",
    "turn_detection",
    "truncation",
    "tools",
    "reasoning",
)
"""What a session can be told beyond its type and that it shall write text."""

KEPT_TOKENS = 8000
"""Of the server's conversation after the instructions; only a safety net, for we delete pictures
ourselves. Without it one lost deletion could cost dollars an hour."""


@attrs.frozen
class SessionOptions:
    """What a session is told once."""

    instructions: str
    max_output_tokens: int
    reasoning: str | None = None
    """Effort, for the models that reason; None says nothing about it."""
    in_conversation: bool = False
    """Whether turns are written to the server's conversation; else each stands alone."""
    by_metadata: bool = True
    """Whether answers are told apart by the metadata that the server repeats."""
    fields: frozenset[str] = frozenset(SESSION_FIELDS)
    """Which of `SESSION_FIELDS` the server understands; one unknown field refuses them all."""


@attrs.frozen(eq=False)
class Turn:
    """What is asked once."""

    notes: str
    """Earlier notes, one a line, "" for none."""
    caption: str
    jpegs: Sequence[bytes]


def session_update(event_id: str, options: SessionOptions) -> str:
    """Make it a text-only session."""
    values: dict[str, object] = {
        "instructions": options.instructions,
        "max_output_tokens": options.max_output_tokens,
        "turn_detection": {"input": {"turn_detection": None}},
        "truncation": {
            "type": "retention_ratio",
            "retention_ratio": 0.8,
            "token_limits": {"post_instructions": KEPT_TOKENS},
        },
        "tools": [],
        "reasoning": options.reasoning and {"effort": options.reasoning},
    }
    session: dict[str, object] = {"type": "realtime", "output_modalities": ["text"]}
    for name in SESSION_FIELDS:
        if name in options.fields and values[name] is not None:
            session["audio" if name == "turn_detection" else name] = values[name]
    if "tools" in session:
        session["tool_choice"] = "none"
    return _json({"type": "session.update", "event_id": event_id, "session": session})


def response_create(event_id: str, options: SessionOptions, turn: Turn | None) -> str:
    """Ask for an answer to a turn that stands alone, or to the conversation so far (None)."""
    # The modalities are repeated because a compatible server looks for them only here.
    response: dict[str, object] = {"output_modalities": ["text"]}
    if "max_output_tokens" in options.fields:
        response["max_output_tokens"] = options.max_output_tokens
    if options.by_metadata:
        response["metadata"] = {"turn": event_id}
    event = {"type": "response.create", "event_id": event_id, "response": response}
    if turn is None:
        return _json(event)
    response["conversation"] = "none"
    # Reopen the two outer objects, so that `input` can stand behind the other fields.
    messages = [_message(_shown(turn))]
    if turn.notes:
        messages.insert(0, _message([_notes(turn)]))
    return f'{_json(event)[:-2]},"input":[{",".join(messages)}]}}}}'


def notes_create(event_id: str, turn: Turn) -> str:
    """Tell a conversation that is empty what was noted before it began."""
    return _item_create(event_id, "", [_notes(turn)])


def pictures_create(event_id: str, item_id: str, turn: Turn) -> str:
    """Write a turn's pictures to the conversation; `item_id` has 32 characters at most."""
    return _item_create(event_id, item_id, _shown(turn))


def item_delete(event_id: str, item_id: str) -> str:
    """Take an item out of the conversation."""
    return _json({"type": "conversation.item.delete", "event_id": event_id, "item_id": item_id})


def response_cancel(event_id: str, response_id: str) -> str:
    """End an answer early; it still ends with `response.done`."""
    return _json({"type": "response.cancel", "event_id": event_id, "response_id": response_id})


def _item_create(event_id: str, item_id: str, parts: Sequence[str]) -> str:
    head = _json({"type": "conversation.item.create", "event_id": event_id})
    return f'{head[:-1]},"item":{_message(parts, item_id)}}}'


def _message(parts: Sequence[str], item_id: str = "") -> str:
    name = f'"id":"{item_id}",' if item_id else ""
    return f'{{{name}"type":"message","role":"user","content":[{",".join(parts)}]}}'


def _notes(turn: Turn) -> str:
    return _input_text(f"Notes so far:\n{turn.notes}")


def _shown(turn: Turn) -> list[str]:
    return [_input_text(turn.caption), *(_input_image(jpeg) for jpeg in turn.jpegs)]


def _input_text(text: str) -> str:
    return _json({"type": "input_text", "text": text})


def _input_image(jpeg: bytes) -> str:
    data = pybase64.b64encode_as_string(jpeg)
    return f'{{"type":"input_image","image_url":"data:image/jpeg;base64,{data}","detail":"high"}}'


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
