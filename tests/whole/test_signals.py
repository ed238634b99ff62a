"""Ctrl-C and SIGTERM also while something starts that takes long, and while it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.whole.test_command_line import NO_SCREEN

CODE = """
import contextlib, os, signal, sys
from hud import __main__
from hud.commands import run

when, number = sys.argv[1], signal.Signals[sys.argv[2]]
open_local_model = run.open_local_model

@contextlib.asynccontextmanager
async def open_signalled(reader):
    if when == "start":
        os.kill(os.getpid(), number)
    async with open_local_model(reader) as model:
        yield model
        if when == "end":
            os.kill(os.getpid(), number)

run.open_local_model = open_signalled
__main__.main(["demo", "--sink", "file:notes.jsonl", "--for", "1"])
"""


@pytest.mark.parametrize("when", ["start", "end"])
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_while_the_local_model_starts_or_ends(tmp_path, when, number):
    done = subprocess.run(
        [sys.executable, "-c", CODE, when, number],
        env=os.environ | NO_SCREEN,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "second signal" not in done.stderr
    # A busy machine may not read the picture within the grace period.
    assert done.returncode == 0 or (when == "end" and "not done within" in done.stderr)


INTERRUPTED_IMPORT = """
import os, signal, sys

signal.signal(signal.SIGINT, getattr(signal, sys.argv.pop(1)))
wanted = sys.argv.pop(1)

class Interrupting:
    @staticmethod
    def find_spec(name, *_rest):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting)
from hud.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("argparse", "--help"),
        ("hud.errors", "demo"),
        ("numpy", "demo"),
        ("trio", "run"),
        ("cv2", "run"),
        ("hud.spool", "check default.yaml"),
    ],
)
def test_an_interrupt_while_modules_are_imported_is_quiet(module, command):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT, "default_int_handler", module, *command.split()],
        env=os.environ | NO_SCREEN,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGINT
    assert done.stdout + done.stderr == ""


def test_an_interrupt_that_is_ignored_stays_ignored():
    """As by nohup, and for what a shell without job control starts in the background."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT, "SIG_IGN", "numpy", "check", "default.yaml"],
        env=os.environ | NO_SCREEN,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
