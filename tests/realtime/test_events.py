from __future__ import annotations

import json

import pytest

from hud.errors import ProtocolError
from hud.items import Status, Usage
from hud.realtime.events import (
    AnswerBegan,
    AnswerEnded,
    Configured,
    Limit,
    LimitsTold,
    Refused,
    Started,
    TextArrived,
    Unknown,
    parse,
)
from hud.realtime.trouble import Trouble


def said(kind, **fields):
    return parse(json.dumps({"type": kind} | fields))


def done(**response):
    return said("response.done", response=response)


@pytest.mark.parametrize(
    ("kind", "fields", "event"),
    [
        ("session.created", {"session": {"id": "s", "expires_at": 9}}, Started("s", 9)),
        ("session.created", {"session": {"id": 7, "expires_at": -1}}, Started("", 0)),
        ("session.created", {"session": "s"}, Started("", 0)),
        ("session.updated", {}, Configured()),
        (
            "response.created",
            {"response": {"id": "r", "metadata": {"turn": "t"}}},
            AnswerBegan("r", "t"),
        ),
        ("response.created", {"response": {"metadata": ["t"]}}, AnswerBegan("", "")),
        ("response.text.delta", {"response_id": "r", "delta": "x"}, TextArrived("r", "x")),
        ("response.text.delta", {"delta": 5}, TextArrived("", "")),
        ("session.closed", {}, Unknown("session.closed")),
    ],
)
def test_what_is_missing_or_of_another_type_is_empty(kind, fields, event):
    assert said(kind, **fields) == event


def test_an_error_names_what_it_is_about():
    error = {"type": "t", "code": "c", "message": "m", "event_id": "hud_2"}
    assert said("error", error=error) == Refused(Trouble("c", "m", "t"), "hud_2")
    # A compatible server's: the code is null, the type stands for it.
    assert said("error", error={"type": "t", "code": None}) == Refused(Trouble("t", "", "t"), "")


def test_rate_limits_are_read_and_bounded():
    told = [{"name": "tokens", "limit": 40_000, "remaining": 12, "reset_seconds": 1.5}, "rubbish"]
    assert said("rate_limits.updated", rate_limits=told) == LimitsTold(
        (Limit("tokens", 40_000, 12),)
    )
    assert len(said("rate_limits.updated", rate_limits=[{}] * 50).limits) == 9
    assert said("rate_limits.updated", rate_limits={"name": "x"}) == LimitsTold(())


@pytest.mark.parametrize("message", ["{", b"\xff", "[]", '"x"', "{}", '{"type": 5}', "null"])
def test_what_is_no_event_says_so(message):
    with pytest.raises(ProtocolError, match=r"^the server sent (a message that is not )?JSON"):
        parse(message)


def test_the_words_of_all_messages_are_the_answer_and_thinking_aloud_is_not():
    def message(*parts, **more):
        return {"type": "message", "content": list(parts)} | more

    ended = done(
        output=[
            message({"text": "aloud"}, phase="commentary"),
            {"type": "function_call", "content": [{"text": "call"}]},
            message({"text": "one"}, {"transcript": "two"}, {"text": ""}, phase="final_answer"),
            message({"text": "three", "transcript": "not this"}),
        ]
    )
    assert ended.text == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("completed", Status.COMPLETED),
        ("incomplete", Status.INCOMPLETE),
        ("cancelled", Status.CANCELLED),
        ("failed", Status.FAILED),
        ("in_progress", Status.FAILED),
        ("new", Status.FAILED),
        # Our own words for turns that came to nothing: a server's answer is never one of these.
        ("withdrawn", Status.FAILED),
        ("withheld", Status.FAILED),
        (None, Status.FAILED),
    ],
)
def test_an_end_has_a_status_that_ends(status, meant):
    ended = done(id="r", status=status, metadata={"turn": "t"})
    trouble = None if meant is Status.COMPLETED else Trouble(meant.value)  # for want of a reason
    assert ended == AnswerEnded("r", "t", meant, "", Usage(), trouble)


def test_an_answer_that_is_not_complete_says_why():
    cut = done(status="incomplete", status_details={"reason": "max_output_tokens"})
    assert str(cut.trouble) == "max_output_tokens"
    error = {"type": "server_error", "message": "oh"}
    details = {"reason": "error", "error": error}
    assert done(status="failed", status_details=details).trouble == (
        Trouble("server_error", "oh", "server_error")
    )


def bill(total, **details):
    told = {"input_tokens": total, "output_tokens": 7, "input_token_details": details}
    return done(status="completed", usage=told).usage


def test_a_bill_is_read_as_it_stands():
    kinds = {"text_tokens": 700, "image_tokens": 300, "cached_tokens": 640}
    assert bill(1000, **kinds, cached_tokens_details={"image_tokens": 128}) == Usage(
        input_tokens=1000,
        text_tokens=700,
        image_tokens=300,
        cached_tokens=640,
        cached_image_tokens=128,
        output_tokens=7,
    )


@pytest.mark.parametrize(
    ("image", "cached", "told", "meant"),
    [
        (300, 700, None, 0),  # all of it can be text
        (300, 701, None, 1),
        (300, 640, 500, 300),  # no more pictures are cached than there are
        (300, 100, 200, 100),  # nor more than are cached at all
        (300, 900, 50, 200),  # nor fewer than cannot be text
        (9999, 9999, None, 1000),
    ],
)
def test_a_bill_that_contradicts_itself_is_put_right(image, cached, told, meant):
    kinds = {} if told is None else {"cached_tokens_details": {"image_tokens": told}}
    read = bill(1000, image_tokens=image, cached_tokens=cached, **kinds)
    assert read.cached_image_tokens == meant
    assert read.text_tokens + read.image_tokens == 1000
    assert 0 <= read.cached_tokens - read.cached_image_tokens <= read.text_tokens
