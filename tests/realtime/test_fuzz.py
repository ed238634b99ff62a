"""Server messages out of nowhere, at a session in the middle of its work.

HUD_FUZZ=1000000 pytest tests/realtime/test_fuzz.py makes as many messages; the default is small.
"""

from __future__ import annotations

import json
import os
import typing

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent

from hud.errors import ProtocolError
from hud.items import Usage
from hud.realtime.events import AnswerEnded, TextArrived
from hud.realtime.requests import SessionOptions, Turn
from hud.realtime.session import LONGEST_ANSWER, Session, State

EACH = 25
MESSAGES = int(os.environ.get("HUD_FUZZ", "10000"))


def kinds() -> list[str]:
    """Every type of server event that the official package knows."""
    union = typing.get_args(RealtimeServerEvent)[0]
    annotations = [each.model_fields["type"].annotation for each in typing.get_args(union)]
    return sorted({name for each in annotations for name in typing.get_args(each)})


def skeletons() -> list[dict]:
    """The events that mean something here, as a server would send them."""
    response = {"id": "resp_1", "status": "completed", "metadata": {"turn": "hud_2"}}
    output = [{"type": "message", "content": [{"type": "output_text", "text": "words"}]}]
    usage = {"input_tokens": 9, "input_token_details": {"image_tokens": 4}, "output_tokens": 1}
    failed = {"error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "in 1s"}}
    error = {"type": "invalid_request_error", "code": "x", "message": "m", "event_id": "hud_2"}
    return [
        {"type": "session.created", "session": {"id": "sess_1", "expires_at": 99}},
        {"type": "session.updated", "session": {}},
        {"type": "response.created", "response": response},
        {"type": "response.output_text.delta", "response_id": "resp_1", "delta": "wo"},
        {"type": "response.done", "response": response | {"output": output, "usage": usage}},
        {"type": "response.done", "response": response | {"status_details": failed}},
        {"type": "error", "error": error},
        {"type": "error", "error": error | {"code": "session_expired", "event_id": None}},
        {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "limit": 9}]},
    ]


LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["hud_1", "hud_2", "hud_3", "resp_1", "completed", "failed", "message"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


def paths(value, path=()):
    """Every place inside a value."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(each, (*path, key))


def changed(value, path, by):
    """The value with another one in one place; `...` takes the place away."""
    if not path:
        return value if by is ... else by
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and by is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], by)
    return copy


@st.composite
def mutated(draw) -> str | bytes:
    """One event with a few places changed, and now and then a few characters too."""
    event = draw(st.sampled_from(skeletons()) | st.sampled_from(kinds()).map(lambda k: {"type": k}))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(sorted(paths(event), key=repr)))
        event = changed(event, place, draw(st.just(...) | JSON))
    text = json.dumps(event)
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(max_size=3)) + text[at + draw(st.integers(0, 3)) :]
    return text if draw(st.booleans()) else text.encode("utf-8", "replace")


MESSAGE = mutated() | st.text(max_size=30) | st.binary(max_size=30)


@seed(1)
@settings(
    max_examples=max(1, MESSAGES // EACH),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(MESSAGE, min_size=EACH, max_size=EACH), st.booleans())
def test_nothing_but_the_protocols_own_error_comes_out(messages, by_metadata):
    session = Session(SessionOptions("", 300, by_metadata=by_metadata, in_conversation=True))
    said = 0
    for message in messages:
        try:
            event = session.receive(message)
        except ProtocolError:
            event = None
        if isinstance(event, TextArrived):
            said += len(event.text)
        if isinstance(event, AnswerEnded):
            assert all(count >= 0 for count in vars_of(event.usage))
            assert len(event.text) <= LONGEST_ANSWER
            session.tidy()
        if session.state is State.CREATED:
            session.configure()
        elif session.state is State.READY:
            session.ask(Turn("notes", "caption", [b"jpeg"]))
            said = 0
        assert said <= LONGEST_ANSWER
        if session.state is State.OVER:
            session = Session(SessionOptions("", 300, by_metadata=by_metadata))


def vars_of(usage: Usage) -> list[int]:
    return [
        usage.input_tokens,
        usage.text_tokens,
        usage.image_tokens,
        usage.cached_tokens,
        usage.output_tokens,
    ]
