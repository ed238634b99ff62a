"""A session between a client and a server that each do anything at any time.

The model knows who may speak: one answer belongs to the turn under way, all others to strangers.
"""

from __future__ import annotations

import contextlib
import itertools
import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hud.errors import ProtocolError
from hud.items import Status
from hud.realtime.events import AnswerBegan, AnswerEnded, Refused, TextArrived, Unknown
from hud.realtime.requests import SessionOptions, Turn
from hud.realtime.session import TRANSITIONS, Command, Session, State

TURN = Turn("earlier", "14:04:00, screen 1 (64x64); picture 1: whole screen", [b"\xff\xd8"])
WHOSE = ["mine", "mine", "former", "stranger", "nameless"]
IN_TURN = {State.ASKED, State.ANSWERING, State.CANCELLING}


class SessionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.responses = itertools.count(1)
        self.former: list[tuple[str, str]] = []
        """Turn and response of answers that are over."""
        self.turn = self.response = ""
        self.asked = self.ended = 0
        self.model = State.OPENING
        self.shown: set[str] = set()
        """Items with pictures in the server's conversation."""

    @initialize(by_metadata=st.booleans(), in_conversation=st.booleans())
    def begin(self, by_metadata, in_conversation) -> None:
        self.by_metadata, self.in_conversation = by_metadata, in_conversation
        self.connect()

    @precondition(lambda self: self.model is State.OVER)
    @rule()
    def connect(self) -> None:
        """A session that stands where a new turn may begin."""
        options = SessionOptions(
            "", 300, by_metadata=self.by_metadata, in_conversation=self.in_conversation
        )
        self.session, self.model = Session(options), State.OPENING
        self.ids.clear()
        self.shown.clear()
        self.turn = self.response = ""
        self.asked = self.ended = 0
        self.created()
        self.configure()
        self.updated()

    @rule(steps=st.sampled_from([0, 1, 2]), seldom=st.integers(0, 9))
    def connect_half(self, steps, seldom) -> None:
        """A session in the middle of its beginning."""
        if seldom == 0 and self.model is State.READY:
            self.session.state = self.model = [State.OPENING, State.CREATED, State.CONFIGURING][
                steps
            ]

    # The client ------------------------------------------------------------------------------

    def _do(self, command, call) -> object | None:
        following = TRANSITIONS[self.model].get(command)
        try:
            messages = call()
        except ProtocolError:
            assert following is None, "refused what the table allows"
            return None
        assert following is not None, "did what the table does not allow"
        self.model = following
        return messages

    def _sent(self, *messages) -> list[dict]:
        events = [json.loads(b"".join(each)) for each in messages]
        self.ids += [event["event_id"] for event in events]
        for event in events:
            if event["type"] == "conversation.item.create" and "input_image" in str(event):
                self.shown.add(event["item"]["id"])
            elif event["type"] == "conversation.item.delete":
                self.shown.remove(event["item_id"])
        return events

    @rule()
    def configure(self) -> None:
        message = self._do(Command.CONFIGURE, self.session.configure)
        if message is not None:
            assert self._sent(message)[0]["type"] == "session.update"

    @rule()
    def ask(self) -> None:
        messages = self._do(Command.ASK, lambda: self.session.ask(TURN))
        if messages is None:
            return
        *items, create = self._sent(*messages)
        assert create["type"] == "response.create"
        assert {item["type"] for item in items} <= {"conversation.item.create"}
        assert bool(items) is self.in_conversation
        self.requests = [event["event_id"] for event in (*items, create)]
        self.turn, self.response = create["event_id"], ""
        self.asked += 1

    @rule()
    def cancel(self) -> None:
        message = self._do(Command.CANCEL, self.session.cancel)
        if message is not None:
            (event,) = self._sent(message)
            assert event["response_id"] == self.response
            self.requests.append(event["event_id"])

    @precondition(lambda self: self.model is State.READY)
    @rule()
    def tidy(self) -> None:
        self._sent(*self.session.tidy())
        assert not self.shown, "a picture stays in the conversation, and is paid for each turn"

    # The server ------------------------------------------------------------------------------

    def _hear(self, kind, **fields) -> object | None:
        try:
            return self.session.receive(json.dumps({"type": kind} | fields))
        except ProtocolError:
            return None

    @rule()
    def created(self) -> None:
        event = self._hear("session.created", session={"id": "sess"})
        assert (event is not None) == (self.model is State.OPENING)
        if event is not None:
            self.model = State.CREATED

    @rule()
    def updated(self) -> None:
        event = self._hear("session.updated", session={})
        assert (event is not None) == (self.model in {State.CONFIGURING, State.READY})
        if event is not None:
            self.model = State.READY

    def _metadata(self, turn: str) -> dict:
        return {"metadata": {"turn": turn}} if self.by_metadata else {}

    @rule(mine=st.booleans())
    def answer_begins(self, mine) -> None:
        response = f"resp_{next(self.responses)}"
        turn = self.turn if mine else self._strange("former")
        event = self._hear("response.created", response={"id": response} | self._metadata(turn))
        # Without metadata the first answer behind the request is taken for its own.
        named = bool(self.turn) and turn == self.turn
        expected = named if self.by_metadata else self.model is State.ASKED
        if not expected:
            assert isinstance(event, Unknown)
        elif self.model is State.ASKED:
            assert isinstance(event, AnswerBegan)
            self.model, self.response = State.ANSWERING, response
        else:
            assert event is None, "a second answer to one turn"

    @rule(piece=st.text(max_size=3), whose=st.sampled_from(WHOSE))
    def text(self, piece, whose) -> None:
        response = self._response(whose)
        event = self._hear("response.output_text.delta", response_id=response, delta=piece)
        mine = self.model in {State.ANSWERING, State.CANCELLING} and response == self.response
        assert isinstance(event, TextArrived if mine else Unknown) or (
            event is None and self.model is State.ASKED
        )

    def _strange(self, whose) -> str:
        return self.former[-1][0] if whose == "former" and self.former else "somebody's"

    def _response(self, whose) -> str:
        if whose == "former" and self.former:
            return self.former[-1][1]
        if whose == "nameless":
            return ""
        return self.response if whose == "mine" and self.response else "resp_stranger"

    @rule(
        whose=st.sampled_from(WHOSE),
        status=st.sampled_from(["completed", "failed", "cancelled", "incomplete"]),
    )
    def answer_ends(self, whose, status) -> None:
        response = self._response(whose)
        turn = self.turn if whose == "mine" else self._strange(whose)
        event = self._hear(
            "response.done", response={"id": response, "status": status} | self._metadata(turn)
        )
        known = bool(self.response) and response == self.response
        asked = self.by_metadata and bool(self.turn) and turn == self.turn
        if self.model not in IN_TURN or not (known or asked):
            assert isinstance(event, Unknown)
            return
        assert isinstance(event, AnswerEnded)
        assert event.status is Status(status)
        assert (event.trouble is None) == (status == "completed")
        self._turn_is_over()

    def _turn_is_over(self) -> None:
        self.former.append((self.turn, self.response or "resp_none"))
        self.model = State.READY
        self.ended += 1

    @rule(
        code=st.sampled_from([*["odd"] * 9, "session_expired", "insufficient_quota"]),
        whose=st.sampled_from(["mine", "former", "nobody"]),
        data=st.data(),
    )
    def error(self, code, whose, data) -> None:
        event_id = "hud_stranger"
        if whose == "mine" and self.turn:
            event_id = data.draw(st.sampled_from(self.requests))
        elif whose == "nobody":
            event_id = ""
        event = self._hear("error", error={"code": code, "message": "m", "event_id": event_id})
        assert isinstance(event, Refused)
        mine = self.model in IN_TURN and bool(self.turn) and event_id in self.requests
        mine = mine or (self.model is State.ASKED and not event_id and not self.by_metadata)
        assert event.ends_turn is mine
        if mine:
            self._turn_is_over()
            self.turn = self.response = ""
        if code != "odd":
            self.model = State.OVER

    @rule(message=st.sampled_from(["{", "[]", "7", '{"type":1}', '{"type":"brand.new"}', "\ud800"]))
    def rubbish(self, message) -> None:
        before = self.session.ignored
        with contextlib.suppress(ProtocolError):
            self.session.receive(message.encode("utf-8", "surrogatepass"))
        assert self.session.ignored == before + 1

    # What holds at every moment --------------------------------------------------------------

    @invariant()
    def the_state_is_the_models(self) -> None:
        if hasattr(self, "session"):
            assert self.session.state is self.model

    @invariant()
    def each_turn_has_one_end(self) -> None:
        under_way = hasattr(self, "session") and self.model in IN_TURN
        over = hasattr(self, "session") and self.model is State.OVER
        assert self.ended + under_way == self.asked or (over and self.ended + 1 == self.asked)

    @invariant()
    def no_id_is_used_twice(self) -> None:
        assert len(set(self.ids)) == len(self.ids)

    @invariant()
    def nothing_grows(self) -> None:
        if hasattr(self, "session"):
            assert len(self.session._requests) <= 4
            # Who does not tidy up keeps the pictures of each turn.
            assert len(self.session._shown) <= self.asked


TestSession = SessionMachine.TestCase
TestSession.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
