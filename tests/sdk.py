"""The official package's types as a critic of every event."""

from __future__ import annotations

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

CLIENT_EVENT = TypeAdapter(RealtimeClientEvent)
SERVER_EVENT = TypeAdapter(RealtimeServerEvent)
UNTYPED = {".session.object", ".session.id", ".session.expires_at", ".obfuscation"}
"""Keys that the service sends and the types do not know."""


def unknown_keys(value, path=""):
    """Yield the path of every key that the types do not know."""
    if isinstance(value, list):
        for element in value:
            yield from unknown_keys(element, path + "[]")
    elif hasattr(value, "model_extra"):
        yield from (f"{path}.{key}" for key in value.model_extra or ())
        for name in type(value).model_fields:
            yield from unknown_keys(getattr(value, name), f"{path}.{name}")
