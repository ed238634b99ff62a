"""Writes every frame's way through the stages to a file that Perfetto and Chrome's tracing open.

The format is Chrome's Trace Event Format (JSON array, which may lack its closing bracket): one row
for each stage at work and one for each edge, a span for each item, its frame in `args`.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator

import orjson
import trio

from hud.errors import UsageError
from hud.latency import Drop, Span
from hud.stage import silent

BATCH = 256
"""Events that are held until they are written; a run that is killed loses no more."""
_PROCESS = 1


class Trace:
    """Collects events and writes them in batches; small appends, so they stay in the loop."""

    def __init__(self, descriptor: int, start: float, warn: Callable[[str], None] = silent) -> None:
        self._descriptor = descriptor
        self._warn = warn
        self._ended = False
        """Whether it could not be written; what came later would not be found in it."""
        self._start = start
        self._rows: dict[str, int] = {}
        self._held: list[bytes] = []
        self._write(b"[\n")

    def take(self, what: Span | Drop) -> None:
        """Write one span, or one item that went no further."""
        if isinstance(what, Span):
            row = self._row(f"{what.stage} ({what.kind})")
            self._event("X", what.kind, what.begin, row, what.seq, dur=_us(what.end - what.begin))
        else:
            self._event("i", what.how, what.time, self._row(what.edge), what.seq, s="t")
        if len(self._held) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        self._write(b"".join(self._held))
        self._held.clear()

    def close(self) -> None:
        """Write what is held, and the end."""
        self.flush()
        self._write(b"{}]\n")

    def _write(self, data: bytes) -> None:
        """Write all of it, or end the trace: it must not end the run."""
        if self._ended:
            return
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self._ended = True
            self._warn(f"the trace ends here: {error.strerror}")

    def _row(self, name: str) -> int:
        if name not in self._rows:
            self._rows[name] = len(self._rows) + 1
            named = {"name": "thread_name", "ph": "M", "pid": _PROCESS, "tid": self._rows[name]}
            self._held.append(orjson.dumps(named | {"args": {"name": name}}) + b",\n")
        return self._rows[name]

    def _event(
        self, phase: str, name: str, time: float, row: int, seq: int, **more: object
    ) -> None:
        event = {"name": name, "ph": phase, "ts": _us(time - self._start), "pid": _PROCESS}
        event |= {"tid": row, "args": {"frame": seq}}
        self._held.append(orjson.dumps(event | more) + b",\n")


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


@contextlib.contextmanager
def open_trace(path: pathlib.Path, warn: Callable[[str], None] = silent) -> Iterator[Trace]:
    """A trace into a new file that only its owner can read; the old one is replaced.

    A disk that fills up ends the trace, and `warn` is told.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        trace = Trace(descriptor, trio.current_time(), warn)
        yield trace
        trace.close()
    finally:
        os.close(descriptor)
