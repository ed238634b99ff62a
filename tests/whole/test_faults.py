"""The program, as a process, against the server that does everything wrong, on real sockets."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import trio

from tests.faulty import FATAL, STRANGER, Faulty

RECORDING = f"replay:{Path(__file__).parents[2] / 'hud' / 'recording'}"
KEY = "sk-very-secret-0123456789wxyz"
SHAKES = [
    "", "cut", "", "close 1000", "expired", "", "half", "rubbish", "failed rate_limit_exceeded", "",
    "close 1011", "error_on_create invalid_value", "stranger", "unknown", "", "stuck", "mute",
]  # fmt: skip


@attrs.define
class WholePicture(Faulty):
    """Answers real pictures: it says how many it was shown so far."""

    shown: int = 0

    def name(self, pictures: list[bytes]) -> str:
        self.shown += 1
        assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
        return f"picture {self.shown}"


async def run_hud(server, *arguments, cwd, seconds=60.0, stop_after=None):
    """Run the program against the server until it ends; its exit status, stderr, and time."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
        port = listeners[0].socket.getsockname()[1]
        command = [
            sys.executable, "-m", "hud", "run",
            "--set", f"realtime.url=ws://127.0.0.1:{port}/v1/realtime", *arguments,
        ]  # fmt: skip
        start = functools.partial(
            trio.run_process,
            command,
            cwd=cwd,
            env=os.environ | {"OPENAI_API_KEY": KEY},
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        with trio.fail_after(seconds):
            done = await start()
        nursery.cancel_scope.cancel()
    return done.returncode, done.stderr.decode(), done.stdout.decode()


@pytest.mark.x11
async def test_one_fault_after_the_other(display, tmp_path):
    """A terminal counts; every fault happens, and the last number is answered."""
    display.xterm("for n in $(seq 1 60); do echo line $n; sleep 0.7; done; sleep 60")
    server = WholePicture(iter(SHAKES), think=0.05)
    status, stderr, _ = await run_hud(
        server, "--sink", "file:notes.jsonl", "--for", "48",
        "--set", f"capture.display={display.name}", "--set", "realtime.answer_timeout=1",
        cwd=tmp_path,
    )  # fmt: skip
    notes = [json.loads(line) for line in (tmp_path / "notes.jsonl").read_text().splitlines()]
    assert status == 0, stderr
    assert [fault for fault in SHAKES if fault] == server.done
    assert server.invalid == []
    texts = [note["text"] for note in notes]
    assert len(set(texts)) == len(texts), "a note is doubled"
    assert STRANGER not in str(texts)
    # Each of the server's complete answers is a note, and the last one came after the last line.
    assert texts == [f"Saw {name}" for name in server.answered]
    assert {note["status"] for note in notes} == {"completed"}
    assert len({note["session"] for note in notes}) >= 5
    for cause in ("1006", "1000", "session_expired", "rate_limit_exceeded", "1011", "no answer"):
        assert cause in stderr
    assert "wxyz" not in stderr
    frames, sent = re.search(r"(\d+) frames: .*?(\d+) sent", stderr).groups()
    assert len({note["id"] for note in notes}) == len(notes)
    # A frame may be asked about twice, when part of it came to rest later; it still has one fate.
    assert int(frames) > len({note["seq"] for note in notes}) >= int(sent) > len(notes) / 2


@pytest.mark.parametrize("fault", FATAL)
async def test_what_only_the_user_can_cure_ends_it(tmp_path, fault):
    server = WholePicture(iter([fault]), think=0.05)
    began = trio.current_time()
    status, stderr, _ = await run_hud(server, "--source", RECORDING, cwd=tmp_path)
    assert status == 1
    assert any(word in stderr for word in fault.split()[1:])
    assert server.fatal_at - began > 0
    assert trio.current_time() - server.fatal_at < 2.0 + 1.0, "the exit took too long"
    assert "Traceback" not in stderr


async def test_ctrl_c_while_the_server_is_away(tmp_path):
    server = WholePicture(refusals=[503] * 1000)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
        port = listeners[0].socket.getsockname()[1]
        process = await trio.lowlevel.open_process(
            [
                sys.executable, "-m", "hud", "run", "--source", RECORDING,
                "--set", f"realtime.url=ws://127.0.0.1:{port}/v1/realtime",
            ],
            cwd=tmp_path, env=os.environ | {"OPENAI_API_KEY": KEY}, stderr=subprocess.PIPE,
        )  # fmt: skip
        with trio.fail_after(30):
            while len(server.done) < 2:  # noqa: ASYNC110 - the server has no event for it
                await trio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        with trio.fail_after(8):
            assert await process.wait() == 0
        said = b"".join([piece async for piece in process.stderr]).decode()
        await process.stderr.aclose()
        nursery.cancel_scope.cancel()
    assert "HTTP 503" in said
    assert "what changed last is not answered" in said
