"""The client's side of one Realtime session as a state machine: no socket, no clock.

A server message or a command moves the session along `TRANSITIONS`; what the table does not allow
raises ProtocolError and changes nothing. One answer is under way at a time.

A turn is asked out of band (`conversation: "none"`): its input is the notes so far as text, then
the caption with the pictures. Nothing is kept on the server, so every turn costs the same.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence

import attrs
import orjson
import pybase64

from hud.errors import ProtocolError
from hud.realtime.events import (
    AnswerBegan,
    AnswerEnded,
    Configured,
    Event,
    Refused,
    Started,
    TextArrived,
    Unknown,
    parse,
)

ENDS_THE_SESSION = frozenset({"session_expired", "beta_api_shape_disabled"})


class State(enum.Enum):
    """Where a session stands."""

    OPENING = "opening"
    CREATED = "created"
    CONFIGURING = "configuring"
    READY = "ready"
    ASKED = "asked"
    ANSWERING = "answering"
    OVER = "over"


class Command(enum.Enum):
    """What the client does."""

    CONFIGURE = "configure"
    ASK = "ask"


TRANSITIONS: dict[State, dict[Command | type[Event], State]] = {
    State.OPENING: {Started: State.CREATED},
    State.CREATED: {Command.CONFIGURE: State.CONFIGURING},
    State.CONFIGURING: {Configured: State.READY},
    State.READY: {Command.ASK: State.ASKED, Configured: State.READY},
    State.ASKED: {AnswerBegan: State.ANSWERING, AnswerEnded: State.READY},
    State.ANSWERING: {TextArrived: State.ANSWERING, AnswerEnded: State.READY},
    State.OVER: {},
}


@attrs.frozen
class SessionOptions:
    """What a session is told once."""

    instructions: str
    max_output_tokens: int


@attrs.frozen(eq=False)
class Turn:
    """What is asked once."""

    notes: str
    """Earlier notes, one a line, "" for none."""
    caption: str
    jpegs: Sequence[bytes]


class Session:
    """One session's state and the ids of what it said."""

    def __init__(self, options: SessionOptions) -> None:
        self.state = State.OPENING
        self.id = ""
        self._options = options
        self._numbers = itertools.count(1)
        self._turn = ""
        self._asked_by = ""
        self._response = ""

    def configure(self) -> str:
        """The message that makes it a text-only session."""
        self._move(Command.CONFIGURE)
        session = {
            "type": "realtime",
            "output_modalities": ["text"],
            "instructions": self._options.instructions,
            "max_output_tokens": self._options.max_output_tokens,
            "audio": {"input": {"turn_detection": None}},
            "tools": [],
            "tool_choice": "none",
        }
        return _text({"type": "session.update", "event_id": self._next(), "session": session})

    def ask(self, turn: Turn) -> str:
        """The message that shows pictures and asks for a note.

        It is put together around the base64 of the pictures, which never goes through a JSON
        encoder: that pass over 400 kB costs more than all the rest.
        """
        self._move(Command.ASK)
        self._asked_by = event_id = self._next()
        self._turn, self._response = event_id, ""
        response = {
            "conversation": "none",
            "output_modalities": ["text"],
            "max_output_tokens": self._options.max_output_tokens,
            "metadata": {"turn": self._turn},
        }
        head = _text({"type": "response.create", "event_id": event_id, "response": response})
        # Reopen the two outer objects, so that `input` can stand behind the other fields.
        return f'{head[:-2]},"input":[{",".join(_input(turn))}]}}}}'

    def receive(self, message: str | bytes) -> Event:
        """Take in a server message and say what it means here.

        Answers nobody here asked for come back as Unknown: their words must not enter a note.

        Raises:
            ProtocolError: it is no event, or not one that may come now.
        """
        event = self._translate(parse(message))
        if isinstance(event, Refused):
            if event.code in ENDS_THE_SESSION:
                self.state = State.OVER
        elif not isinstance(event, Unknown):
            self._move(type(event))
        if isinstance(event, Started):
            self.id = event.session
        elif isinstance(event, AnswerBegan):
            self._response = event.response
        return event

    def _translate(self, event: Event) -> Event:
        if isinstance(event, AnswerBegan) and event.turn != self._turn:
            return Unknown("response.created")
        if isinstance(event, TextArrived) and event.response != self._response:
            return Unknown("response.output_text.delta")
        if isinstance(event, AnswerEnded) and event.turn != self._turn:
            return Unknown("response.done")
        if isinstance(event, Refused) and event.event == self._asked_by and self._is_asking:
            # A refused request gets nothing but the error: this is its answer's end.
            self.state = State.READY
            return attrs.evolve(event, ends_turn=True)
        return event

    @property
    def _is_asking(self) -> bool:
        return self.state in {State.ASKED, State.ANSWERING}

    def _move(self, by: Command | type[Event]) -> None:
        following = TRANSITIONS[self.state].get(by)
        if following is None:
            name = by.value if isinstance(by, Command) else by.__name__
            raise ProtocolError(f"{name} cannot happen while the session is {self.state.value}")
        self.state = following

    def _next(self) -> str:
        return f"hud_{next(self._numbers)}"


def _input(turn: Turn) -> list[str]:
    messages = []
    if turn.notes:
        messages.append(_message([_input_text(f"Notes so far:\n{turn.notes}")]))
    pictures = [_input_image(jpeg) for jpeg in turn.jpegs]
    messages.append(_message([_input_text(turn.caption), *pictures]))
    return messages


def _message(parts: Sequence[str]) -> str:
    return f'{{"type":"message","role":"user","content":[{",".join(parts)}]}}'


def _input_text(text: str) -> str:
    return _text({"type": "input_text", "text": text})


def _input_image(jpeg: bytes) -> str:
    data = pybase64.b64encode_as_string(jpeg)
    return f'{{"type":"input_image","image_url":"data:image/jpeg;base64,{data}","detail":"high"}}'


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
