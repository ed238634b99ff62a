"""What each client event of the GA Realtime protocol may contain.

The fields are those of OpenAI's published types; the limits were observed on the real service.
Fields of the old beta shape (`modalities`, `temperature`, `voice` at the top) are unknown here as
they are there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hud.local.rules import (
    RefusedError,
    Rule,
    anything,
    boolean,
    by_type,
    listing,
    mapping,
    nullable,
    number,
    one_of,
    pairs,
    tagged,
    text,
)

LONGEST_TEXT = 256_000
"""Characters of one text part, observed."""

MOST_OUTPUT = 4096
"""Tokens of one answer; a request for more is spelt "inf"."""

_ID = text(32, re.compile(r"[a-zA-Z0-9_-]+"))
_FREE_OBJECT = pairs(1000, 1000, anything)
_TEXT = text(LONGEST_TEXT)

# Items

_COMMON: Mapping[str, Rule] = {
    "id": _ID,
    "type": text(),
    "object": one_of("realtime.item"),
    "status": one_of("in_progress", "completed", "incomplete"),
}
_INPUT_TEXT = mapping({"type": anything, "text": _TEXT}, ("type", "text"))
_INPUT_IMAGE = mapping(
    {"type": anything, "image_url": text(), "detail": one_of("auto", "low", "high")},
    ("type", "image_url"),
)


def _message(parts: Mapping[str, Rule]) -> Rule:
    content = listing(tagged("type", parts))
    fields = {**_COMMON, "role": anything, "content": content}
    return mapping(fields, ("type", "role", "content"))


_MESSAGE = tagged(
    "role",
    {
        "user": _message({"input_text": _INPUT_TEXT, "input_image": _INPUT_IMAGE}),
        "system": _message({"input_text": _INPUT_TEXT}),
        "assistant": _message({"output_text": _INPUT_TEXT}),
    },
)
_CALL = {**_COMMON, "call_id": text(64), "name": text(64), "arguments": _TEXT}
_CALL_OUTPUT = {**_COMMON, "call_id": text(64), "output": _TEXT}
_ITEMS: Mapping[str, Rule] = {
    "message": _MESSAGE,
    "function_call": mapping(_CALL, ("type", "name", "arguments")),
    "function_call_output": mapping(_CALL_OUTPUT, ("type", "call_id", "output")),
}
_REFERENCE = mapping({"type": anything, "id": _ID}, ("type", "id"))

# What session and response have in common


def _modalities(value: object, path: str) -> None:
    listing(one_of("text", "audio"), range(1, 3))(value, path)
    if value not in (["text"], ["audio"]):
        message = f"Invalid modalities: {value}. Supported combinations: ['text'] and ['audio']."
        raise RefusedError("invalid_value", message, path)


_FORMAT = tagged(
    "type",
    {
        "audio/pcm": mapping({"type": anything, "rate": number(24000, 24000, whole=True)}),
        "audio/pcmu": mapping({"type": anything}),
        "audio/pcma": mapping({"type": anything}),
    },
)
_VOICE = by_type("a string or an object", {str: text(64), dict: mapping({"id": text(64)}, ("id",))})
_FUNCTION = mapping(
    {"type": anything, "name": text(64), "description": _TEXT, "parameters": _FREE_OBJECT},
    ("name",),
)
_MCP_TEXTS = ("server_url", "connector_id", "tunnel_id", "authorization", "server_description")
_MCP_REST = ("headers", "allowed_tools", "allowed_callers", "require_approval")
_MCP = mapping(
    {
        "type": anything,
        "server_label": text(256),
        "defer_loading": boolean,
        **dict.fromkeys(_MCP_TEXTS, _TEXT),
        **dict.fromkeys(_MCP_REST, anything),
    },
    ("server_label",),
)
_FORCED = tagged(
    "type",
    {
        "function": mapping({"type": anything, "name": text(64)}, ("name",)),
        "mcp": mapping(
            {"type": anything, "server_label": text(256), "name": nullable(text(64))},
            ("server_label",),
        ),
    },
)
_EITHER: Mapping[str, Rule] = {
    "output_modalities": _modalities,
    "instructions": _TEXT,
    "max_output_tokens": by_type(
        "an integer or 'inf'", {int: number(1, MOST_OUTPUT, whole=True), str: one_of("inf")}
    ),
    "tools": listing(tagged("type", {"function": _FUNCTION, "mcp": _MCP})),
    "tool_choice": by_type(
        "a string or an object", {str: one_of("none", "auto", "required"), dict: _FORCED}
    ),
    "parallel_tool_calls": boolean,
    "prompt": nullable(
        mapping({"id": text(), "version": nullable(text()), "variables": nullable(_FREE_OBJECT)})
    ),
}
_REASONING: Mapping[str, Rule] = {
    "reasoning": mapping({"effort": one_of("minimal", "low", "medium", "high", "xhigh")})
}

# Session

_SILENCE = number(0, 600_000, whole=True)
_TURNS: Mapping[str, Rule] = {
    "type": anything,
    "create_response": boolean,
    "interrupt_response": boolean,
}
_TURN_DETECTION = tagged(
    "type",
    {
        "server_vad": mapping(
            {
                **_TURNS,
                "threshold": number(0, 1),
                "prefix_padding_ms": _SILENCE,
                "silence_duration_ms": _SILENCE,
                "idle_timeout_ms": nullable(number(5000, 30000, whole=True)),
            }
        ),
        "semantic_vad": mapping({**_TURNS, "eagerness": one_of("low", "medium", "high", "auto")}),
    },
)
_TRANSCRIPTION = mapping(
    {
        "model": text(),
        "language": text(),
        "prompt": text(),
        "delay": text(),
        "keywords": listing(text()),
        "languages": listing(text()),
    }
)
_LISTENING = mapping(
    {
        "format": _FORMAT,
        "transcription": nullable(_TRANSCRIPTION),
        "noise_reduction": nullable(
            mapping({"type": one_of("near_field", "far_field"), "strength": number(0, 1)})
        ),
        "turn_detection": nullable(_TURN_DETECTION),
    }
)
_SPEAKING: Mapping[str, Rule] = {"format": _FORMAT, "voice": _VOICE}
_RETENTION = mapping(
    {
        "type": anything,
        "retention_ratio": number(0, 1),
        "token_limits": nullable(mapping({"post_instructions": number(0, 1e9, whole=True)})),
    },
    ("retention_ratio",),
)
_SESSION: Mapping[str, Rule] = {
    **_EITHER,
    "type": one_of("realtime"),
    "model": text(),
    "truncation": by_type(
        "a string or an object",
        {str: one_of("auto", "disabled"), dict: tagged("type", {"retention_ratio": _RETENTION})},
    ),
    "audio": mapping(
        {"input": _LISTENING, "output": mapping({**_SPEAKING, "speed": number(0.25, 1.5)})}
    ),
    "tracing": nullable(by_type("a string or an object", {str: one_of("auto"), dict: anything})),
    "include": nullable(listing(one_of("item.input_audio_transcription.logprobs"))),
}

# Response

_RESPONSE: Mapping[str, Rule] = {
    **_EITHER,
    # LiveKit's plugin always sends the field, null for the session's own.
    "instructions": nullable(_TEXT),
    "conversation": nullable(one_of("auto", "none")),
    "input": nullable(listing(tagged("type", {**_ITEMS, "item_reference": _REFERENCE}))),
    "metadata": nullable(pairs(16, 64, text(512))),
    "audio": mapping({"output": mapping(_SPEAKING)}),
}

# Events


def _event(required: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None) -> Rule:
    fields = {"type": anything, "event_id": text(512), **required, **(optional or {})}
    return mapping(fields, tuple(required))


def events(*, reasoning: bool) -> Rule:
    """The rule for a whole client event, with the field `reasoning` or without."""
    more = _REASONING if reasoning else {}
    item = tagged("type", _ITEMS)
    known: dict[str, Rule] = {
        "session.update": _event({"session": mapping({**_SESSION, **more}, ("type",))}),
        "conversation.item.create": _event({"item": item}, {"previous_item_id": nullable(text())}),
        "conversation.item.delete": _event({"item_id": text()}),
        "conversation.item.retrieve": _event({"item_id": text()}),
        "conversation.item.truncate": _event(
            {
                "item_id": text(),
                "content_index": number(0, 1000, whole=True),
                "audio_end_ms": number(0, 1e9, whole=True),
            }
        ),
        "response.create": _event({}, {"response": nullable(mapping({**_RESPONSE, **more}))}),
        "response.cancel": _event({}, {"response_id": nullable(text())}),
        "input_audio_buffer.append": _event({"audio": text()}),
        "input_audio_buffer.commit": _event({}),
        "input_audio_buffer.clear": _event({}),
    }
    return tagged("type", known)
