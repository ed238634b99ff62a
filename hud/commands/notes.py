"""`hud notes`: what was noted before."""

from __future__ import annotations

import argparse
import datetime
import pathlib

from hud.commands.console import say, show, show_json
from hud.database import Query
from hud.errors import UsageError
from hud.notes import line, moment, read


def notes(given: argparse.Namespace) -> None:
    """Print notes that were written before."""
    now = datetime.datetime.now().astimezone()

    def when(option: str) -> datetime.datetime | None:
        text = getattr(given, option)
        try:
            return None if text is None else moment(text, now)
        except (ValueError, OverflowError):
            allowed = "2h, 14:30, yesterday, 2026-11-21 or 2026-11-21T14:30"
            raise UsageError(f"--{option} {text}: must be a time such as {allowed}") from None

    query = Query(when("since"), when("until"), given.search, given.limit)
    found = read([pathlib.Path(file) for file in given.files], query, say)
    if given.json:
        show_json(found)
    else:
        show(line(note, named=given.ids) for note in found)
