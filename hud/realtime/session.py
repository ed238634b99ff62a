"""The client's side of one Realtime session as a state machine: no socket, no clock.

A server message or a command moves the session along `TRANSITIONS`; what the table does not allow
raises ProtocolError and changes nothing. One answer is under way at a time.

A turn stands alone by default (`conversation: "none"`): its input is the notes so far as text,
then the caption with the pictures. Nothing is kept on the server, so every turn costs the same.
In the other form the turn is written to the server's conversation, and its pictures are deleted
there as soon as they were answered.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator

import attrs

from hud.errors import ProtocolError
from hud.realtime import requests
from hud.realtime.events import (
    AnswerBegan,
    AnswerEnded,
    Configured,
    Event,
    Limit,
    LimitsTold,
    Refused,
    Started,
    TextArrived,
    Unknown,
    parse,
)
from hud.realtime.requests import Message, SessionOptions, Turn
from hud.realtime.trouble import Cure, Trouble

LONGEST_ANSWER = 2**16
"""Characters of one answer; what a server sends beyond them is not looked at."""


class State(enum.Enum):
    """Where a session stands."""

    OPENING = "opening"
    CREATED = "created"
    CONFIGURING = "configuring"
    READY = "ready"
    ASKED = "asked"
    ANSWERING = "answering"
    CANCELLING = "cancelling"
    OVER = "over"


class Command(enum.Enum):
    """What the client does."""

    CONFIGURE = "configure"
    ASK = "ask"
    CANCEL = "cancel"


TRANSITIONS: dict[State, dict[Command | type[Event], State]] = {
    State.OPENING: {Started: State.CREATED},
    State.CREATED: {Command.CONFIGURE: State.CONFIGURING},
    State.CONFIGURING: {Configured: State.READY},
    State.READY: {Command.ASK: State.ASKED, Configured: State.READY},
    State.ASKED: {AnswerBegan: State.ANSWERING, AnswerEnded: State.READY},
    State.ANSWERING: {
        TextArrived: State.ANSWERING,
        AnswerEnded: State.READY,
        Command.CANCEL: State.CANCELLING,
    },
    State.CANCELLING: {TextArrived: State.CANCELLING, AnswerEnded: State.READY},
    State.OVER: {},
}
_IN_TURN = frozenset({State.ASKED, State.ANSWERING, State.CANCELLING})


class Session:
    """One session's state and the ids of what it said."""

    def __init__(self, options: SessionOptions) -> None:
        self.state = State.OPENING
        self.id = ""
        self.expires_at = 0
        """Seconds since the epoch; 0 where the server does not say."""
        self.limits: tuple[Limit, ...] = ()
        """Rate limits, where the server tells them."""
        self.ignored = 0
        """Messages that meant nothing here."""
        self.hint = ""
        """What the user may do about a turn that is never answered."""
        self._options = options
        self._numbers = itertools.count(1)
        self._turn = ""
        self._requests: set[str] = set()
        """Ids of the events that asked the turn under way."""
        self._response = ""
        self._length = 0
        self._cause: Trouble | None = None
        """The last error during the turn that named no request."""
        self._told_notes = False
        self._shown: list[str] = []
        """Items with pictures that are still in the conversation."""

    def configure(self) -> Message:
        """The message that makes it a text-only session."""
        self._move(Command.CONFIGURE)
        return requests.session_update(self._next(), self._options)

    def ask(self, turn: Turn) -> list[Message]:
        """The messages that show pictures and ask for a note."""
        self._move(Command.ASK)
        self._response, self._length, self._cause = "", 0, None
        self._requests.clear()
        messages = [*self._written(turn)] if self._options.in_conversation else []
        self._turn = self._request()
        alone = None if self._options.in_conversation else turn
        return [*messages, requests.response_create(self._turn, self._options, alone)]

    def _written(self, turn: Turn) -> Iterator[Message]:
        if turn.notes and not self._told_notes:
            yield requests.notes_create(self._request(), turn)
        # From now on the server has its own notes in the conversation.
        self._told_notes = True
        event_id = self._request()
        self._shown.append(event_id)
        yield requests.pictures_create(event_id, event_id, turn)

    def cancel(self) -> Message:
        """The message that ends the answer under way; its end still arrives."""
        self._move(Command.CANCEL)
        return requests.response_cancel(self._request(), self._response)

    def tidy(self) -> list[Message]:
        """The messages that take answered pictures out of the conversation; call between turns."""
        shown, self._shown = self._shown, []
        return [requests.item_delete(self._next(), item) for item in shown]

    def receive(self, message: str | bytes) -> Event:
        """Take in a server message and say what it means here.

        Answers nobody here asked for come back as Unknown: their words must not enter a note.

        Raises:
            ProtocolError: it is no event, or not one that may come now.
        """
        try:
            event = self._translate(parse(message))
            if not isinstance(event, Refused | LimitsTold | Unknown):
                self._move(type(event))
        except ProtocolError:
            self.ignored += 1
            raise
        if isinstance(event, Unknown):
            self.ignored += 1
        elif isinstance(event, Refused) and event.trouble.cure in {Cure.STOP, Cure.RECONNECT}:
            self.state = State.OVER
        elif isinstance(event, LimitsTold):
            self.limits = event.limits
        elif isinstance(event, Started):
            self.id, self.expires_at = event.session, event.expires_at
        elif isinstance(event, AnswerBegan):
            self._response = event.response
        return event

    def _translate(self, event: Event) -> Event:
        if isinstance(event, AnswerBegan) and not self._is_expected(event):
            return Unknown("response.created")
        if isinstance(event, TextArrived):
            return self._text(event)
        if isinstance(event, AnswerEnded):
            return self._end(event)
        if isinstance(event, Refused) and self._is_of_turn(event):
            # A refused request gets nothing but the error: this is its answer's end. Where the
            # pictures were refused, the answer that was asked for with them is nobody's.
            self.state, self._turn, self._response = State.READY, "", ""
            return attrs.evolve(event, ends_turn=True)
        return event

    def _is_of_turn(self, event: Refused) -> bool:
        if event.event:
            return self._in_turn and event.event in self._requests
        # Servers that repeat no metadata may also not say whose fault an error is.
        self._cause = event.trouble
        return self.state is State.ASKED and not self._options.by_metadata

    def _is_expected(self, event: AnswerBegan) -> bool:
        if self._options.by_metadata:
            if self.state is State.ASKED and not event.turn:
                self.hint = "the server repeats no metadata: say realtime.match_answers: order"
            return bool(self._turn) and event.turn == self._turn
        return self.state is State.ASKED and bool(event.response)

    def _text(self, event: TextArrived) -> Event:
        room = LONGEST_ANSWER - self._length
        if not self._in_turn or event.response != self._response or room <= 0:
            return Unknown("response.output_text.delta")
        self._length += len(event.text)
        return attrs.evolve(event, text=event.text[:room])

    def _end(self, event: AnswerEnded) -> Event:
        known = bool(self._response) and event.response == self._response
        asked = self._options.by_metadata and bool(self._turn) and event.turn == self._turn
        if not self._in_turn or not (known or asked):
            return Unknown("response.done")
        trouble = event.trouble
        if trouble is not None and not trouble.message and self._cause is not None:
            trouble = self._cause  # a server that says why only in an error before
        return attrs.evolve(event, text=event.text[:LONGEST_ANSWER], trouble=trouble)

    @property
    def _in_turn(self) -> bool:
        return self.state in _IN_TURN

    def _move(self, by: Command | type[Event]) -> None:
        following = TRANSITIONS[self.state].get(by)
        if following is None:
            name = by.value if isinstance(by, Command) else by.__name__
            raise ProtocolError(f"{name} cannot happen while the session is {self.state.value}")
        self.state = following

    def _next(self) -> str:
        return f"hud_{next(self._numbers)}"

    def _request(self) -> str:
        event_id = self._next()
        self._requests.add(event_id)
        return event_id
