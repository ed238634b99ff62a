"""Shows notes on stdout: live above a status line on a terminal, plain finished lines elsewhere."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence

import attrs
import rich.console
import trio
from rich.text import Text

from hud.errors import OutputGoneError, unwrapped
from hud.items import Note, Status, clock, harmless
from hud.place import LONGEST, place
from hud.stage import given, option
from hud.threads import in_thread
from stages.sink.region import Above, Region, open_region

INDENT = 10
"""Columns of the time."""
WIDE = 100
"""Columns from which on the place has a column of its own."""
NARROW = 32
"""Columns below which no place is told, and further lines are hardly indented."""
HANGING = 2
"""Columns of that indentation."""
STATUS_PERIOD = 1.0
"""Seconds between two changes of the status line, at least: it may be on the watched screen."""
TROUBLE = re.compile(
    r"\b(err[o0]rs?|fail(s|ed|ing|ures?)?|fatal|panic|traceback|\w*exception|crash(es|ed)?|declined"
    r"|denied|refused|aborted|unreachable|timed out)\b",
    re.IGNORECASE,
)
"""Words that the eye should find in a long note."""


_FOR_WRAPPING = rich.console.Console(width=80)  # rich wants one, and asks it nothing


def _no_figures(_width: int) -> str:
    return ""


@attrs.frozen
class Terminal:
    """Streams the words as they arrive, above a status line; plain finished lines when piped."""

    color: bool = option(True, meaning="colour where the terminal has it; NO_COLOR is honoured")
    status: bool = option(True, meaning="a line with figures of the run at the bottom")
    figures: Callable[[int], str] = given(_no_figures)
    """The figures in so many characters, at most."""
    turned: Callable[[], Awaitable[None]] = given(trio.sleep_forever)
    """Returns when something has begun or ended to be wrong."""

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Print each note once, a growing one piece by piece.

        Raises:
            OutputGoneError: nobody reads stdout any more.
        """
        console = Console(file=sys.stdout, no_color=None if self.color else True, highlight=False)
        if self.status and console.is_terminal and not console.is_dumb_terminal:
            await self._live(console, inbox, outbox)
        else:
            await _stream(console, inbox, outbox)

    async def _live(
        self,
        console: Console,
        inbox: trio.abc.ReceiveChannel[Note],
        outbox: trio.abc.SendChannel[Note],
    ) -> None:
        with unwrapped(), _stderr_above() as above:
            async with open_region(console) as region:
                await self._draw(_Screen(region, self.figures, above), inbox, outbox)

    async def _draw(
        self,
        screen: _Screen,
        inbox: trio.abc.ReceiveChannel[Note],
        outbox: trio.abc.SendChannel[Note],
    ) -> None:
        await screen.show(None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_follow_size, screen, name="resize")
            nursery.start_soon(_follow_state, screen, self.turned, name="state")
            nursery.start_soon(_follow_told, screen, name="stderr")
            async for note in inbox:
                if is_shown(note, streaming=True):
                    await screen.show(note)
                if note.finished:
                    await outbox.send(note)
            nursery.cancel_scope.cancel()


class Console(rich.console.Console):
    """A console that says so when nobody reads it, instead of leaving the program."""

    def on_broken_pipe(self) -> None:
        """Called by rich.

        Raises:
            OutputGoneError: always.
        """
        raise OutputGoneError("nobody reads the notes any more: stdout was closed")


