"""The servers of a soak: a Realtime server that fails by schedule, and the webhook's receiver."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable

import attrs
import trio

from benchmarks import barcode
from tests.faulty import RECOVERABLE, Faulty

AWAY = {"away 503": [503] * 4, "away 429": [429] * 3}
"""The connection is cut, and the next upgrades are refused with these."""
SLOW = {"slow 6": 6.0, "slow 20": 20.0}
"""Seconds that one answer takes; one is below the program's patience, one beyond."""
REMOTE = [*RECOVERABLE, *AWAY, *SLOW]


@attrs.define
class Asked:
    """One turn as the server saw it."""

    number: int
    time: float
    """When it had arrived, on time.monotonic()."""
    fault: str
    shows: frozenset[int] = frozenset()
    """The barcodes in its pictures."""
    answered: float | None = None
    """When its answer had been sent to the end."""

    @property
    def text(self) -> str:
        """Of the note."""
        return f"Saw turn {self.number}"


class _Answered(list[str]):
    """Where `Faulty` puts what it answered: as it does, the turn's time is taken."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        super().__init__()

    def append(self, seen: str) -> None:
        self._told(seen)
        super().append(seen)


@attrs.define
class Server(Faulty):
    """Fails at the turns after `fail` was called, and reads the barcodes in the pictures."""

    turns: list[Asked] = attrs.field(factory=list)
    waiting: list[str] = attrs.field(factory=list)
    """Faults whose time has come."""
    normal: float = 0.5
    """Seconds of a usual answer."""

    def __attrs_post_init__(self) -> None:
        self.faults = iter(self._fault, None)  # type: ignore[assignment]
        self.answered = _Answered(self._was_answered)

    def _fault(self) -> str:
        fault = self.waiting.pop(0) if self.waiting else ""
        self.turns.append(Asked(len(self.turns) + 1, time.monotonic(), fault))
        self.think = SLOW.get(fault, self.normal)
        if fault in AWAY:
            self.refusals += AWAY[fault]
            return "cut"
        return "" if fault in SLOW else fault

    def name(self, pictures: list[bytes]) -> str:
        """Called when an answer begins."""
        turn = self.turns[-1]
        turn.shows = frozenset[int]().union(*map(barcode.read, pictures))
        return f"turn {turn.number}"

    def _was_answered(self, seen: str) -> None:
        self.turns[int(seen.removeprefix("turn ")) - 1].answered = time.monotonic()


class Receiver:
    """Takes the webhook's notes, unless it is away."""

    def __init__(self) -> None:
        self.notes: list[dict[str, object]] = []
        self._server: http.server.HTTPServer | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        """Listen, always at the same port."""
        notes = self.notes

        class Take(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                notes.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                return

        self._server = http.server.HTTPServer(("127.0.0.1", self.port), Take)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    async def close(self) -> None:
        """Go away: who connects is refused."""
        server, self._server = self._server, None
        if server is not None:
            await trio.to_thread.run_sync(server.shutdown)
            server.server_close()
