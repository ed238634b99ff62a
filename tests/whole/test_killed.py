"""What a kill -9 leaves of the notes; `python benchmarks/killed.py` does it 200 times."""

from __future__ import annotations

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent.parent


def test_a_kill_costs_at_most_the_note_being_written():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "killed.py", "--times", "20"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("20 kills")
    assert done.stdout.rstrip().endswith("0 wrong")
