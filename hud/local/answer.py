"""One response: its object on the wire, and the events that stream its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from hud.local.conversation import Item
from hud.local.settings import Settings
from hud.realtime.bill import Count, Segment, usage
from hud.realtime.tokens import first_tokens, text_tokens

Event = dict[str, Any]

_PIECE = re.compile(r"\s*\S+(?:\s+$)?")
_PADDING = "Qz7rTk2mVx9cLw4n"


@attrs.frozen
class Wording:
    """The names that the protocol has for the same text in one modality."""

    event: str
    part: str
    item_part: str
    field: str


WORDINGS = {
    "text": Wording("response.output_text", "text", "output_text", "text"),
    "audio": Wording("response.output_audio_transcript", "audio", "output_audio", "transcript"),
}


@attrs.frozen(eq=False)
class Response:
    """A response that was created and not yet done."""

    id: str
    conversation_id: str | None
    """None: out of band, nothing is written to the conversation."""
    settings: Settings = attrs.field(repr=False)
    given: Count
    cache: Count
    """Part of `given`."""
    shown: tuple[Item, ...]
    """Whose pictures need not be looked at again once this response is completed."""

    @property
    def wording(self) -> Wording:
        """Of its modality."""
        return WORDINGS[self.settings["output_modalities"][0]]

    @property
    def most(self) -> int | None:
        """Tokens that the answer may have; None: as many as it takes."""
        most = self.settings["max_output_tokens"]
        return None if most == "inf" else int(most)

    def wire(
        self,
        status: str,
        details: Mapping[str, Any] | None = None,
        output: tuple[Mapping[str, Any], ...] = (),
        bill: Mapping[str, Any] | None = None,
    ) -> Event:
        """The response object; without `bill` its usage is null."""
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": None if details is None else {"type": status, **details},
            "output": list(output),
            "conversation_id": self.conversation_id,
            "output_modalities": self.settings["output_modalities"],
            "max_output_tokens": self.settings["max_output_tokens"],
            "audio": self.settings["audio"],
            "usage": bill,
            "metadata": self.settings["metadata"],
        }

    def bill(self, output_tokens: int) -> Event:
        """Its usage, given the length of the answer."""
        return usage(self.given, self.cache, output_tokens)


@attrs.frozen(eq=False)
class Answer:
    """The text of a response, cut at the response's cap."""

    response: Response
    item_id: str
    text: str
    complete: bool

    @classmethod
    def to(cls, response: Response, item_id: str, text: str) -> Answer:
        """Cut a text where the cap of `response` ends it."""
        said = text if response.most is None else first_tokens(text, response.most)
        return cls(response, item_id, said, said == text)

    @property
    def item(self) -> Item:
        """The assistant's message."""
        wording = self.response.wording
        content = [{"type": wording.item_part, wording.field: self.text}]
        status = "completed" if self.complete else "incomplete"
        wire = _message(self.item_id, status) | {"content": content}
        return Item(wire, (Segment.of_text(self.text),), ())

    @property
    def tokens(self) -> int:
        """Estimated."""
        return text_tokens(self.text)

    def events(self, previous: str | None) -> Iterator[Event]:
        """Everything from the first item to `response.done`, in the order of the GA service.

        `previous` is the id that precedes the answer in the conversation. With audio output the
        text comes as a transcript, and no sound with it.
        """
        begun, finished = _message(self.item_id, "in_progress"), self.item.wire
        inside = self.response.conversation_id is not None
        yield self._about("response.output_item.added", item=begun)
        if inside:
            yield _added("conversation.item.added", previous, begun)
        yield from self._content()
        if inside:
            yield _added("conversation.item.done", previous, finished)
        yield self._about("response.output_item.done", item=finished)
        yield {"type": "response.done", "response": self._done()}

    def _content(self) -> Iterator[Event]:
        wording = self.response.wording
        where = {"item_id": self.item_id, "content_index": 0}
        part = {"type": wording.part, wording.field: ""}
        yield self._about("response.content_part.added", **where, part=part)
        for piece in _PIECE.findall(self.text):
            # Padding hides the length of each word from whoever watches encrypted traffic.
            padding = _PADDING[len(piece) % len(_PADDING) :]
            more = {"delta": piece, "obfuscation": padding}
            yield self._about(f"{wording.event}.delta", **where, **more)
        yield self._about(f"{wording.event}.done", **where, **{wording.field: self.text})
        part = {"type": wording.part, wording.field: self.text}
        yield self._about("response.content_part.done", **where, part=part)

    def _about(self, kind: str, **fields: object) -> Event:
        return {"type": kind, "response_id": self.response.id, "output_index": 0, **fields}

    def _done(self) -> Event:
        bill = self.response.bill(self.tokens)
        output = (self.item.wire,)
        if self.complete:
            return self.response.wire("completed", None, output, bill)
        reason = {"reason": "max_output_tokens"}
        return self.response.wire("incomplete", reason, output, bill)


def _added(kind: str, previous: str | None, item: Mapping[str, Any]) -> Event:
    return {"type": kind, "previous_item_id": previous, "item": item}


def _message(item_id: str, status: str) -> Event:
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [],
    }
