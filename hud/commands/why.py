"""`hud why`: what became of the last frames of a running program."""

from __future__ import annotations

import argparse
import json

from hud.commands.console import show
from hud.control import tell
from hud.history import Entry


def why(given: argparse.Namespace) -> None:
    """Say what became of the last frames of every running program of this user."""
    for answer in tell("why"):
        entries = [Entry.of(record) for record in answer["entries"]]
        if given.frame is not None:
            entries = [entry for entry in entries if entry.concerns(given.frame)]
        recent = entries[-given.last :]
        show(json.dumps(entry.record()) if given.json else entry.line() for entry in recent)
