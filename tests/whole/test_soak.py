"""The soak of benchmarks/soak.py in three quarters of a minute: real windows, and four faults."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from tests.conftest import need_x11

SOAK = pathlib.Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.x11
def test_less_than_a_minute_with_four_faults(tmp_path):
    need_x11()
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(SOAK), "--minutes", "0.75", "--faults", "4", "--json", figures]
    kinds = ["cut", "disk", "suspend", "half"]
    done = subprocess.run(
        [*command, "--kinds", *kinds], capture_output=True, text=True, timeout=160, check=False
    )
    assert figures.exists(), done.stderr
    found = json.loads(figures.read_text())
    assert found["faults"] == dict.fromkeys(found["faults"], 1)
    assert set(found["faults"]) == set(kinds)
    assert found["answers"] >= 5
    assert found["outcomes"]["answered"] >= 5
    # How fast it drains is for the benchmark to say, on a machine with nothing else to do.
    broken = [name for name, holds in found["verdicts"].items() if not holds and "exit" not in name]
    assert not broken, done.stdout
    assert found["status"] == 0
