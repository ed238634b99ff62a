from __future__ import annotations

import io
import json
import os
import pty
import re
import select

import attrs
import pytest

from hud.errors import OutputGoneError, UsageError
from hud.items import Status, harmless
from stages.sink.file import File, markdown
from stages.sink.record import record
from stages.sink.terminal import Terminal, continuation, line
from tests.fakes import through
from tests.stages.sinking import GROWING, NOTE


async def test_the_file_gets_each_finished_note_once(tmp_path):
    path = tmp_path / "notes.jsonl"
    delivered = await through(File(path=str(path)), GROWING, NOTE, attrs.evolve(NOTE, seq=8))
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    assert [entry["seq"] for entry in lines] == [7, 8]
    assert [note.seq for note in delivered] == [7, 8]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_has_the_promised_keys_and_latencies():
    entry = record(NOTE)
    assert {
        "id", "seq", "text", "status", "captured_at", "sent_at", "first_token_at", "done_at",
        "latency_ms", "regions", "session", "model", "usage", "usd",
    } <= set(entry)  # fmt: skip
    assert entry["latency_ms"] == {
        "change_to_wire": 4.0,
        "change_to_first_token": 300.0,
        "change_to_note": 500.0,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", entry["done_at"])
    assert entry["regions"] == [[1, 2, 3, 4]]


async def test_markdown_by_its_ending(tmp_path):
    path = tmp_path / "notes.md"
    await through(File(path=str(path)), NOTE)
    assert re.fullmatch(r'- \*\*[-\d: ]+\*\* New: "build teapot failed"\n', path.read_text())
    assert b"*(incomplete)*" in markdown(attrs.evolve(NOTE, status=Status.INCOMPLETE))


def test_a_file_that_cannot_be_written_is_refused_before_the_start(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        File(path=str(tmp_path / "none" / "notes.jsonl")).preflight()


async def test_piped_the_terminal_prints_plain_finished_lines(capfd):
    await through(Terminal(), GROWING, NOTE)
    assert re.fullmatch(r'\d\d:\d\d:\d\d  New: "build teapot failed"\n', capfd.readouterr().out)


def read_until(terminal, end):
    """The kernel hands over what was written piece by piece."""
    text = ""
    while not text.endswith(end) and select.select([terminal], [], [], 5)[0]:
        text += os.read(terminal, 999).decode()
    return text.endswith(end)


async def test_on_a_terminal_the_words_stream(monkeypatch):
    main, other = pty.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    with os.fdopen(other, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        await through(Terminal(color=False, status=False), GROWING)
        assert read_until(main, "New:")
        await through(Terminal(color=False, status=False), GROWING, NOTE)
        assert read_until(main, 'New: "build teapot failed"\r\n')
    os.close(main)


def test_what_was_rewritten_starts_on_a_new_line():
    assert continuation("14:00  New: a", "14:00  New: abc") == "bc"
    assert continuation("14:00  New: a", "14:00  Old") == "\n14:00  Old"


def test_words_from_a_screen_cannot_steer_the_terminal():
    assert harmless("a\x1b[2Jb\u202ec\nd") == "a [2Jb c\nd"
    assert line(attrs.evolve(NOTE, status=Status.FAILED)).endswith("… (failed)")


async def test_a_failure_without_words_is_not_printed(capfd):
    await through(Terminal(), attrs.evolve(NOTE, status=Status.FAILED, text=""))
    assert capfd.readouterr().out == ""


class Closed(io.StringIO):
    def write(self, _text):
        raise BrokenPipeError


async def test_a_closed_stdout_ends_the_run(monkeypatch):
    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(OutputGoneError):
        await through(Terminal(), NOTE)
