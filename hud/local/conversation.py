"""The conversation of one session: what was said, in order, and what of it the model is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import attrs

from hud.local import picture
from hud.local.model import Sight
from hud.local.picture import Picture
from hud.local.rules import RefusedError, shortened
from hud.realtime import caption
from hud.realtime.bill import Segment
from hud.realtime.caption import Place

MOST_ITEMS = 200
MOST_KEPT = 32 * 2**20
"""Characters of texts and data URIs that one session may keep."""
_PART = 200
"""What a part weighs beside its characters."""


@attrs.frozen(eq=False)
class Item:
    """One item, as it stands on the wire and as the model reads it."""

    wire: Mapping[str, Any] = attrs.field(repr=lambda wire: f"<{wire['type']}>")
    segments: tuple[Segment, ...] = attrs.field(repr=False)
    pictures: tuple[Picture, ...]

    @property
    def id(self) -> str:
        """Chosen by the client, or by the server where the client did not."""
        return str(self.wire["id"])

    @property
    def tokens(self) -> int:
        """Estimated."""
        return sum(segment.tokens for segment in self.segments)

    @property
    def weight(self) -> int:
        """About its characters."""
        parts = self.wire.get("content", [self.wire])
        return sum(_PART + sum(len(str(word)) for word in part.values()) for part in parts)

    @property
    def sights(self) -> tuple[Sight, ...]:
        """The pictures, decoded."""
        return tuple(Sight(picture.encoded(), picture.place) for picture in self.pictures)


def item(received: Mapping[str, Any], spare_id: str, path: str) -> Item:
    """Complete a valid item as the server shows it; RefusedError if a picture cannot be read."""
    rest = {key: value for key, value in received.items() if key not in {"id", "object", "status"}}
    wire = {"id": received.get("id", spare_id), "type": rest.pop("type"), "status": "completed"}
    wire |= rest
    if wire["type"] == "function_call":
        wire.setdefault("call_id", f"call_{wire['id']}")
    if wire["type"] != "message":
        words = (str(wire.get(key, "")) for key in ("name", "arguments", "output"))
        return Item(wire, tuple(Segment.of_text(word) for word in words if word), ())
    wire["content"] = [_complete(part) for part in received["content"]]
    pictures = tuple(_pictures(wire["content"], path))
    return Item(wire, tuple(_segments(wire["content"], pictures)), pictures)


def _complete(part: Mapping[str, Any]) -> dict[str, Any]:
    return {**part, "detail": part.get("detail", "auto")} if _is_picture(part) else dict(part)


def _is_picture(part: Mapping[str, Any]) -> bool:
    return bool(part["type"] == "input_image")


def _pictures(content: Sequence[Mapping[str, Any]], path: str) -> Iterable[Picture]:
    texts = [part["text"] for part in content if not _is_picture(part)]
    places = chain(chain.from_iterable(map(_places, texts)), repeat(None))
    for index, part in enumerate(content):
        if _is_picture(part):
            param = f"{path}.content[{index}].image_url"
            yield picture.read(part["image_url"], part["detail"], next(places), param)


def _places(text: str) -> tuple[Place, ...]:
    try:
        return caption.read(text)
    except ValueError:  # a number longer than Python converts; then it is no caption of ours
        return ()


def _segments(
    content: Sequence[Mapping[str, Any]], pictures: Sequence[Picture]
) -> Iterable[Segment]:
    rest = iter(pictures)
    for part in content:
        if _is_picture(part):
            shown = next(rest)
            yield Segment("image", shown.key, shown.tokens)
        else:
            yield Segment.of_text(part["text"])


@attrs.define(eq=False)
class Conversation:
    """The items of one session, bounded: the oldest leave when there are too many.

    That no event tells the client so is also how the real service truncates.
    """

    items: list[Item] = attrs.field(factory=list)
    outside: set[Item] = attrs.field(factory=set)
    """Items that a truncation has put out of the model's sight for good."""

    def find(self, item_id: str) -> Item | None:
        """The oldest item of this id; ids may be used twice."""
        return next((item for item in self.items if item.id == item_id), None)

    def insert(self, item: Item, previous: str | None) -> str | None:
        """Put an item behind `previous` and return the id of what precedes it, None if nothing.

        "root" is the front; None and "" are the end. RefusedError if there is no such item.
        """
        at = len(self.items)
        if previous == "root":
            at = 0
        elif previous:
            before = self.find(previous)
            if before is None:
                message = (
                    f"Error adding item: the previous item with id '{shortened(previous)}' "
                    "does not exist."
                )
                raise RefusedError("item_create_invalid_previous_item_id", message)
            at = self.items.index(before) + 1
        self.items.insert(at, item)
        preceding = self.items[at - 1].id if at else None
        self._shed(item)
        return preceding

    def _shed(self, newest: Item) -> None:
        weight = sum(item.weight for item in self.items)
        while len(self.items) > MOST_ITEMS or weight > MOST_KEPT:
            oldest = next((item for item in self.items if item is not newest), None)
            if oldest is None:
                return
            weight -= oldest.weight
            self.remove(oldest)

    def remove(self, item: Item) -> None:
        """Take an item out."""
        self.items.remove(item)
        self.outside.discard(item)

    def visible(self) -> list[Item]:
        """What is left after the truncations so far."""
        return [item for item in self.items if item not in self.outside]


def truncated(
    items: Sequence[Item], fixed: int, limit: int, truncation: str | Mapping[str, Any]
) -> list[Item]:
    """The newest items that fit beside `fixed` tokens of instructions into `limit` tokens.

    With a retention ratio more is dropped at once, so that the next answers find the same prefix.
    RefusedError where `truncation` is "disabled", or where not even the newest item fits.
    """
    room, keep = limit - fixed, 1.0
    if isinstance(truncation, Mapping):
        keep = truncation["retention_ratio"]
        post = (truncation.get("token_limits") or {}).get("post_instructions")
        room = room if post is None else min(room, post)
    total = sum(item.tokens for item in items)
    if total <= room:
        return list(items)
    if truncation == "disabled" or not items or items[-1].tokens > room:
        message = f"The input does not fit into the {limit} tokens that the model can be shown."
        raise RefusedError("context_length_exceeded", message)
    oldest = 0
    while oldest < len(items) - 1 and total > room * keep:
        total -= items[oldest].tokens
        oldest += 1
    return list(items[oldest:])
