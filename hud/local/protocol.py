"""The server's side of one Realtime session, without I/O: messages in, events and questions out.

It follows OpenAI's GA protocol as it was observed on the wire, errors included. What it does not
do: hear or speak (text comes as a transcript if audio was asked for), call tools, or mind its
instructions; they are accepted, echoed and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count

import attrs
import orjson

from hud.local import settings, validation
from hud.local.allowance import Allowance
from hud.local.answer import Event
from hud.local.conversation import Conversation, Item, item
from hud.local.responses import Reply, Responses
from hud.local.rules import RefusedError, shortened

HOUR = 3600.0
DEEPEST = 64
"""Objects and arrays within each other in one message. What is echoed lies a few deeper, and orjson
writes 254, though it reads 1024."""
PLENTY = 40_000_000
"""Tokens per minute that no local model will ever use up."""


class ServerSession:
    """One session.

    `session_id` must not occur twice among the sessions of a model. `now` is in seconds since the
    epoch, here and in every method.
    """

    def __init__(
        self,
        session_id: str,
        model: str,
        now: float,
        *,
        lifetime: float = HOUR,
        tokens_per_minute: int = PLENTY,
    ) -> None:
        self.id = session_id
        self.lifetime = lifetime
        self._settings = settings.opening(session_id, model, int(now + lifetime))
        self._rule = validation.events(reasoning=settings.reasons(model))
        self._numbers = count(1)
        self._conversation = Conversation()
        self._responses = Responses(
            session_id, model, self._conversation, Allowance(tokens_per_minute), self._new_id
        )
        self._steps: Mapping[str, Callable[[Event, float], Reply]] = {
            "session.update": self._update,
            "conversation.item.create": self._create_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
            "input_audio_buffer.append": _append_audio,
            "input_audio_buffer.commit": _commit_audio,
            "input_audio_buffer.clear": _clear_audio,
        }

    def open(self) -> Reply:
        """Greet the client; before anything else."""
        return self._named(Reply(({"type": "session.created", "session": self._settings},)))

    def receive(self, text: str, now: float) -> Reply:
        """Take a text message; never raises, whatever it says."""
        cause = None
        try:
            event = _parsed(text)
            cause = _cause(event)
            self._rule(event, "")
            reply = self._steps[event["type"]](event, now)
        except RefusedError as refusal:
            reply = Reply((error(refusal, cause),))
        return self._named(reply)

    def receive_binary(self) -> Reply:
        """Take a binary message, which the protocol does not have."""
        message = "Binary messages are not supported. Expected JSON in a text message."
        return self._named(Reply((error(RefusedError("invalid_event", message)),)))

    def answer(self, response_id: str, text: str, now: float) -> Reply:
        """Send the answer to an `Ask`; nothing if the response was cancelled meanwhile."""
        return self._named(self._responses.answer(response_id, text, now))

    def fail(self, response_id: str, message: str, now: float) -> Reply:
        """End a response because the model failed; nothing if it was cancelled meanwhile."""
        return self._named(self._responses.fail(response_id, message, now))

    def expire(self) -> Reply:
        """Announce the end of the session; the connection is then closed with code 1001."""
        return self._named(Reply((error(RefusedError("session_expired", self.farewell)),)))

    @property
    def farewell(self) -> str:
        """Why an expired session was closed."""
        minutes = round(self.lifetime / 60)
        return f"Your session hit the maximum duration of {minutes} minutes."

    def _update(self, event: Event, _now: float) -> Reply:
        self._settings = settings.updated(self._settings, event["session"])
        return Reply(({"type": "session.updated", "session": self._settings},))

    def _create_item(self, event: Event, _now: float) -> Reply:
        added = item(event["item"], self._new_id("item"), "item")
        previous = self._conversation.insert(added, event.get("previous_item_id"))
        about = {"previous_item_id": previous, "item": added.wire}
        kinds = ("conversation.item.added", "conversation.item.done")
        return Reply(tuple({"type": kind, **about} for kind in kinds))

    def _delete_item(self, event: Event, _now: float) -> Reply:
        found = self._found(event["item_id"], "delete", "deleting")
        self._responses.forget(found)
        return Reply(({"type": "conversation.item.deleted", "item_id": found.id},))

    def _retrieve_item(self, event: Event, _now: float) -> Reply:
        found = self._found(event["item_id"], "retrieve", "retrieving")
        return Reply(({"type": "conversation.item.retrieved", "item": found.wire},))

    def _truncate_item(self, event: Event, _now: float) -> Reply:
        self._found(event["item_id"], "truncate", "truncating")
        message = "Only audio of the assistant can be truncated, and this server does not speak."
        raise RefusedError("invalid_value", message, "item_id")

    def _found(self, item_id: str, action: str, doing: str) -> Item:
        found = self._conversation.find(item_id)
        if found is None:
            named = shortened(item_id)
            message = f"Error {doing} item: the item with id '{named}' does not exist."
            raise RefusedError(f"item_{action}_invalid_item_id", message)
        return found

    def _create_response(self, event: Event, now: float) -> Reply:
        return self._responses.create(self._settings, event.get("response") or {}, now)

    def _cancel_response(self, event: Event, now: float) -> Reply:
        return self._responses.cancel(event.get("response_id"), now)

    def _new_id(self, kind: str) -> str:
        # Part of the session's id, because clients carry items over into their next session.
        return f"{kind}_{next(self._numbers):04}{self.id[-12:]}"

    def _named(self, reply: Reply) -> Reply:
        events = (
            {"type": event["type"], "event_id": self._new_id("event"), **event}
            for event in reply.events
        )
        return attrs.evolve(reply, events=tuple(events))


def error(refusal: RefusedError, cause: str | None = None) -> Event:
    """The `error` event for a refusal, still without its own id; `cause` is the client's event."""
    details = {
        "type": "invalid_request_error",
        "code": refusal.code,
        "message": refusal.message,
        "param": refusal.param,
        "event_id": cause,
    }
    return {"type": "error", "error": details}


def _parsed(text: str) -> Event:
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        message = "The message could not be parsed as JSON."
        raise RefusedError("invalid_event", message) from None
    if not isinstance(event, dict):
        raise RefusedError("invalid_event", "The message is not a JSON object.")
    if _is_deeper(event, DEEPEST):
        raise RefusedError("invalid_event", f"The message is nested deeper than {DEEPEST} levels.")
    return event


def _is_deeper(value: object, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _within(outer)]
    return bool(level)


def _within(value: object) -> list[object]:
    """The objects and arrays right inside of another."""
    inner = value.values() if isinstance(value, dict) else value
    assert isinstance(inner, Iterable)
    return [each for each in inner if isinstance(each, dict | list)]


def _cause(event: Event) -> str | None:
    cause = event.get("event_id")
    return cause if isinstance(cause, str) and len(cause) <= 512 else None


def _append_audio(_event: Event, _now: float) -> Reply:
    message = "This server reads pictures and does not listen; the audio was ignored."
    raise RefusedError("invalid_value", message, "audio")


def _commit_audio(_event: Event, _now: float) -> Reply:
    message = "Error committing input audio buffer: the buffer is empty."
    raise RefusedError("input_audio_buffer_commit_empty", message)


def _clear_audio(_event: Event, _now: float) -> Reply:
    return Reply(({"type": "input_audio_buffer.cleared"},))
