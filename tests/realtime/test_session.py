from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
)
from hud.realtime.requests import SessionOptions, Turn
from hud.realtime.session import LONGEST_ANSWER, TRANSITIONS, Command, Session, State
from hud.realtime.trouble import Cure, Trouble
from tests.sdk import strict_client_event

OPTIONS = SessionOptions("Watch.", 300)
IN_TURN = {State.ASKED, State.ANSWERING, State.CANCELLING}
TURN = Turn("14:03 earlier", "14:04:00, screen 1 (64x64); picture 1: whole screen", [b"\xff\xd8"])


def said(kind, **fields):
    return json.dumps({"type": kind, "event_id": "e"} | fields)


CREATED = said("session.created", session={"id": "sess_1", "expires_at": 99})
UPDATED = said("session.updated", session={})


def began(turn, response="resp_1"):
    return said("response.created", response={"id": response, "metadata": {"turn": turn}})


def text(piece, response="resp_1", kind="response.output_text.delta"):
    return said(kind, response_id=response, delta=piece)


def done(turn, words="Done.", status="completed", response="resp_1", **more):
    message = {"type": "message", "content": [{"type": "output_text", "text": words}]}
    fields = {"id": response, "status": status, "output": [message], "metadata": {"turn": turn}}
    return said("response.done", response=fields | more)


def ready(**options) -> Session:
    """A session that may be asked."""
    session = Session(SessionOptions("Watch.", 300, **options))
    session.receive(CREATED)
    session.configure()
    session.receive(UPDATED)
    return session


def asked() -> tuple[Session, str]:
    """A session in the middle of a turn, and the turn's id."""
    session = ready()
    return session, ask(session)["event_id"]


def ask(session: Session) -> dict:
    """Ask a turn that stands alone."""
    (message,) = session.ask(TURN)
    return json.loads(b"".join(message))


def test_a_turn_in_order():
    session = Session(OPTIONS)
    assert session.receive(CREATED) == Started("sess_1", 99)
    session.configure()
    assert session.receive(UPDATED) == Configured()
    turn = ask(session)["response"]["metadata"]["turn"]
    assert session.receive(began(turn)) == AnswerBegan("resp_1", turn)
    assert session.receive(text("Do")) == TextArrived("resp_1", "Do")
    usage = {"input_tokens": 9, "output_tokens": 2, "input_token_details": {"image_tokens": 4}}
    ended = session.receive(done(turn, usage=usage))
    assert ended == AnswerEnded(
        "resp_1",
        turn,
        Status.COMPLETED,
        "Done.",
        Usage(input_tokens=9, text_tokens=5, image_tokens=4, output_tokens=2),
    )
    assert session.state is State.READY


@pytest.mark.parametrize(
    ("details", "cached_text", "cached_image"),
    [
        ({"image_tokens": 300, "cached_tokens": 600}, 600, 0),
        ({"image_tokens": 300, "cached_tokens": 800}, 700, 100),
        (
            {
                "image_tokens": 300,
                "cached_tokens": 512,
                "cached_tokens_details": {"image_tokens": 64},
            },
            448,
            64,
        ),
        ({"cached_tokens": 9999}, 1000, 0),
    ],
)
def test_what_a_bill_leaves_out_is_made_up_for(details, cached_text, cached_image):
    session, turn = asked()
    usage = {"input_tokens": 1000, "input_token_details": details}
    bill = session.receive(done(turn, usage=usage)).usage
    assert bill.text_tokens + bill.image_tokens == 1000
    assert bill.cached_image_tokens == cached_image
    assert bill.cached_tokens - bill.cached_image_tokens == cached_text


def test_what_leaves_is_valid_for_the_official_types():
    session = Session(OPTIONS)
    session.receive(CREATED)
    for message in (session.configure(), *(session.receive(UPDATED) and session.ask(TURN))):
        strict_client_event(json.loads(b"".join(message)))


def test_the_pictures_and_the_notes_are_in_the_request():
    session, _ = asked()
    session.state = State.READY
    response = ask(session)["response"]
    notes, picture = response["input"]
    assert "14:03 earlier" in notes["content"][0]["text"]
    assert picture["content"][0]["text"] == TURN.caption
    assert picture["content"][1]["image_url"] == "data:image/jpeg;base64,/9g="
    assert response["conversation"] == "none"


@pytest.mark.parametrize("state", State)
def test_what_the_table_does_not_allow_changes_nothing(state):
    session, turn = asked()
    session.state = state
    session._response = "resp_1"
    messages = {
        Started: CREATED,
        Configured: UPDATED,
        AnswerBegan: began(turn),
        TextArrived: text("x"),
        AnswerEnded: done(turn),
    }
    for event, message in messages.items():
        session.state = state
        if event in {TextArrived, AnswerEnded} and state not in IN_TURN:
            assert isinstance(session.receive(message), Unknown)
            assert session.state is state
        elif event in TRANSITIONS[state]:
            session.receive(message)
            assert session.state is TRANSITIONS[state][event]
        else:
            with pytest.raises(ProtocolError):
                session.receive(message)
            assert session.state is state
    for command, call in {
        Command.CONFIGURE: session.configure,
        Command.ASK: lambda: session.ask(TURN),
        Command.CANCEL: session.cancel,
    }.items():
        session.state = state
        if command not in TRANSITIONS[state]:
            with pytest.raises(ProtocolError):
                call()
            assert session.state is state


