"""What a Realtime server says, as values; lenient, because undocumented things do arrive.

Unknown types become `Unknown`, unknown fields are not looked at. Both the GA names and those of
compatible servers are understood, and an error's code may stand in its type.
"""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from hud.errors import ProtocolError
from hud.items import Status, Usage
from hud.realtime.trouble import Trouble

TEXT_DELTAS = frozenset(
    {
        "response.output_text.delta",
        "response.text.delta",
        "response.output_audio_transcript.delta",
    }
)


@attrs.frozen
class Started:
    """The session exists."""

    session: str
    expires_at: int
    """Seconds since the epoch; 0 where the server does not say."""


@attrs.frozen
class Configured:
    """The session has taken over what it was told."""


@attrs.frozen
class AnswerBegan:
    """An answer exists; `turn` is what was sent along as metadata."""

    response: str
    turn: str


@attrs.frozen
class TextArrived:
    """A piece of an answer's text."""

    response: str
    text: str


@attrs.frozen
class AnswerEnded:
    """The end of an answer, with its whole text; only this tells the truth about its status."""

    response: str
    turn: str
    status: Status
    text: str
    usage: Usage
    trouble: Trouble | None = None
    """Why it is not complete."""


@attrs.frozen
class Refused:
    """An error event."""

    trouble: Trouble
    event: str = ""
    """Id of the client's event that is meant, if the server says so."""
    ends_turn: bool = False
    """Whether it is the answer to the turn under way; the session knows."""


@attrs.frozen
class Limit:
    """How much of one thing may still be used."""

    name: str
    limit: int
    remaining: int


@attrs.frozen
class LimitsTold:
    """Rate limits as the server counts them; what it enforces may differ."""

    limits: tuple[Limit, ...]


@attrs.frozen
class Unknown:
    """Something that needs no reaction."""

    type: str


_ENDS = {
    end.value: end for end in (Status.COMPLETED, Status.INCOMPLETE, Status.CANCELLED, Status.FAILED)
}
"""As a server may name them; our own words for what became of a turn are not for it to say."""

Event = (
    Started | Configured | AnswerBegan | TextArrived | AnswerEnded | Refused | LimitsTold | Unknown
)


def parse(message: str | bytes) -> Event:
    """Read one server message.

    Raises:
        ProtocolError: it is not a JSON object with a `type`.
    """
    try:
        data = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise ProtocolError("the server sent a message that is not JSON") from None
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise ProtocolError("the server sent JSON that is no event")
    return _event(data["type"], data)


def _event(kind: str, data: dict[str, Any]) -> Event:
    if kind in TEXT_DELTAS:
        return TextArrived(_text(data, "response_id"), _text(data, "delta"))
    if kind == "session.created":
        session = _object(data, "session")
        return Started(_text(session, "id"), _count(session, "expires_at"))
    if kind == "session.updated":
        return Configured()
    if kind == "response.created":
        response = _object(data, "response")
        return AnswerBegan(_text(response, "id"), _turn(response))
    if kind == "response.done":
        return _ended(_object(data, "response"))
    if kind == "error":
        error = _object(data, "error")
        return Refused(_trouble(error), _text(error, "event_id"))
    if kind == "rate_limits.updated":
        told = _list(data, "rate_limits")[:9]
        return LimitsTold(
            tuple(
                Limit(_text(each, "name"), _count(each, "limit"), _count(each, "remaining"))
                for each in told
            )
        )
    return Unknown(kind)


def _ended(response: dict[str, Any]) -> AnswerEnded:
    status = _ENDS.get(_text(response, "status"), Status.FAILED)
    details = _object(response, "status_details")
    error = _object(details, "error") or {"code": _text(details, "reason") or status.value}
    return AnswerEnded(
        _text(response, "id"),
        _turn(response),
        status,
        _output_text(response),
        _usage(_object(response, "usage")),
        _trouble(error) if status is not Status.COMPLETED else None,
    )


def _trouble(error: dict[str, Any]) -> Trouble:
    """Compatible servers put the code into the type and leave the code null."""
    kind = _text(error, "type")
    return Trouble(_text(error, "code") or kind, _text(error, "message"), kind)


def _output_text(response: dict[str, Any]) -> str:
    """The final words of all messages; what a reasoning model thinks aloud is left out."""
    pieces = []
    for item in _list(response, "output"):
        if _text(item, "type") == "message" and _text(item, "phase") != "commentary":
            pieces += [
                _text(part, "text") or _text(part, "transcript") for part in _list(item, "content")
            ]
    return "\n".join(filter(None, pieces))


def _usage(usage: dict[str, Any]) -> Usage:
    """What is missing is made up for: what is no picture is text, and text is cached first."""
    details = _object(usage, "input_token_details")
    total = _count(usage, "input_tokens")
    image = min(_count(details, "image_tokens"), total)
    cached = min(_count(details, "cached_tokens"), total)
    kinds = _object(details, "cached_tokens_details")
    told = _count(kinds, "image_tokens") if kinds else 0
    cached_image = min(image, cached, max(told, cached - (total - image)))
    return Usage(
        input_tokens=total,
        text_tokens=total - image,
        image_tokens=image,
        cached_tokens=cached,
        cached_image_tokens=cached_image,
        output_tokens=_count(usage, "output_tokens"),
    )


def _turn(response: dict[str, Any]) -> str:
    return _text(_object(response, "metadata"), "turn")


def _object(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _list(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = data.get(key)
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _count(data: dict[str, Any], key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) and value >= 0 else 0
