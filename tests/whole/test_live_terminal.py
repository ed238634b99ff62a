"""The live rows in a terminal on the very screen that is watched."""

from __future__ import annotations

import json
import sys
import time

import pytest

pytestmark = pytest.mark.x11


def test_a_status_line_on_the_watched_screen_is_no_news(display, tmp_path):
    path = tmp_path / "notes.jsonl"
    display.xterm(
        f"cd {tmp_path} && exec {sys.executable} -m hud run --sink terminal --sink file:{path}"
    )
    display.xterm("sleep 12; echo the build failed; sleep 99", "-geometry", "60x5+200+600")
    deadline = time.monotonic() + 60
    while "build failed" not in (path.read_text() if path.exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(8)
    first, *others = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    assert first.startswith("On screen")
    assert others == ['New: "the build failed"']
