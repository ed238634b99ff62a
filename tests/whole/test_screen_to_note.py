"""The whole program on a real screen: words nobody chose in advance end up in the notes."""

from __future__ import annotations

import json
import os
import random
import signal
import string
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.x11


def word(length: int = 8) -> str:
    """Letters that a reader cannot take for one another (l, I, 1, o, 0)."""
    letters = [letter for letter in string.ascii_lowercase if letter not in "ilojqvw"]
    return "".join(random.choices(letters, k=length))


def hud(*arguments: str, display: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hud", *arguments],
        env=os.environ | {"DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def notes(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_in_a_terminal_becomes_a_note(display, tmp_path):
    chosen = word()
    display.xterm(f"echo ready; sleep 6; echo build {chosen} failed with 3 errors; sleep 99")
    time.sleep(1)
    done = hud(
        "run", "--source", "screen", "--sink", "file:notes.jsonl", "--for", "12",
        display=display.name, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written = notes(tmp_path / "notes.jsonl")
    assert any(f"build {chosen} failed with 3 errors" in note["text"] for note in written)
    assert len(written) <= 6
    assert {note["status"] for note in written} == {"completed"}
    assert done.stdout == ""


def test_a_still_screen_makes_one_note(display, tmp_path):
    display.xterm("echo nothing happens here; sleep 99")
    time.sleep(1)
    done = hud(
        "run", "--sink", "file:notes.jsonl", "--for", "8", display=display.name, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert len(notes(tmp_path / "notes.jsonl")) == 1


def test_a_signal_drains_and_ends_cleanly(display, tmp_path):
    display.xterm("echo hello; sleep 99")
    run = subprocess.Popen(
        [sys.executable, "-m", "hud", "run", "--sink", "file:notes.jsonl"],
        env=os.environ | {"DISPLAY": display.name},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        path = tmp_path / "notes.jsonl"
        while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        run.send_signal(signal.SIGINT)
        _, stderr = run.communicate(timeout=15)
    finally:
        run.kill()
    assert run.returncode == 0, stderr
    assert "1 sent" in stderr


def test_a_recording_can_be_made_and_played(display, tmp_path):
    chosen = word()
    display.xterm(f"echo ready; sleep 4; echo order {chosen} shipped; sleep 99")
    time.sleep(1)
    recorded = hud("record", "scene", "--for", "5", display=display.name, cwd=tmp_path)
    assert recorded.returncode == 0, recorded.stderr
    index = json.loads((tmp_path / "scene" / "scene.json").read_text())
    assert index["size"] == [1280, 720]
    assert 45 <= len(index["frames"]) <= 55
    played = hud(
        "run", "--source", "replay:scene", "--sink", "file:notes.md", display="", cwd=tmp_path
    )
    assert played.returncode == 0, played.stderr
    assert f"order {chosen} shipped" in (tmp_path / "notes.md").read_text()


def test_a_monitor_that_is_not_there_is_named_with_those_that_are(display):
    done = hud("run", "--set", "capture.monitor=3", display=display.name)
    assert done.returncode == 2
    assert done.stderr == "hud: there is no monitor 3; there are: 1 (1280x720)\n"


def test_a_region_outside_the_monitor(display):
    done = hud("run", "--set", "capture.region=[1000,0,640,480]", display=display.name)
    assert done.returncode == 2
    assert "is not inside monitor 1, 1280x720" in done.stderr
