"""The live rows as a terminal shows them: an emulated one, and tmux while it is resized."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import random
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import threading
import time

import attrs
import pyte
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hud.items import Status
from hud.place import WORDS, place
from hud.rect import Rect
from stages.sink.terminal import Terminal
from tests.stages.sinking import GROWING, NOTE, notes, running

PLACED = attrs.evolve(NOTE, size=(1000, 600), regions=(Rect(10, 500, 80, 20),))
LONG = "New: " + " ".join(f"word{number}" for number in range(40))


class Screen:
    """A terminal of 80 x 24 that the sink writes to."""

    def __init__(self, monkeypatch, columns=80, rows=24):
        self.main, self.other = pty.openpty()
        self.resize(columns, rows)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.delenv("LINES", raising=False)
        self.stdout = os.fdopen(self.other, "w")

    @contextlib.asynccontextmanager
    async def running(self, sink):
        """Run the sink here. (A fixture could not: pytest sets stdout anew for the test itself.)"""
        with contextlib.redirect_stdout(self.stdout), contextlib.redirect_stderr(self.stdout):
            async with running(sink) as feed_and_delivered:
                yield feed_and_delivered

    def resize(self, columns, rows):
        fcntl.ioctl(self.other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        """What was written until now; the kernel hands it over a little later."""
        data = b""
        while select.select([self.main], [], [], 0.1)[0]:
            data += os.read(self.main, 1 << 20)
        self.stream.feed(data)
        return data

    @property
    def lines(self):
        self.read()
        return [line.rstrip() for line in self.screen.display if line.strip()]


@pytest.fixture
def screen(monkeypatch):
    screen = Screen(monkeypatch)
    yield screen
    screen.stdout.close()
    os.close(screen.main)


@pytest.fixture
def sink():
    drawn = iter(range(1000))
    return Terminal(figures=lambda width: f"hud: watching {next(drawn)}"[:width])


async def feeding(feed, *items):
    for item in items:
        feed(item)
        await wait_all_tasks_blocked(0.03)


async def test_words_stream_above_the_status_line(screen, sink, inline_threads):
    async with screen.running(sink) as (feed, delivered):
        await feeding(feed, attrs.evolve(PLACED, status=Status.IN_PROGRESS, text="New: one"))
        assert screen.lines == ["08:00:00  bottom left  New: one", "hud: watching 0"]
        await feeding(feed, attrs.evolve(PLACED, status=Status.IN_PROGRESS, text="New: one two"))
        assert screen.lines == ["08:00:00  bottom left  New: one two", "hud: watching 0"]
        await feeding(feed, PLACED, attrs.evolve(GROWING, seq=8))
        assert screen.lines == [
            '08:00:00  bottom left  New: "build teapot failed"',
            "08:00:00  New:",
            "hud: watching 0",
        ]
        assert [note.seq for note in delivered] == [7]
        # The cursor rests on the first live row, where the next drawing begins.
        assert (screen.screen.cursor.x, screen.screen.cursor.y) == (0, 1)
    assert screen.lines == ['08:00:00  bottom left  New: "build teapot failed"']
    assert not screen.screen.cursor.hidden


async def test_words_of_trouble_stand_out(screen, sink, inline_threads):
    async with screen.running(sink) as (feed, _):
        await feeding(feed, attrs.evolve(PLACED, text="an ERR0R, the terrors failed"))
        screen.read()
        row = screen.screen.buffer[0]
    marked = "".join(cell.data for _, cell in sorted(row.items()) if cell.fg == "red" and cell.bold)
    assert marked == "ERR0Rfailed"


async def test_the_status_changes_with_a_note_and_at_most_once_a_second(
    screen, sink, inline_threads, autojump_clock
):
    async with screen.running(sink) as (feed, delivered):
        for note in notes(30):
            feed(attrs.evolve(note, status=Status.IN_PROGRESS))
            await trio.sleep(0.05)
            feed(note)
            await trio.sleep(0.05)
        await trio.sleep(0.5)
        assert len(delivered) == 30
        assert screen.lines[-1] in {"hud: watching 2", "hud: watching 3"}
        screen.read()
        await trio.sleep(3600)
        assert screen.read() == b""


async def test_the_status_changes_when_the_run_is_in_another_state(
    screen, inline_threads, autojump_clock
):
    """Nothing must look as if it were kept while it is not, though no note comes any more."""
    state, turned = ["watching"], trio.Event()

    async def wait_turned():
        await turned.wait()

    sink = Terminal(figures=lambda width: f"hud: {state[0]}"[:width], turned=wait_turned)
    async with screen.running(sink) as (feed, _):
        await feeding(feed, NOTE)
        assert screen.lines[-1] == "hud: watching"
        state[0] = "capture lost since 14:03:20"
        await trio.sleep(10)
        assert screen.lines[-1] == "hud: watching"
        old, turned = turned, trio.Event()
        old.set()
        await trio.sleep(2)
        assert screen.lines[-1] == "hud: capture lost since 14:03:20"


@pytest.mark.parametrize(("columns", "indent"), [(80, 10), (120, 24)])
async def test_a_long_note_is_wrapped_at_words(monkeypatch, sink, inline_threads, columns, indent):
    """Under its first word where there is room for a column of places, else under the place."""
    screen = Screen(monkeypatch, columns)
    async with screen.running(sink) as (feed, _):
        await feeding(feed, attrs.evolve(PLACED, text=LONG))
        first, *lines, status = screen.lines
    screen.stdout.close()
    os.close(screen.main)
    assert status.startswith("hud:")
    assert all(len(line) < columns for line in [first, *lines])
    assert all(line.startswith(" " * indent + "word") for line in lines)
    said = first.partition("bottom left")[2]
    assert " ".join(line.strip() for line in [said, *lines]) == LONG


@pytest.mark.parametrize("columns", [9, 14, 20, 26, 33, 50])
async def test_the_narrowest_window_cuts_no_word(monkeypatch, sink, inline_threads, columns):
    screen = Screen(monkeypatch, columns, rows=60)
    async with screen.running(sink) as (feed, _):
        await feeding(feed, attrs.evolve(PLACED, text=LONG.replace("New: ", "")))
        *lines, status = screen.lines
    screen.stdout.close()
    os.close(screen.main)
    assert status == "hud: watching 0"[: columns - 1].rstrip()
    assert all(len(line) < columns for line in lines)
    words = [word for line in lines for word in line.split() if word.startswith("word")]
    assert words == LONG.removeprefix("New: ").split()


@pytest.mark.parametrize("rows", [1, 2, 3])
async def test_the_lowest_window_does_not_scroll_away_what_grows(
    monkeypatch, sink, inline_threads, rows
):
    screen = Screen(monkeypatch, 40, rows)
    async with screen.running(sink) as (feed, _):
        screen.read()
        for count in range(1, 20):
            text = " ".join(f"w{number}" for number in range(count))
            await feeding(feed, attrs.evolve(PLACED, status=Status.IN_PROGRESS, text=text))
            # A line feed on the last row scrolls.
            assert screen.read().count(b"\n") < rows
            assert f"w{count - 1}" in "".join(screen.screen.display)
    screen.stdout.close()
    os.close(screen.main)


async def test_a_narrow_window_has_one_column_of_words(monkeypatch, sink, inline_threads):
    screen = Screen(monkeypatch, columns=40)
    async with screen.running(sink) as (feed, _):
        await feeding(feed, attrs.evolve(PLACED, text=LONG))
        *lines, _status = screen.lines
    screen.stdout.close()
    os.close(screen.main)
    assert lines[0].startswith("08:00:00  bottom left  New: word0")
    assert " ".join(line.strip() for line in lines).endswith(LONG)
    assert all(len(line) < 40 for line in lines)


async def test_of_a_long_growing_note_the_last_lines_are_live(screen, sink, inline_threads):
    text = " ".join(f"word{number}" for number in range(200))
    async with screen.running(sink) as (feed, _):
        await feeding(feed, attrs.evolve(PLACED, status=Status.IN_PROGRESS, text=text))
        assert len(screen.lines) == 24 // 3 + 1
        assert screen.lines[-2].endswith("word199")
        await feeding(feed, attrs.evolve(PLACED, text=text))
        assert screen.lines[-2].endswith("word199")


async def test_what_was_taken_back_is_gone(screen, sink, inline_threads):
    async with screen.running(sink) as (feed, delivered):
        await feeding(feed, GROWING)
        await feeding(feed, attrs.evolve(GROWING, status=Status.WITHDRAWN))
        assert screen.lines == ["hud: watching 0"]
    assert delivered == []


async def test_stderr_of_the_same_terminal_goes_above(screen, sink, inline_threads):
    async with screen.running(sink) as (feed, _):
        await feeding(feed, GROWING)
        print("hud: something", "happened", file=sys.stderr)  # noqa: T201
        await wait_all_tasks_blocked(0.03)
        assert screen.lines == ["hud: something happened", "08:00:00  New:", "hud: watching 0"]


async def test_nobody_waits_for_a_terminal_that_is_held(screen, sink):
    """Ctrl-S: what is told meanwhile is neither lost nor does it stop the loop."""
    released = threading.Timer(10, termios.tcflow, [screen.other, termios.TCOON])
    async with screen.running(sink) as (feed, delivered):
        await trio.to_thread.run_sync(lambda: screen.lines)
        termios.tcflow(screen.other, termios.TCOOFF)
        released.start()  # or the test would hang
        feed(NOTE)
        await trio.sleep(0.3)
        print("hud: something happened", file=sys.stderr, flush=True)  # noqa: T201
        await trio.sleep(0.3)
        assert delivered == []
        assert released.is_alive()
        released.cancel()
        termios.tcflow(screen.other, termios.TCOON)
        lines = []
        with trio.fail_after(20):
            while len(lines) < 3:
                lines = await trio.to_thread.run_sync(lambda: screen.lines)
    assert lines[0].endswith('New: "build teapot failed"')
    assert lines[1:] == ["hud: something happened", "hud: watching 0"]


async def test_a_terminal_that_stays_held_does_not_keep_the_sink(screen, sink):
    released = threading.Timer(20, termios.tcflow, [screen.other, termios.TCOON])
    async with screen.running(sink):
        await trio.to_thread.run_sync(lambda: screen.lines)
        termios.tcflow(screen.other, termios.TCOOFF)
        released.start()
    assert released.is_alive()
    released.cancel()
    termios.tcflow(screen.other, termios.TCOON)


async def test_what_could_not_be_drawn_any_more_is_told_below(screen, inline_threads, monkeypatch):
    async def nobody(_screen):
        await trio.sleep_forever()

    monkeypatch.setattr("stages.sink.terminal._follow_told", nobody)
    async with screen.running(Terminal()):
        await wait_all_tasks_blocked()
        print("the last words", file=sys.stderr)  # noqa: T201
    assert screen.lines[-1] == "the last words"


@pytest.mark.usefixtures("inline_threads")
@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
async def test_no_colour_where_none_is_wanted(screen, sink, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    async with screen.running(sink) as (feed, _):
        await feeding(feed, PLACED)
        data = screen.read()
        assert b"teapot" in data
        assert b"\x1b[3" not in data
    if value == "dumb":
        assert b"\x1b" not in data


async def test_words_from_the_screen_cannot_leave_their_row(screen, sink, inline_threads):
    async with screen.running(sink) as (feed, _):
        await feeding(feed, attrs.evolve(PLACED, text="a\x1b[2J\x1b]0;title\x07b\rc\u202e"))
        assert screen.lines[0] == "08:00:00  bottom left  a [2J ]0;title b c"


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Rect(0, 0, 10, 10), "top left"),
        (Rect(450, 280, 100, 40), "middle"),
        (Rect(990, 300, 10, 10), "right"),
        (Rect(100, 0, 800, 20), "top"),
        (Rect(990, 590, 10, 10), "bottom right"),
        (Rect(0, 0, 1000, 300), "all over"),
    ],
)
def test_a_place_in_words(region, words):
    assert place(attrs.evolve(PLACED, regions=(region,))) == words
    assert place(attrs.evolve(PLACED, regions=(region,), monitor=2)) == f"2 {words}"
    assert words in WORDS


def test_no_place_where_none_is_known():
    assert place(NOTE) == place(attrs.evolve(PLACED, regions=())) == ""


@pytest.mark.skipif(
    not shutil.which("tmux") and not os.environ.get("HUD_REQUIRE_X11"),
    reason="not installed: tmux",
)
def test_resizing_tears_nothing(tmp_path):
    """tmux wraps anew what stands on its screen; every note is there once, and one status line."""

    def tmux(*arguments):
        command = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    program = f"seq 10; exec {sys.executable} -m tests.stages.live_notes 8 0.02"
    tmux("new-session", "-d", "-x", "100", "-y", "24", program)
    try:
        for _ in range(15):
            time.sleep(0.15)
            size = random.randint(50, 100), random.randint(12, 24)
            tmux("resize-window", "-x", str(size[0]), "-y", str(size[1]))
        deadline = time.monotonic() + 20
        text = ""
        while "finish7" not in text and time.monotonic() < deadline:
            time.sleep(0.2)
            text = re.sub(r"\s", "", tmux("capture-pane", "-p", "-S", "-"))
        time.sleep(0.3)
        text = re.sub(r"\s", "", tmux("capture-pane", "-p", "-S", "-"))
    finally:
        tmux("kill-server")
    assert [text.count(f"begin{seq}one") for seq in range(8)] == [1] * 8
    assert [text.count(f"fifteenfinish{seq}") for seq in range(8)] == [1] * 8
    assert text.count("hud:watching") == 1
    assert text.count("toldonstderr") == 1
