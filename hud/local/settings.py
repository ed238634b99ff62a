"""The effective session: what it starts with, and what an update or one response makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hud.local.rules import RefusedError

Settings = Mapping[str, Any]

_REASONING = re.compile(r"gpt-realtime-2")
INSTRUCTIONS = "You look at pictures of a screen and write a short note about what is new in them."
_PCM = {"type": "audio/pcm", "rate": 24000}
_TURNS = {"create_response": True, "interrupt_response": True}
_TURN_DETECTION: Mapping[str, Settings] = {
    "server_vad": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        **_TURNS,
    },
    "semantic_vad": {"type": "semantic_vad", "eagerness": "auto", **_TURNS},
}
_PER_RESPONSE = ("output_modalities", "instructions", "max_output_tokens", "tools")


def reasons(model: str) -> bool:
    """Whether a model takes `reasoning`: the family 2 does, 1.5 does not."""
    return _REASONING.match(model) is not None


def context(model: str) -> int:
    """Tokens of input that a model can be shown: its context less its longest answer."""
    return 128_000 - 32_000 if reasons(model) else 32_000 - 4_096


def opening(session_id: str, model: str, expires_at: int) -> Settings:
    """The session before any update, its shape as observed on the GA service.

    `expires_at` is in seconds since the epoch.
    """
    listening = {
        "format": _PCM,
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": _TURN_DETECTION["server_vad"],
    }
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "expires_at": expires_at,
        "audio": {
            "input": listening,
            "output": {"format": _PCM, "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def updated(session: Settings, change: Settings) -> Settings:
    """The session after a valid change: only the keys that are present, defaults filled in.

    RefusedError for what can never change: the model, and tracing once it is on.
    """
    if change.get("model", session["model"]) != session["model"]:
        message = "The model is chosen when the session is opened and cannot be changed."
        raise RefusedError("invalid_value", message, "session.model")
    tracing = session["tracing"]
    if tracing is not None and change.get("tracing", tracing) != tracing:
        message = "Tracing cannot be changed once it is on."
        raise RefusedError("invalid_value", message, "session.tracing")
    return {**session, **change, "audio": _audio(session["audio"], change.get("audio", {}))}


def _audio(old: Settings, change: Settings) -> Settings:
    audio = {side: {**old[side], **change.get(side, {})} for side in ("input", "output")}
    for side in audio.values():
        if side["format"]["type"] == "audio/pcm":
            side["format"] = _PCM
    turns = audio["input"]["turn_detection"]
    if turns is not None:
        audio["input"]["turn_detection"] = {**_TURN_DETECTION[turns["type"]], **turns}
    return audio


def for_response(session: Settings, asked: Settings) -> Settings:
    """What holds for one response: the session's settings, overridden by those asked for.

    Null overrides nothing.
    """
    own = {key: asked[key] for key in _PER_RESPONSE if asked.get(key) is not None}
    chosen = {key: session[key] for key in _PER_RESPONSE} | own
    spoken = {**session["audio"]["output"], **asked.get("audio", {}).get("output", {})}
    voice = spoken["voice"]
    output = {
        "format": spoken["format"],
        "voice": voice["id"] if isinstance(voice, Mapping) else voice,
    }
    return {**chosen, "audio": {"output": output}, "metadata": asked.get("metadata")}
