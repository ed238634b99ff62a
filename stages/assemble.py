"""Puts the pieces of an answer together into a growing note, and ends it."""

from __future__ import annotations

import attrs
import trio

from hud.items import Note, NoteDelta, Status
from hud.realtime.prompt import is_nothing, may_become_nothing


@attrs.frozen
class Assemble:
    """Sends a snapshot of the note for each piece; an answer that notes nothing makes no note."""

    async def run(
        self, inbox: trio.abc.ReceiveChannel[NoteDelta], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Grow one note at a time; a piece of another answer begins another note."""
        note: Note | None = None
        async for delta in inbox:
            note = grow(note if note is not None and note.key == delta.key else None, delta)
            if is_worth_showing(note):
                await outbox.send(note)
            if note.status is not Status.IN_PROGRESS:
                note = None
            del delta  # with it, the picture of a shot that is done with


def grow(note: Note | None, delta: NoteDelta) -> Note:
    """The note with one more piece; at its end the server's own full text is the truth."""
    note = note or _begin(delta)
    if delta.status is Status.IN_PROGRESS:
        first = delta.time if note.first_token_time is None else note.first_token_time
        return attrs.evolve(note, text=note.text + delta.text, first_token_time=first)
    return attrs.evolve(
        note,
        text=(delta.text or note.text).strip(),
        status=delta.status,
        done_time=delta.time,
        usage=delta.usage,
        usd=delta.usd,
        detail=delta.detail,
    )


def is_worth_showing(note: Note) -> bool:
    """Whether there is something to read, and it is not on its way to saying nothing."""
    if note.status in {Status.FAILED, Status.WITHHELD}:
        return note.status is Status.FAILED
    return not (is_nothing(note.text) if note.finished else may_become_nothing(note.text))


def _begin(delta: NoteDelta) -> Note:
    change = delta.shot.change
    return Note(
        seq=delta.seq,
        turn=delta.turn,
        text="",
        status=Status.IN_PROGRESS,
        monitor=change.monitor,
        regions=change.regions,
        captured_wall_time=change.frame.wall_time,
        captured_time=change.frame.time,
        sent_time=delta.sent_time,
        first_token_time=None,
        done_time=None,
        session=delta.session,
        model=delta.model,
        size=(change.frame.width, change.frame.height),
    )
