"""`hud why` of a running program and of its database: both know the same."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from hud.packaged import recording

CONFIG = f"""
capture: {{use: replay, path: {recording()}}}
sinks:
  - {{use: sqlite, path: notes.db, pictures: true}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("why")


def hud(folder, *arguments, **more):
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder / "run"), "OPENAI_API_KEY": ""}
    command = [sys.executable, "-m", "hud", *arguments]
    return subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


@pytest.fixture(scope="module")
def live(folder):
    """What a program answers while it plays the recording."""
    (folder / "c.yaml").write_text(CONFIG)
    (folder / "run").mkdir(mode=0o700)
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder / "run"), "OPENAI_API_KEY": ""}
    command = [sys.executable, "-m", "hud", "run", "c.yaml"]
    with subprocess.Popen(command, cwd=folder, env=environment, text=True) as program:
        try:
            deadline = time.monotonic() + 60
            answer = ""
            while " sent " not in answer and program.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.2)
                answer = hud(folder, "why").stdout
            first = next(line for line in answer.splitlines() if " sent " in line)
            frame = first.split()[2]
            saved = hud(folder, "why", frame, "--save", "pictures")
            program.wait(60)
        finally:
            program.kill()
    return frame, saved


def test_a_frame_that_was_sent_shows_what_the_note_was_made_from(live, folder):
    frame, saved = live
    said = dict(line.split(maxsplit=1) for line in saved.stdout.splitlines()[1:-1])
    assert said["frame"].startswith(f"{frame} of monitor 1")
    assert {"note", "because", "picture", "caption", "model", "tokens", "took"} <= set(said)
    pictures = list((folder / "pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\xff\xd8")
        assert picture.stat().st_mode & 0o777 == 0o600


def test_the_database_says_the_same_after_the_run(live, folder):
    frame, saved = live
    after = hud(folder, "why", frame, "--file", "notes.db", "--json")
    exhibit, *entries = [json.loads(line) for line in after.stdout.splitlines()]
    assert exhibit["id"] in saved.stdout
    assert exhibit["pictures"][0]["jpeg"]
    assert any(entry["fate"] == "sent" for entry in entries)
    # What became of the frames may go on; what the note was made from does not.
    told = [line for line in saved.stdout.splitlines() if line.startswith("  ") or " sent " in line]
    for asked in (frame, exhibit["id"]):
        assert set(told) <= set(hud(folder, "why", asked, "--file", "notes.db").stdout.splitlines())


def test_the_fates_in_the_file_are_all_frames_of_the_run(live, folder):
    connection = sqlite3.connect(folder / "notes.db")
    query = "SELECT frames, ended, (SELECT sum(count) FROM fates WHERE run = runs.id) FROM runs"
    [(frames, ended, counted)] = connection.execute(query)
    connection.close()
    assert ended
    assert frames == counted > 10


def test_what_nobody_knows_is_one_line_and_exit_2(live, folder):
    done = hud(folder, "why", "nobody said this", "--file", "notes.db")
    assert done.returncode == 2
    assert "no frame has this number, and no note that is remembered has" in done.stderr
    assert hud(folder, "why", "--file", "none.db").returncode == 2
    assert len(done.stderr.splitlines()) == 1
