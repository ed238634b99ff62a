"""What the commands say: notes and answers on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterable

from hud.spool import PATIENCE


def say(sentence: str) -> None:
    """Tell the user something that is no note; where nobody can be told, the work goes on."""
    with contextlib.suppress(OSError):
        print(f"hud: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - the only voice


def show(lines: Iterable[str]) -> None:
    """Print what was asked for, also into a pipe whose reader has seen enough."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()


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
