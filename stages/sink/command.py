"""Starts a program for each finished note, with the note as JSON on its standard input."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence

import attrs
import trio

from hud.condition import Condition
from hud.errors import UsageError
from hud.items import Note
from hud.stage import between, given, option, silent
from stages.sink.backlog import AwayError, Backlog, Target, deliver_all
from stages.sink.record import json_line

KILL_AFTER = 2.0
"""Seconds between asking a program to end and ending it."""


def _is_command(argv: Sequence[str]) -> str | None:
    return None if argv and argv[0] else "must name a program, such as [notify-send, hud]"


@attrs.frozen
class Command:
    """Runs a program once for each note, one at a time and in order; never through a shell."""

    argv: tuple[str, ...] = option(
        meaning="the program and its arguments; the note comes as JSON on its standard input",
        check=_is_command,
    )
    timeout: float = option(
        30.0, meaning="seconds after which the program is ended", check=between(0.1, 3600)
    )
    warn: Callable[[str], None] = given(silent)
    secrets: frozenset[str] = given(frozenset())
    """Environment variables with keys of ours, which are not handed on."""
    condition: Condition = given(attrs.Factory(Condition))
    backlog: Backlog = given(attrs.Factory(Backlog))

    @property
    def destination(self) -> str:
        """Where the notes go, for the user: what the program does with them only he knows."""
        return pathlib.PurePath(self.argv[0]).name

    @property
    def patience(self) -> float:
        """Seconds that one note may take."""
        return self.timeout + KILL_AFTER

    def preflight(self) -> None:
        """Check that the program is there.

        Raises:
            UsageError: it is not.
        """
        if shutil.which(self.argv[0]) is None:
            raise UsageError(f"{self.argv[0]}: there is no such program")

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Run the program for one note after the other.

        Raises:
            PipelineError: at the end the program still could not be started.
        """
        told = set[str]()

        async def deliver(notes: Sequence[Note]) -> None:
            (note,) = notes
            problem = await self._call(json_line(note))
            # It may have done half of its work, so it is not run again; and it may fail each time.
            if problem is not None and problem not in told:
                told.add(problem)
                self.warn(f"{self.argv[0]}: {problem}; this is told once")

        await deliver_all(
            Target(self.argv[0], deliver, self.warn, self.backlog, condition=self.condition),
            inbox,
            outbox,
        )

    async def _call(self, data: bytes) -> str | None:
        """Run the program; what went wrong."""
        try:
            with trio.move_on_after(self.timeout):
                done = await trio.run_process(
                    self.argv,
                    stdin=data,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    env={n: v for n, v in os.environ.items() if n not in self.secrets},
                    # A group of its own: Ctrl-C is for us, and its children end with it.
                    start_new_session=True,
                    deliver_cancel=_end_group,
                )
                return _outcome(done.returncode)
        except OSError as error:
            raise AwayError(f"cannot be started: {error.strerror}") from None
        return f"was ended after {self.timeout:g} s"


def _outcome(status: int) -> str | None:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}" if status else None


async def _end_group(process: trio.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        await trio.sleep(KILL_AFTER)
        os.killpg(process.pid, signal.SIGKILL)
