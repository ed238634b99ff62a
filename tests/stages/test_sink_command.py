from __future__ import annotations

import json
import signal
import sys

import attrs
import psutil
import pytest

from hud.config import build
from hud.document import parse
from hud.errors import PipelineError, UsageError
from stages.registry import SECTIONS
from stages.sink import backlog
from stages.sink.command import Command
from tests.fakes import through
from tests.stages.sinking import GROWING, NOTE, notes, running, until


def program(tmp_path, text):
    path = tmp_path / "program"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


async def test_the_program_runs_once_for_each_note_and_in_order(tmp_path):
    log = tmp_path / "log"
    append = program(tmp_path, "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())")
    await through(Command(argv=(append, str(log))), GROWING, *notes(5))
    assert [json.loads(line)["seq"] for line in log.read_text().splitlines()] == [1, 2, 3, 4, 5]


async def test_arguments_never_meet_a_shell(tmp_path):
    log = tmp_path / "log"
    write = program(tmp_path, f"import sys; open({str(log)!r}, 'w').write(repr(sys.argv[1:]))")
    await through(Command(argv=(write, "$(touch x); `id` *", "a b")), NOTE)
    assert log.read_text() == repr(["$(touch x); `id` *", "a b"])


async def test_a_status_is_told_once_and_the_next_note_gets_its_run(tmp_path):
    said = []
    fail = program(tmp_path, "import json, sys; sys.exit(json.load(sys.stdin)['seq'] % 2 * 3)")
    delivered = await through(Command(argv=(fail,), warn=said.append), *notes(6))
    assert len(delivered) == 6
    assert said == [f"{fail}: ended with status 3; this is told once"]


async def test_a_program_that_does_not_read_its_input_is_fine(tmp_path):
    said = []
    long = attrs.evolve(NOTE, text="x" * 1_000_000)
    await through(Command(argv=(program(tmp_path, ""),), warn=said.append), long)
    assert said == []


async def test_a_program_that_hangs_is_ended_with_its_children(tmp_path, monkeypatch):
    monkeypatch.setattr("stages.sink.command.KILL_AFTER", 0.1)
    said, child = [], tmp_path / "child"
    hang = program(
        tmp_path,
        "import pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)",
    )
    await through(Command(argv=(hang,), timeout=1.0, warn=said.append), NOTE)
    assert said == [f"{hang}: was ended after 1 s; this is told once"]
    await until(lambda: is_dead(int(child.read_text())))  # the system takes its time


def is_dead(pid):
    """Whether it is only waiting for somebody to ask how it ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_killed_program_is_told_by_its_signal(tmp_path):
    said = []
    die = program(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    await through(Command(argv=(die,), warn=said.append), NOTE)
    assert said == [f"{die}: was ended by {signal.SIGKILL.name}; this is told once"]


async def test_a_program_that_is_gone_for_a_while_gets_every_note(tmp_path, monkeypatch):
    monkeypatch.setattr(backlog, "FIRST_WAIT", 0.02)
    said, log = [], tmp_path / "log"
    async with running(Command(argv=(str(tmp_path / "program"),), warn=said.append)) as (
        feed,
        delivered,
    ):
        for note in notes(3):
            feed(note)
        await until(lambda: said)
        program(tmp_path, f"import sys; open({str(log)!r}, 'a').write(sys.stdin.read())")
        await until(lambda: len(delivered) == 3)
    assert len(log.read_text().splitlines()) == 3
    assert "cannot be started" in said[0]


async def test_a_program_that_stays_away_ends_with_an_error(monkeypatch):
    monkeypatch.setattr(backlog, "LAST_TRIES", 0.1)
    with pytest.raises(PipelineError, match="2 notes could not be delivered: cannot be started"):
        await through(Command(argv=("/no/such/program",)), *notes(2))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("argv: [echo, hello]", None),
        ("argv: echo", None),
        ("argv: echo hello", "must be a list of texts such as [one, two], not 'echo hello'"),
        ("argv: [echo, 1]", "must be a list of texts"),
        ("argv: []", "must name a program"),
        ("", "is missing"),
    ],
)
def test_a_command_is_a_list(options, says):
    text = (
        f"sinks:\n  - use: command\n    {options}\n"
        if options != "{}"
        else "sinks: [{use: command}]"
    )
    if says is None:
        assert build(parse(text, "c.yaml"), SECTIONS).sinks["command"].argv[0] == "echo"
    else:
        with pytest.raises(UsageError) as caught:
            build(parse(text, "c.yaml"), SECTIONS)
        assert says in str(caught.value)


def test_a_missing_program_is_refused_before_the_start():
    with pytest.raises(UsageError, match="no-such-program: there is no such program"):
        Command(argv=("no-such-program",)).preflight()
