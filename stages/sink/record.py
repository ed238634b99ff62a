"""A finished note as the plain data that files, databases and other programs get."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import orjson

from hud.items import Note


def json_line(note: Note) -> bytes:
    """The note as one line of JSON."""
    return orjson.dumps(record(note), option=orjson.OPT_APPEND_NEWLINE)


def record(note: Note) -> dict[str, Any]:
    """The note as plain data, with the keys that are promised to users."""
    return {
        "id": note.id,
        "seq": note.seq,
        "text": note.text,
        "status": note.status.value,
        "captured_at": _iso(note, note.captured_time),
        "sent_at": _iso(note, note.sent_time),
        "first_token_at": _iso(note, note.first_token_time),
        "done_at": _iso(note, note.done_time),
        "latency_ms": {
            "change_to_wire": _since(note, note.sent_time),
            "change_to_first_token": _since(note, note.first_token_time),
            "change_to_note": _since(note, note.done_time),
        },
        "monitor": note.monitor,
        "regions": [list(attrs.astuple(region)) for region in note.regions],
        "session": note.session,
        "model": note.model,
        "usage": attrs.asdict(note.usage),
        "usd": note.usd,
        "detail": note.detail,
    }


def _iso(note: Note, time: float | None) -> str | None:
    if time is None:
        return None
    moment = datetime.datetime.fromtimestamp(note.wall_time(time)).astimezone()
    return moment.isoformat(timespec="milliseconds")


def _since(note: Note, time: float | None) -> float | None:
    return None if time is None else round((time - note.captured_time) * 1000, 1)