@attrs.define
class _Screen:
    """What stands on the terminal: finished notes, the growing one, the status line.

    The status line changes only together with a finished note, or with the state of the run. Where
    this terminal is on the watched screen, a line that changed by itself would be news for ever.
    """

    region: Region
    figures: Callable[[int], str]
    above: Above
    growing: Note | None = None
    status: str = ""
    status_time: float = float("-inf")
    turn: trio.Lock = attrs.field(factory=trio.Lock)

    async def show(self, note: Note | None) -> None:
        """Show a note as far as it has come; None: only the status line."""
        async with self.turn:
            await self._show(note)

    async def show_told(self) -> None:
        """Show what was told meanwhile, above all else."""
        async with self.turn:
            await self._draw([])

    async def _show(self, note: Note | None) -> None:
        finished = note is not None and note.finished
        width, _height = self.region.size
        if note is None or (finished and self._is_due()):
            self.status = self.figures(width - 1)
            self.status_time = trio.current_time()
        if note is not None and note.status is Status.IN_PROGRESS:
            self.growing = note
        elif note is not None and self.growing is not None and self.growing.key == note.key:
            self.growing = None
        await self._draw(lines(note, width - 1) if finished and note is not None else [])

    async def _draw(self, done: Sequence[Text]) -> None:
        above = [*map(Text, self.above.take()), *done]
        await in_thread(self.region.draw, self._rows(*self.region.size), above)

    def _is_due(self) -> bool:
        return trio.current_time() - self.status_time >= STATUS_PERIOD

    def _rows(self, width: int, height: int) -> Sequence[Text]:
        """The live rows; of a long note the last, so that all fit when the window is halved."""
        growing = lines(self.growing, width - 1) if self.growing is not None else []
        status = [Text(self.status[: width - 1], "dim")] if self.status else []
        # One row more than the window has would scroll at every drawing.
        return [*growing[-max(1, height // 3) :], *status][:height]


def is_shown(note: Note, *, streaming: bool) -> bool:
    """Whether to print it: a failure without words is told on stderr already."""
    return streaming if not note.finished else bool(note.text)


def lines(note: Note, width: int) -> list[Text]:
    """The note in lines of at most `width` columns: time, place, words."""
    where = place(note) if width >= NARROW else ""
    # The words need at least as much room as the time.
    time = f"{clock(note.captured_wall_time)}  " if width >= 2 * INDENT - 2 else ""
    head = Text.assemble((time, "dim"))
    # A narrow window has no room for a second column.
    columns = bool(where) and width >= WIDE
    if where:
        head.append(where.ljust(LONGEST + 2) if columns else f"{where}  ", "magenta")
    indent = head.cell_len if columns else INDENT if width >= NARROW else min(HANGING, len(time))
    words = Text(harmless(note.text) + _end(note))
    words.highlight_regex(TROUBLE, "bold red")
    first, rest = _wrapped(words, width, head.cell_len, indent)
    return [head + first, *(Text(" " * indent) + line for line in rest)]


def _wrapped(words: Text, width: int, first: int, indent: int) -> tuple[Text, Sequence[Text]]:
    """Wrap at words; the first line begins at another column than the others."""
    filler = Text("x" * max(0, first - indent))
    rows = (filler + words).wrap(_FOR_WRAPPING, max(1, width - indent), tab_size=4)
    return rows[0][len(filler) :], list(rows[1:])


def line(note: Note) -> str:
    """The note as one plain line: a time, the words; further lines of its own are indented."""
    text = harmless(note.text) + _end(note)
    return f"{clock(note.captured_wall_time)}  " + text.replace("\n", "\n" + " " * INDENT)


def _end(note: Note) -> str:
    if note.status not in {Status.IN_PROGRESS, Status.COMPLETED}:
        return f" … ({note.status.value})"
    return ""


def continuation(printed: str, text: str) -> str:
    """What still has to be printed; a text that was rewritten starts on a line of its own."""
    if text.startswith(printed):
        return text[len(printed) :]
    return f"\n{text}"


async def _stream(
    console: Console,
    inbox: trio.abc.ReceiveChannel[Note],
    outbox: trio.abc.SendChannel[Note],
) -> None:
    """Print without moving the cursor: word by word on a terminal, finished lines elsewhere."""
    printed = ""
    growing: tuple[int, int] | None = None
    async for note in inbox:
        if is_shown(note, streaming=console.is_terminal):
            if note.key != growing:
                printed = ""
            text = line(note)
            ended = note.status is not Status.IN_PROGRESS
            await _write(console, continuation(printed, text), ended=ended)
            printed, growing = ("", None) if ended else (text, note.key)
        if note.finished:
            await outbox.send(note)


async def _write(console: Console, text: str, *, ended: bool) -> None:
    piece = Text(text)
    if text[2:3] == ":":
        piece.stylize("dim", 0, 8)
    end = "\n" if ended else ""
    await in_thread(lambda: console.print(piece, end=end, soft_wrap=True))


async def _follow_size(screen: _Screen) -> None:
    with trio.open_signal_receiver(signal.SIGWINCH) as signals:
        async for _number in signals:
            await screen.show(None)


async def _follow_state(screen: _Screen, turned: Callable[[], Awaitable[None]]) -> None:
    """Nothing must look as if it were kept while it is not."""
    while True:
        await turned()
        await trio.sleep(STATUS_PERIOD)
        await screen.show(None)


async def _follow_told(screen: _Screen) -> None:
    while True:
        await screen.above.wait_arrived()
        await screen.show_told()


@contextlib.contextmanager
def _stderr_above() -> Iterator[Above]:
    """Let what is told on the same terminal scroll away above the rows; what is left, below."""
    above = Above(sys.stderr)
    if not sys.stderr.isatty():
        yield above
        return
    try:
        with contextlib.redirect_stderr(above):
            yield above
    finally:
        sys.stderr.writelines(f"{line}\n" for line in above.take())
