"""Shows notes on stdout: word by word on a terminal, plain finished lines elsewhere."""

from __future__ import annotations

import sys

import attrs
import rich.console
import rich.text
import trio

from hud.errors import OutputGoneError
from hud.items import Note, Status, clock, harmless
from hud.stage import option

INDENT = " " * 10


@attrs.frozen
class Terminal:
    """Streams the words as they arrive; without colour and word streaming when piped."""

    color: bool = option(True, meaning="colour where the terminal has it; NO_COLOR is honoured")

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Print each note once, a growing one piece by piece."""
        console = Console(file=sys.stdout, no_color=None if self.color else True, highlight=False)
        printed = ""
        growing: int | None = None
        async for note in inbox:
            if not is_shown(note, streaming=console.is_terminal):
                continue
            if note.seq != growing:
                printed = ""
            text = line(note)
            ended = note.status is not Status.IN_PROGRESS
            await _write(console, continuation(printed, text), ended=ended)
            printed, growing = ("", None) if ended else (text, note.seq)
            if note.finished:
                await outbox.send(note)


class Console(rich.console.Console):
    """A console that says so when nobody reads it, instead of leaving the program."""

    def on_broken_pipe(self) -> None:
        """Called by rich.

        Raises:
            OutputGoneError: always.
        """
        raise OutputGoneError("nobody reads the notes any more: stdout was closed")


def is_shown(note: Note, *, streaming: bool) -> bool:
    """Whether to print it: a failure without words is told on stderr already."""
    return streaming if not note.finished else bool(note.text)


def line(note: Note) -> str:
    """The note as it stands on the screen: a time, the words, further lines indented."""
    text = harmless(note.text)
    if note.status not in {Status.IN_PROGRESS, Status.COMPLETED}:
        text = f"{text} … ({note.status.value})"
    return f"{clock(note.captured_wall_time)}  " + text.replace("\n", f"\n{INDENT}")


def continuation(printed: str, text: str) -> str:
    """What still has to be printed; a text that was rewritten starts on a line of its own."""
    if text.startswith(printed):
        return text[len(printed) :]
    return f"\n{text}"


async def _write(console: Console, text: str, *, ended: bool) -> None:
    """Print in a thread: a terminal that is held, or a full pipe, must not stop the loop."""
    piece = rich.text.Text(text)
    if text[2:3] == ":":
        piece.stylize("dim", 0, 8)
    end = "\n" if ended else ""
    await trio.to_thread.run_sync(
        lambda: console.print(piece, end=end, soft_wrap=True), abandon_on_cancel=True
    )
