"""Nothing that a model or a server says steers the terminal of who asks."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import termios

import pytest

from hud.__main__ import main
from hud.commands import console
from hud.fates import Entry, Exhibit
from hud.items import Fate, Status

EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e"
"""Sets the clipboard, clears the screen, and turns the direction of writing round."""
SAFE = EVIL.translate(dict.fromkeys(map(ord, "\x1b\x07\x9b\u202e"), " "))


def exhibit() -> Exhibit:
    words = {name: f"{name} {EVIL}" for name in ("id", "cause", "rule", "caption", "text")}
    more = {name: f"{name} {EVIL}" for name in ("session", "model", "detail")}
    place = {"seq": 1, "monitor": 1, "size": (10, 10), "wall_time": 1.0, "regions": ()}
    return Exhibit(**words, **more, **place, pictures=(), status=Status.COMPLETED)


def entry() -> Entry:
    return Entry(1, 1, [(1, 1)], 1.0, 1.0, Fate.SENT, rule=EVIL, text=EVIL)


@pytest.fixture
def running(monkeypatch):
    """A program that says evil things of itself."""
    why = {"exhibit": exhibit().record(), "entries": [entry().record()]}
    finding = {"word": EVIL, "reason": EVIL, "since": 1.0}
    status = {"process": 1, "healthy": True, "state": EVIL, "findings": [finding]}
    monkeypatch.setattr("hud.commands.why.tell", lambda _command: [why])
    monkeypatch.setattr("hud.commands.control.tell", lambda _command: [status])


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("command", ["why", "status"])
def test_what_a_command_shows_cannot_steer_the_terminal(command, capsys):
    main([command])
    shown = capsys.readouterr().out
    assert not set(shown) & set("\x1b\x07\x9b\u202e")
    assert SAFE in shown


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("command", ["why", "status"])
def test_data_are_complete_and_harmless(command, capsys):
    main([command, "--json"])
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert "\x1b" not in shown
    first, *_ = map(json.loads, shown.splitlines())
    assert EVIL in first.get("rule", first.get("state"))


def test_what_is_told_cannot_either(capsys):
    console.say(f"the server says {EVIL}")
    assert capsys.readouterr().err == f"hud: the server says {SAFE}\n"


@pytest.mark.parametrize("columns", [44, 80, 200])
def test_what_is_said_on_a_terminal_is_broken_at_words(monkeypatch, columns):
    main_end, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    sentence = " ".join(f"word{number}" for number in range(40))
    with os.fdopen(other, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        console.say(sentence)
        lines = os.read(main_end, 10_000).decode().splitlines()
    os.close(main_end)
    assert all(len(line) < columns for line in lines)
    assert " ".join(line.strip() for line in lines) == f"hud: {sentence}"


def test_what_is_said_into_a_pipe_is_one_line(monkeypatch):
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    console.say("word " * 100)
    assert stderr.getvalue().count("\n") == 1
