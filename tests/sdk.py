"""The official package's types as a critic of every event."""

from __future__ import annotations

import collections.abc
import functools
import types
import typing

import pydantic
import typing_extensions
from openai._types import SequenceNotStr
from openai.types.realtime import RealtimeServerEvent, ResponseCreateEventWithReferencesParam
from openai.types.realtime.realtime_client_event_param import RealtimeClientEventParam
from openai.types.realtime.response_create_event_param import ResponseCreateEventParam
from pydantic import TypeAdapter

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


def strict_client_event(event):
    """Check a client's event as the strictest server would, and hand it back.

    Nothing unknown, nothing missing and nothing of another type passes, at any depth.

    Raises:
        pydantic.ValidationError: it is wrong; says where.
    """
    return _strict_events().validate_python(event, strict=True)


@functools.cache
def _strict_events():
    # The type with references is the other one and more.
    events = {*typing.get_args(RealtimeClientEventParam), ResponseCreateEventWithReferencesParam}
    events.remove(ResponseCreateEventParam)
    return TypeAdapter(
        typing.Annotated[_strict(typing.Union[*events]), pydantic.Field(discriminator="type")]
    )


def _strict(kind):
    """A type as it is, but that its dictionaries take no other keys, and its iterables are lists.

    Pydantic looks into an iterable when somebody iterates over it, which nobody does here.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if typing_extensions.is_typeddict(kind):
        return _strict_dictionary(kind)
    if origin is typing.Annotated:
        return _strict(inner[0])
    if origin in {typing.Union, types.UnionType}:
        return typing.Union[tuple(map(_strict, inner))]  # noqa: UP007 - made at run time
    if origin in {list, collections.abc.Iterable, SequenceNotStr}:
        return list[_strict(inner[0])]
    return kind


@functools.cache
def _strict_dictionary(kind):
    fields = {}
    for name, field in typing_extensions.get_type_hints(kind, include_extras=True).items():
        required = typing.get_origin(field) is typing_extensions.Required
        marker = typing_extensions.Required if required else typing_extensions.NotRequired
        fields[name] = marker[_strict(typing.get_args(field)[0] if required else field)]
    made = typing_extensions.TypedDict(kind.__name__, fields)
    return pydantic.with_config(pydantic.ConfigDict(extra="forbid"))(made)
