"""The local model as the server sees it: reading in another process, one thing at a time."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import IO

import attrs
import trio

from hud.errors import LocalModelError
from hud.local import frames
from hud.local.frames import Answer, Request
from hud.local.model import Sight
from hud.local.reader import Line

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # idle workers would spin
}
_PATIENCE = 60.0
"""Seconds for an answer; the largest screen full of text takes a tenth of it."""
_MOST_OPEN = 4
"""Requests that the child may have before it; more can only come of cancelled ones."""
_LONGEST_UNHEARD = 2000  # characters


class LocalReader:
    """The parent's end: one child process, started when needed, asked one thing at a time."""

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self._child: _Child | None = None
        self._number = 0
        self._unheard: dict[str, str] = {}
        """Notes that nobody waited for; they come with the session's next one."""
        self._asked: dict[int, str | None] = {}
        """Session of each request that is not answered yet; None: it has ended."""
        self._forgotten: list[str] = []

    @property
    def pid(self) -> int | None:
        """Of the child, None before the first start and after a failure."""
        return self._child.process.pid if self._child else None

    async def start(self) -> None:
        """Start the child unless it runs; it gets ready while nobody waits."""
        async with self._lock:
            await self._ready()

    async def note(self, session: str, sights: Sequence[Sight]) -> str:
        """Say what is new in these pictures; "" if nothing is worth a note.

        Being cancelled loses nothing: the pictures are read all the same, and the note comes with
        the next one of the session. Raises LocalModelError where these pictures are too much for
        the child, which then forgets the session, and where it died or hangs; the next call then
        starts another one, which has seen nothing yet.
        """
        answer = await self._answered(session, sights)
        return "; ".join(filter(None, (self._unheard.pop(session, ""), answer.text)))

    async def read(self, pictures: Sequence[bytes]) -> tuple[tuple[Line, ...], ...]:
        """Lines of each encoded picture, in its pixels, for their own sake: nothing is remembered.

        Raises LocalModelError as `note` does.
        """
        sights = [Sight(picture, None) for picture in pictures]
        answer = await self._answered("", sights, only_read=True)
        return answer.lines

    def forget(self, session: str) -> None:
        """Drop the memory of a session that has ended."""
        self._unheard.pop(session, None)
        for number, other in self._asked.items():
            if other == session:
                self._asked[number] = None  # the child still has it before it
        self._forgotten.append(session)

    async def aclose(self) -> None:
        """Kill the child."""
        child, self._child = self._child, None
        if child is not None:
            await child.aclose()

    async def _answered(
        self, session: str, sights: Sequence[Sight], *, only_read: bool = False
    ) -> Answer:
        async with self._lock:
            child = await self._ready()
            try:
                with trio.fail_after(_PATIENCE):
                    await self._ask(child, session, sights, only_read=only_read)
                    answer = await self._answer(child)
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as error:
                raise await self._lost(child, error) from error
        if answer.failed:
            raise LocalModelError(f"The local model failed at these pictures ({answer.failed})")
        return answer

    async def _ready(self) -> _Child:
        if self._child is not None and self._child.process.poll() is not None:
            await self.aclose()
        if self._child is None:
            self._asked.clear()
            self._child = await _Child.start()
        return self._child

    async def _ask(
        self, child: _Child, session: str, sights: Sequence[Sight], *, only_read: bool
    ) -> None:
        while len(self._asked) >= _MOST_OPEN:
            self._keep(await child.receive())
        self._number += 1
        self._asked[self._number] = session
        request = Request(self._number, session, tuple(sights), tuple(self._forgotten), only_read)
        self._forgotten.clear()
        with trio.CancelScope(shield=True), trio.fail_after(_PATIENCE):
            # half a frame would spoil the pipe; the child takes it at once, whatever else it does
            await child.send(request)

    async def _answer(self, child: _Child) -> Answer:
        while (answer := await child.receive()).number != self._number:
            self._keep(answer)
        self._asked.pop(answer.number, None)
        return answer

    def _keep(self, answer: Answer) -> None:
        """Keep a note that nobody waits for any more."""
        session = self._asked.pop(answer.number, None)
        if session is not None and answer.text:
            texts = filter(None, (self._unheard.get(session, ""), answer.text))
            self._unheard[session] = "; ".join(texts)[-_LONGEST_UNHEARD:]

    async def _lost(self, child: _Child, error: Exception) -> LocalModelError:
        self._child = None
        with trio.CancelScope(shield=True):
            said = await child.aclose()
        if isinstance(error, trio.TooSlowError):
            return LocalModelError(f"The local model did not answer within {_PATIENCE:.0f} s")
        return LocalModelError(f"The local model's process died: {said}")


@asynccontextmanager
async def open_reader(*, at_once: bool = True) -> AsyncIterator[LocalReader]:
    """Start the local model, now or when it is first asked, and kill its process in the end.

    Raises LocalModelError where the extra `local` is not installed.
    """
    if not all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime")):
        raise LocalModelError("The local model needs the extra `local`: pip install '.[local]'")
    reader = LocalReader()
    try:
        if at_once:
            await reader.start()
        yield reader
    finally:
        with trio.CancelScope(shield=True):
            await reader.aclose()


@attrs.frozen(eq=False)
class _Child:
    """A running process, its pipes, and what it said last."""

    process: trio.Process
    stderr: IO[bytes]
    received: bytearray = attrs.field(factory=bytearray, repr=False)

    @classmethod
    async def start(cls) -> _Child:
        # a file: nobody has to read it, and it outlives the process
        stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the child
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "hud.local.child"],
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            env=os.environ | _ENVIRONMENT,
        )
        return cls(process, stderr)

    async def send(self, request: Request) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(frames.packed(request))

    async def receive(self) -> Answer:
        """The next answer; what has arrived of it is kept when the wait is cancelled."""
        assert self.process.stdout is not None
        while (answer := frames.taken_answer(self.received)) is None:
            data = await self.process.stdout.receive_some()
            if not data:
                raise trio.BrokenResourceError("the child closed its end")
            self.received.extend(data)
        return answer

    async def aclose(self) -> str:
        """Kill the process; its last line on stderr, or how it ended."""
        self.process.kill()
        await self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            await pipe.aclose()
        with self.stderr as stderr:
            stderr.seek(-min(4096, stderr.seek(0, io.SEEK_END)), io.SEEK_END)
            lines = stderr.read().decode(errors="replace").splitlines()
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return said or f"exit status {self.process.returncode}"
