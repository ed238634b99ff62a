"""What stands on a command line, and what is said of a mistake in it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from hud.__main__ import MODULES, main
from hud.commands import arguments, examples
from hud.packaged import config_files


def said(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("rnu", "unknown command 'rnu' (did you mean run?)"),
        ("run a.yaml b.yaml", "b.yaml: one argument too many (see `hud run --help`)"),
        ("run --sorce screen", "unknown option --sorce (did you mean --source?)"),
        ("run --sorce=screen", "unknown option --sorce (did you mean --source?)"),
        ("--debug run", "--debug stands after the command"),
        ("run --for abc", "--for: 'abc': must be a positive number of seconds such as 90"),
        ("run --for nan", "--for: 'nan': must be a positive number of seconds"),
        ("run --for -1", "--for: '-1': must be a positive number of seconds"),
        ("run ''", "CONFIG: must be the name of a file or a folder, not empty"),
        ("run --trace ''", "--trace: must be the name of a file or a folder, not empty"),
        ("serve --port 80000", "--port: '80000': must be a port from 0 to 65535"),
        ("serve --port -1", "--port: '-1': must be a port from 0 to 65535"),
        ("serve --port 8e3", "--port: '8e3': must be a port from 0 to 65535"),
        ("record scene --fps 0", "--fps: '0': must be frames a second, above 0 and at most 240"),
        ("estimate scene --note-tokens -5", "--note-tokens: '-5': must be a whole number of tok"),
        ("notes --limit 0", "--limit: '0': must be a whole number from 1"),
        ("pause all", "PROCESS: 'all': must be the number of a process, as `hud status` says"),
        ("record", "the following arguments are required: DIR"),
        ("run '\x1b]0;evil\x07' x", "one argument too many"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(capsys, words, says):
    status, out, err = said(capsys, *shlex.split(words))
    assert (status, out) == (2, "")
    assert says in err
    assert err.startswith("hud: ")
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err
    assert "_" not in err.replace("HUD_SERVE_KEY", "")


def test_a_bare_hud_shows_what_there_is(capsys):
    status, out, err = said(capsys)
    assert (status, out) == (2, "")
    assert all(f"\n    {command} " in err for command in MODULES)


def test_the_version_is_that_of_the_package(capsys):
    status, out, _err = said(capsys, "--version")
    assert status == 0
    assert re.fullmatch(r"hud \d+\.\d+\.\d+\S*\n", out)


@pytest.mark.parametrize("command", MODULES)
def test_every_help_has_examples(capsys, command):
    status, out, _err = said(capsys, command, "--help")
    assert status == 0
    assert "examples:\n" in out
    assert f"hud {command}" in out or command in {"sinks", "models"}
    assert "{" not in out.replace("{720p,1080p,4k,all}", "")


def test_every_command_has_a_help_and_a_module():
    assert list(examples.OF) != []
    assert set(examples.OF) == set(MODULES) == set(arguments.parser().commands)


def commands_in_examples():
    for text in [examples.ALL, *examples.OF.values()]:
        for line in text.splitlines():
            found = re.match(r"  (?:[A-Z_]+=\S+ )?hud (.+?)(?:  .*| > .*)?$", line)
            if found:
                yield found[1]


@pytest.mark.parametrize("words", list(commands_in_examples()))
def test_an_example_is_understood_and_names_what_a_newcomer_has(words):
    given = arguments.parse(shlex.split(words))
    config = getattr(given, "config", None)
    assert config is None or config == "mine.yaml" or config in config_files()


def test_the_help_waits_for_nothing_that_takes_long():
    code = (
        "import sys; from hud.__main__ import main\n"
        "try: main(['--help'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    slow = {"numpy", "cv2", "trio", "attrs", "yaml", "rich", "importlib.metadata", "asyncio"}
    assert not slow & set(done.stderr.split())