def test_a_strangers_answer_never_enters_a_note():
    session, turn = asked()
    assert isinstance(session.receive(began("somebody else's", "resp_X")), Unknown)
    session.receive(began(turn))
    assert isinstance(session.receive(text("evil", "resp_X")), Unknown)
    assert isinstance(session.receive(done("somebody else's", response="resp_X")), Unknown)
    assert session.state is State.ANSWERING


def test_a_refused_turn_ends_it_and_another_error_does_not():
    session, turn = asked()
    other = session.receive(said("error", error={"code": "x", "message": "m", "event_id": "no"}))
    assert other == Refused(Trouble("x", "m"), "no")
    assert session.state is State.ASKED
    own = session.receive(said("error", error={"type": "y", "message": "m", "event_id": turn}))
    assert own == Refused(Trouble("y", "m", "y"), turn, ends_turn=True)
    assert session.state is State.READY


def test_a_failed_answer_says_why():
    session, turn = asked()
    error = {"type": "tokens", "code": "rate_limit_exceeded", "message": "try again in 7.853s"}
    message = done(turn, "", "failed", status_details={"type": "failed", "error": error})
    ended = session.receive(message)
    assert (ended.status, str(ended.trouble)) == (
        Status.FAILED,
        "rate_limit_exceeded: try again in 7.853s",
    )


def test_a_failure_that_says_why_only_in_an_error_before():
    session, turn = asked()
    session.receive(began(turn))
    message = "failed: 429 - {'code': 'rate_limit_exceeded', 'm': 'Please try again in 7.8s.'}"
    session.receive(said("error", error={"type": "response_failed", "message": message}))
    details = {"type": "failed", "error": {"type": "response_failed", "code": None}}
    ended = session.receive(done(turn, "Sorry.", "failed", status_details=details))
    assert (ended.trouble.cure, ended.trouble.wait) == (Cure.WAIT, 7.8)


def test_a_server_without_metadata_is_hinted_at():
    session, _ = asked()
    session.receive(said("response.created", response={"id": "resp_9"}))
    assert "match_answers: order" in session.hint


@pytest.mark.parametrize(
    "kind",
    ["response.output_text.delta", "response.text.delta", "response.output_audio_transcript.delta"],
)
def test_text_by_any_of_its_names(kind):
    session, turn = asked()
    session.receive(began(turn))
    assert session.receive(text("x", kind=kind)) == TextArrived("resp_1", "x")


def test_the_end_of_the_session():
    session, _ = asked()
    session.receive(said("error", error={"code": "session_expired", "message": "60 minutes"}))
    assert session.state is State.OVER


def read(messages) -> list[dict]:
    return [json.loads(b"".join(message)) for message in messages]


def test_a_new_session_knows_nothing():
    session = Session(OPTIONS)
    assert (session.id, session.expires_at, session.limits) == ("", 0, ())
    assert (session.ignored, session.hint) == (0, "")
    session.receive(CREATED)
    assert (session.id, session.expires_at) == ("sess_1", 99)
    assert read([session.configure()])[0]["event_id"] == "hud_1"


def test_the_limits_that_were_told_last_are_known():
    session, _ = asked()
    told = [{"name": "tokens", "limit": 9000, "remaining": 1}]
    assert session.receive(said("rate_limits.updated", rate_limits=told)) == LimitsTold(
        (Limit("tokens", 9000, 1),)
    )
    assert session.limits == (Limit("tokens", 9000, 1),)


def test_a_conversation_is_told_the_notes_once_and_rid_of_its_pictures():
    session = ready(in_conversation=True)
    notes, pictures, create = read(session.ask(TURN))
    assert "14:03 earlier" in notes["item"]["content"][0]["text"]
    assert pictures["item"]["content"][1]["type"] == "input_image"
    assert "input" not in create["response"]
    ids = [each["event_id"] for each in (notes, pictures, create)]
    assert ids == ["hud_2", "hud_3", "hud_4"]
    assert pictures["item"]["id"] == "hud_3"
    session.receive(began(ids[-1]))
    session.receive(done(ids[-1]))
    (deletion,) = read(session.tidy())
    assert (deletion["event_id"], deletion["item_id"]) == ("hud_5", "hud_3")
    assert session.tidy() == []
    # From now on the server has its own notes.
    assert [each["type"] for each in read(session.ask(TURN))] == [
        "conversation.item.create",
        "response.create",
    ]


