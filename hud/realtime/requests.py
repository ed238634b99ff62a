"""The messages a client sends, as UTF-8 in pieces that the wire puts together.

A request with pictures is built around their base64, which never goes through a JSON encoder and
is copied only once: over 400 kB each such pass costs more than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat

import attrs
import orjson
import pybase64

from hud.items import Detail, Jpeg

Message = list[bytes]
"""The pieces of one message, to be sent one after the other."""

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
    jpegs: Sequence[Jpeg]
    details: Sequence[Detail] = ()
    """Of each picture; high where nothing is said."""


def session_update(event_id: str, options: SessionOptions) -> Message:
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
    return _event({"type": "session.update", "event_id": event_id, "session": session})


def response_create(event_id: str, options: SessionOptions, turn: Turn | None) -> Message:
    """Ask for an answer to a turn that stands alone, or to the conversation so far (None)."""
    # The modalities are repeated because a compatible server looks for them only here.
    response: dict[str, object] = {"output_modalities": ["text"]}
    if "max_output_tokens" in options.fields:
        response["max_output_tokens"] = options.max_output_tokens
    if options.by_metadata:
        response["metadata"] = {"turn": event_id}
    event = {"type": "response.create", "event_id": event_id, "response": response}
    if turn is None:
        return _event(event)
    response["conversation"] = "none"
    # Reopen the two outer objects, so that `input` can stand behind the other fields.
    pieces = [orjson.dumps(event)[:-2], b',"input":[']
    if turn.notes:
        pieces += [*_message([_notes(turn)]), b","]
    return [*pieces, *_message(_shown(turn)), b"]}}"]


def notes_create(event_id: str, turn: Turn) -> Message:
    """Tell a conversation that is empty what was noted before it began."""
    return _item_create(event_id, "", [_notes(turn)])


def pictures_create(event_id: str, item_id: str, turn: Turn) -> Message:
    """Write a turn's pictures to the conversation; `item_id` has 32 characters at most."""
    return _item_create(event_id, item_id, _shown(turn))


def item_delete(event_id: str, item_id: str) -> Message:
    """Take an item out of the conversation."""
    return _event({"type": "conversation.item.delete", "event_id": event_id, "item_id": item_id})


def response_cancel(event_id: str, response_id: str) -> Message:
    """End an answer early; it still ends with `response.done`."""
    return _event({"type": "response.cancel", "event_id": event_id, "response_id": response_id})


def _item_create(event_id: str, item_id: str, parts: Sequence[Message]) -> Message:
    head = orjson.dumps({"type": "conversation.item.create", "event_id": event_id})
    return [head[:-1], b',"item":', *_message(parts, item_id), b"}"]


def _message(parts: Sequence[Message], item_id: str = "") -> Message:
    head = {"type": "message", "role": "user"} | ({"id": item_id} if item_id else {})
    pieces = [orjson.dumps(head)[:-1], b',"content":[']
    for number, part in enumerate(parts):
        pieces += [b",", *part] if number else part
    return [*pieces, b"]}"]


def _notes(turn: Turn) -> Message:
    return _input_text(f"Notes so far:\n{turn.notes}")


def _shown(turn: Turn) -> list[Message]:
    high: Iterator[Detail] = repeat("high")
    details = chain(turn.details, high)
    return [_input_text(turn.caption), *map(_input_image, turn.jpegs, details)]


def _input_text(text: str) -> Message:
    return _event({"type": "input_text", "text": text})


def _input_image(jpeg: Jpeg, detail: Detail) -> Message:
    head = b'{"type":"input_image","image_url":"data:image/jpeg;base64,'
    return [head, pybase64.b64encode(jpeg), f'","detail":"{detail}"}}'.encode()]


def _event(value: object) -> Message:
    return [orjson.dumps(value)]
