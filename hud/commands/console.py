"""What the commands say: notes and answers on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import textwrap
import threading
from collections.abc import Iterable
from typing import Any, TextIO

from hud.items import harmless
from hud.spool import PATIENCE

NARROW = 40
"""Columns below which a terminal breaks the lines itself."""
_AT_WORDS: Any = {
    "subsequent_indent": " " * len("hud: "),
    "break_long_words": False,
    "break_on_hyphens": False,
}


def say(sentence: str) -> None:
    """Tell the user something that is no note; where nobody can be told, the work goes on.

    It may hold words of a server, which must not steer the terminal.
    """
    with contextlib.suppress(OSError):
        text = _fitting(f"hud: {harmless(sentence)}", sys.stderr)
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the only voice


def _fitting(text: str, stream: TextIO) -> str:
    """The text, on a terminal broken at its words instead of at the edge."""
    try:
        width = os.get_terminal_size(stream.fileno()).columns - 1
    except OSError:  # no terminal
        return text
    if width < NARROW:
        return text
    lines = text.split("\n")
    return "\n".join(textwrap.fill(line, width, **_AT_WORDS) for line in lines)


def show(lines: Iterable[str]) -> None:
    """Print what was asked for, also into a pipe whose reader has seen enough.

    It may hold words off a screen, of a model or a server, which must not steer the terminal.
    """
    try:
        sys.stdout.writelines(f"{harmless(line)}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()


def show_json(records: Iterable[Any]) -> None:
    """Print plain data as JSON Lines, in ASCII so that nothing in it steers the terminal."""
    show(json.dumps(record) for record in records)


def discard_stdout() -> None:
    """Keep the interpreter from failing once more when it flushes a closed stdout at its exit.

    A stdout that is not closed but held gets `PATIENCE`.
    """
    flush = threading.Thread(target=_flush_or_discard, name="stdout", daemon=True)
    flush.start()
    flush.join(PATIENCE)


def _flush_or_discard() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