@pytest.mark.parametrize("which", [0, 1, 2], ids=["notes", "pictures", "request"])
def test_a_turn_whose_pieces_are_refused_is_over(which):
    session = ready(in_conversation=True)
    event_id = read(session.ask(TURN))[which]["event_id"]
    refusal = session.receive(said("error", error={"code": "x", "event_id": event_id}))
    assert refusal.ends_turn
    assert session.state is State.READY


def test_a_conversation_without_earlier_notes_begins_with_the_pictures():
    session = ready(in_conversation=True)
    assert len(session.ask(Turn("", TURN.caption, TURN.jpegs))) == 2
    session.receive(said("error", error={"code": "x", "event_id": "hud_3"}))
    assert len(session.ask(TURN)) == 2, "what is noted since then is in the conversation"


def test_an_answer_is_cancelled_by_its_id_and_ends_all_the_same():
    session, turn = asked()
    session.receive(began(turn))
    (cancel,) = read([session.cancel()])
    assert (cancel["event_id"], cancel["response_id"]) == ("hud_3", "resp_1")
    assert session.receive(text("la")) == TextArrived("resp_1", "la")
    refusal = session.receive(said("error", error={"code": "x", "event_id": "hud_3"}))
    assert refusal.ends_turn, "there was nothing to cancel any more"


def test_answers_are_told_apart_by_their_order_where_no_metadata_is_repeated():
    session = ready(by_metadata=False)
    session.ask(TURN)
    bare = said("response.created", response={"id": "resp_1"})
    assert session.receive(said("response.created", response={})) == Unknown("response.created")
    assert session.receive(bare) == AnswerBegan("resp_1", "")
    assert session.receive(text("x", "resp_2")) == Unknown("response.output_text.delta")
    stranger = said("response.done", response={"id": "resp_2", "status": "completed"})
    assert session.receive(stranger) == Unknown("response.done")
    ended = session.receive(said("response.done", response={"id": "resp_1", "status": "completed"}))
    assert ended.status is Status.COMPLETED
    assert session.state is State.READY
    assert session.hint == ""
    assert session.receive(bare) == Unknown("response.created")


def test_an_answer_may_end_without_its_metadata():
    session, turn = asked()
    session.receive(began(turn))
    ended = session.receive(said("response.done", response={"id": "resp_1", "status": "completed"}))
    assert isinstance(ended, AnswerEnded)


def test_the_hint_is_given_only_where_metadata_is_missing():
    session, turn = asked()
    assert session.receive(began("somebody else's")) == Unknown("response.created")
    session.receive(began(turn))
    session.receive(said("response.created", response={"id": "resp_9"}))
    assert session.hint == ""
    session.receive(done(turn))
    session.ask(TURN)
    session.receive(said("response.created", response={"id": "resp_9"}))
    assert session.hint == "the server repeats no metadata: say realtime.match_answers: order"


def test_an_endless_answer_is_cut():
    session = ready()
    for last in ("b", "bcd"):
        turn = ask(session)["event_id"]
        session.receive(began(turn))
        assert session.receive(text("x" * (LONGEST_ANSWER - 2))).text == "x" * (LONGEST_ANSWER - 2)
        assert session.receive(text("a")).text == "a"
        assert session.receive(text(last)).text == "b"
        assert isinstance(session.receive(text("e")), Unknown)
        assert session.receive(done(turn, "y" * (LONGEST_ANSWER + 9))).text == "y" * LONGEST_ANSWER


def test_an_error_before_explains_only_an_end_that_does_not_explain_itself():
    error = said("error", error={"code": "odd", "message": "before"})
    session, turn = asked()
    session.receive(began(turn))
    session.receive(error)
    assert session.receive(done(turn)).trouble is None
    for details, explained in (({}, "odd: before"), ({"error": {"message": "own"}}, "own")):
        turn = ask(session)["event_id"]
        session.receive(error)
        ended = session.receive(done(turn, "", "failed", status_details=details))
        assert str(ended.trouble) == explained
    turn = ask(session)["event_id"]
    ended = session.receive(done(turn, "", "failed"))
    assert str(ended.trouble) == "failed", "the turn before's error"


def test_what_cannot_happen_now_is_named():
    session, _ = asked()
    with pytest.raises(ProtocolError, match=r"^configure cannot happen while .* is asked$"):
        session.configure()
    with pytest.raises(ProtocolError, match=r"^Started cannot happen while .* is asked$"):
        session.receive(CREATED)
    assert session.ignored == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
KINDS = [
    "session.created",
    "session.updated",
    "response.created",
    "response.done",
    "response.output_text.delta",
    "error",
    "new.event",
]
FIELDS = st.sampled_from(["session", "response", "error", "delta", "id", "output", "usage"])


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.text(max_size=20)
        | st.binary(max_size=20)
        | st.builds(
            lambda kind, fields: json.dumps(fields | {"type": kind}),
            st.sampled_from(KINDS),
            st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON)),
        ),
        max_size=6,
    )
)
def test_rubbish_gives_an_event_or_the_one_error(messages):
    session, _ = asked()
    for message in messages:
        with contextlib.suppress(ProtocolError):
            session.receive(message)
