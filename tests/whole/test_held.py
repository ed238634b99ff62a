"""A terminal that is held, or a pipe that nobody reads, stops the notes there and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from tests.test_spool import full_pipe
from tests.whole.test_command_line import NO_SCREEN


def test_who_does_not_read_does_not_stop_the_program(tmp_path):
    environment = os.environ | NO_SCREEN | {"XDG_RUNTIME_DIR": str(tmp_path)}
    hud = [sys.executable, "-m", "hud"]
    sinks = ["--sink", "terminal", "--sink", f"file:{tmp_path}/notes.jsonl"]
    with full_pipe() as (_source, held):
        program = subprocess.Popen(
            [*hud, "demo", *sinks], env=environment, stdout=held, stderr=held
        )
        try:
            path, deadline = tmp_path / "notes.jsonl", time.monotonic() + 60
            while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
                time.sleep(0.2)
            done = subprocess.run(
                [*hud, "status", "--json"], env=environment, capture_output=True, check=False
            )
            assert json.loads(done.stdout)["ages"]["note"] is not None
            program.send_signal(signal.SIGINT)
            # The sink's notes were not delivered.
            assert program.wait(timeout=60) == 1
        finally:
            program.kill()
            program.wait()
