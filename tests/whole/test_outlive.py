"""What happens to a machine in a day, done to the program as a process on a real X server."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3

import pytest
import trio

from hud.health import STALLED
from tests.servers import held, mortal
from tests.test_systemd import Listener
from tests.whole.outliving import Board, running

pytestmark = pytest.mark.x11
AGAIN = 5.0
"""Seconds within which a screen that is back must be watched."""


async def test_the_x_server_is_killed_and_started_again(tmp_path):
    with mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        async with running(screen.name, tmp_path) as run:
            await run.until(lambda: "Saw 1" in run.texts())
            assert (await run.until_status())["state"] == "watching"
            screen.kill()
            status = await run.until_status("capture lost")
            assert not status["healthy"]
            screen.start("640x480")
            board = Board(screen.name)
            board.show(3)
            await run.until(lambda: "Saw 3" in run.texts(), AGAIN)
            await run.until_status()
            board.show(5)
            await run.until(lambda: "Saw 5" in run.texts())
            assert await run.stop() == 0
        assert run.said.count("looking again until it is there") == 1
        assert run.said.count("the screen is there again") == 1
        assert "Traceback" not in run.said
        assert "cannot be known" not in run.said


async def test_nothing_runs_for_a_while(tmp_path):
    """As in a suspend: stopped, while the screen goes on and the server forgets."""
    with mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        async with running(screen.name, tmp_path) as run:
            await run.until(lambda: "Saw 1" in run.texts())
            sessions = run.server.sessions
            run.process.send_signal(signal.SIGSTOP)
            for number in (2, 3, 4, 5, 6):
                board.show(number)
                await trio.sleep(STALLED / 5 + 1)
            asked = len(run.server.answered)
            run.process.send_signal(signal.SIGCONT)
            await run.until(lambda: "Saw 6" in run.texts())
            await trio.sleep(3)
            # What was missed is not made up for: only the present is shown.
            assert set(run.server.answered[asked:]) == {"6"}
            assert run.server.sessions == sessions + 1
            assert "nothing ran for " in run.said
            assert "stalled" not in run.said
            await run.until_status()
            assert await run.stop() == 0


async def test_there_is_no_room_and_no_file_descriptor_for_a_while(tmp_path):
    """Nothing may be opened and nothing be written; then the server hangs up besides."""
    with mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        sinks = ["--sink", "file:notes.jsonl", "--sink", "sqlite:notes.db"]
        async with running(screen.name, tmp_path, *sinks, "--trace", "t.json") as run:
            await run.until(lambda: "Saw 1" in run.texts())
            pid = run.process.pid
            files = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            size = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, files[1]))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, size[1]))
            for number in (2, 3):
                board.show(number)
                await run.until(lambda n=number: str(n) in run.server.answered)
            await run.until(lambda: run.said.count("the notes wait until it works") == 2)
            run.server.faults = iter(["cut"])
            board.show(5)
            await run.until(lambda: "cut" in run.server.done)
            await trio.sleep(6)
            assert run.process.poll() is None
            resource.prlimit(pid, resource.RLIMIT_FSIZE, size)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, files)
            await run.until(lambda: "Saw 5" in run.texts())
            await run.until_status()
            assert await run.stop() == 0
        assert run.texts() == ["Saw 1", "Saw 2", "Saw 3", "Saw 5"]
        rows = sqlite3.connect(tmp_path / "notes.db").execute("SELECT text FROM notes").fetchall()
        assert [text for (text,) in rows] == run.texts()
        for line in set(run.said.splitlines()):
            assert run.said.count(line) <= 2, line
        assert "Traceback" not in run.said


async def test_a_disk_hangs(tmp_path):
    """A pipe that nobody reads: opening it to write hangs for ever, as a network disk does."""
    with mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        sinks = ["--sink", "file:notes.jsonl", "--sink", "file:stuck.jsonl"]
        async with running(screen.name, tmp_path, *sinks) as run:
            await run.until(lambda: "Saw 1" in run.texts("stuck.jsonl"))
            (tmp_path / "stuck.jsonl").unlink()
            os.mkfifo(tmp_path / "stuck.jsonl")
            board.show(2)
            await run.until(lambda: "Saw 2" in run.texts())
            status = await run.until_status("sink file#2 stalled", seconds=STALLED + 30)
            assert not status["healthy"]
            board.show(4)
            await run.until(lambda: "Saw 4" in run.texts())
            threads = len(os.listdir(f"/proc/{run.process.pid}/task"))  # noqa: PTH208
            assert threads < 40
            # Ten seconds of grace, and none for the thread.
            assert await run.stop(within=15) == 1
        assert "stopped with work in flight" in run.said
        assert "stalled since" in run.said


async def test_the_x_server_hangs_and_systemd_is_told(tmp_path):
    address = str(tmp_path / "notify")
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"}
    with Listener(address) as listener, mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        async with running(screen.name, tmp_path, **environment) as run:
            await run.until(lambda: "Saw 1" in run.texts())
            heard = listener.heard()
            assert "READY=1" in heard
            assert "STATUS=watching" in heard
            assert "WATCHDOG=1" in heard
            screen.server.send_signal(signal.SIGSTOP)
            try:
                await run.until_status("capture stalled", seconds=STALLED + 30)
                listener.heard()
                await trio.sleep(4)
                assert "WATCHDOG=1" not in listener.heard()
            finally:
                screen.server.send_signal(signal.SIGCONT)
            await run.until_status()
            board.show(4)
            await run.until(lambda: "Saw 4" in run.texts())
            await run.until(lambda: "WATCHDOG=1" in listener.heard())
            assert await run.stop() == 0
            assert "STOPPING=1" in listener.heard()
        assert "capture stalled since" in run.said
        assert "capture goes on" in run.said


async def test_another_program_holds_the_screen_for_ten_seconds(tmp_path):
    with mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        async with running(screen.name, tmp_path) as run:
            await run.until(lambda: "Saw 1" in run.texts())
            with held(screen.name):
                for _ in range(5):
                    await trio.sleep(2)
                    # The loop does not wait for the X server.
                    code, status = await run.status()
                    assert (code, status["findings"]) == (0, [])
            board.show(4)
            await run.until(lambda: "Saw 4" in run.texts(), AGAIN)
            assert await run.stop() == 0
        assert "again" not in run.said


async def test_the_session_is_away_and_the_status_says_so(tmp_path):
    with mortal() as screen:
        board = Board(screen.name)
        board.show(1)
        async with running(screen.name, tmp_path) as run:
            await run.until(lambda: "Saw 1" in run.texts())
            run.server.refusals = [503] * 1000
            run.server.faults = iter(["cut"])
            board.show(3)
            await run.until_status("session down")
            await run.until(lambda: "HTTP 503" in run.said)
            status = await run.until_status("session down")
            assert "503" in status["findings"][0]["reason"]
            run.process.send_signal(signal.SIGUSR1)
            await run.until_status("paused", "session down")
            run.process.send_signal(signal.SIGUSR1)
            run.server.refusals = []
            await run.until(lambda: "Saw 3" in run.texts())
            await run.until_status()
            run.process.send_signal(signal.SIGUSR1)
            status = await run.until_status("paused")
            assert status["healthy"]
            run.process.send_signal(signal.SIGSTOP)
            code, status = await run.status()
            assert code == 1
            assert status["state"].startswith("gives no answer")
            run.process.send_signal(signal.SIGCONT)
            assert await run.stop() == 0, run.said
            assert (await run.status())[0] == 3
