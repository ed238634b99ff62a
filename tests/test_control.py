"""The control socket: who calls, leaves early or says nothing ends nothing."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket

import pytest
import trio

from hud import control
from hud.__main__ import main
from hud.control import PATIENCE, controlled, tell
from hud.errors import NotRunningError
from hud.privacy.pause import Pause


@pytest.fixture(autouse=True)
def runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "hud"


def call(runtime) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(10)
    (path,) = runtime.glob("*.sock")
    peer.connect(str(path))
    return peer


async def asked(runtime, words: bytes) -> bytes:
    def ask() -> bytes:
        with call(runtime) as peer:
            peer.sendall(words)
            with peer.makefile("rb") as answer:
                return answer.readline()

    return await trio.to_thread.run_sync(ask)


def status(_about: str = "") -> dict:
    return {"healthy": True, "state": "watching", "long": "x" * 10**6}


async def test_a_caller_who_leaves_before_the_answer_ends_nothing(runtime):
    async with controlled(Pause(), {"status": status}, print):
        for words in (b"status\n", b"", b"sta", b"\xff\xfe\n", b"why\n", b"x" * 1000):
            peer = call(runtime)
            peer.sendall(words)
            peer.close()
        await trio.sleep(0.1)
        assert json.loads(await asked(runtime, b"status\n"))["state"] == "watching"


async def test_callers_who_say_nothing_do_not_keep_the_next_one_waiting_for_long(runtime):
    async with controlled(Pause(), {"status": status}, print):
        with contextlib.ExitStack() as silent, trio.fail_after(PATIENCE + 20):
            for _ in range(3 * control.AT_ONCE):
                # In a thread: a full queue keeps a caller waiting until the loop has taken some.
                silent.enter_context(await trio.to_thread.run_sync(call, runtime))
            answer = b""
            while not answer:
                # Who comes while all places are taken may be sent away with the silent ones.
                with contextlib.suppress(ConnectionError):
                    answer = await asked(runtime, b"status\n")


async def test_without_a_file_descriptor_a_caller_waits_until_there_is_one(runtime):
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with controlled(Pause(), {"status": status}, print):
        peer = call(runtime)
        peer.setblocking(False)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, files[1]))
        try:
            await trio.sleep(2 * control.AGAIN)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, files)
        peer.close()
        with trio.fail_after(10):
            assert await asked(runtime, b"status\n")


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_program_that_was_not_reached_is_exit_1(runtime, monkeypatch, capsys, command):
    monkeypatch.setattr(control, "PATIENCE", 0.2)
    runtime.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stuck:
        stuck.bind(str(runtime / "4711.sock"))
        stuck.listen()
        with pytest.raises(SystemExit) as end:
            main([command])
    assert end.value.code == 1
    assert "process 4711: gives no answer" in capsys.readouterr().out


@contextlib.asynccontextmanager
async def two_programs(runtime, monkeypatch):
    """Two in one process, each with a pause and a number of its own."""
    pauses = {4711: Pause(), 4712: Pause()}
    async with contextlib.AsyncExitStack() as stack:
        for number, pause in pauses.items():
            monkeypatch.setattr(os, "getpid", lambda number=number: number)

            def state(_about, number=number, pause=pause):
                word = "paused" if pause.paused else "watching"
                return {"process": number, "state": word, "healthy": True}

            await stack.enter_async_context(controlled(pause, {"status": state}, print))
        yield pauses


async def test_pause_reaches_all_and_says_how_many_or_one_that_is_named(
    runtime, monkeypatch, capsys
):
    async with two_programs(runtime, monkeypatch) as pauses:
        await trio.to_thread.run_sync(main, ["pause"])
        assert [pause.paused for pause in pauses.values()] == [True, True]
        assert "paused 2 of 2" in capsys.readouterr().out
        await trio.to_thread.run_sync(main, ["resume", "4712"])
        assert [pause.paused for pause in pauses.values()] == [True, False]
        shown = capsys.readouterr().out
        assert "process 4712: watching" in shown
        assert "4711" not in shown
        await trio.to_thread.run_sync(main, ["status"])
        assert "process 4711: paused" in capsys.readouterr().out


def test_a_process_that_is_no_hud_is_said(capsys):
    with pytest.raises(SystemExit) as end:
        main(["pause", "4713"])
    assert end.value.code == 1
    assert (
        "no hud is running for this user as process 4713: `hud status`" in capsys.readouterr().err
    )


def test_one_that_gives_no_answer_is_there_all_the_same(runtime, monkeypatch):
    monkeypatch.setattr(control, "PATIENCE", 0.2)
    runtime.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stuck:
        stuck.bind(str(runtime / "4711.sock"))
        stuck.listen()
        (answer,) = tell("status")
    assert answer == {
        "process": 4711,
        "answered": False,
        "healthy": False,
        "state": "gives no answer within 0.2 s",
    }
    # A process that is gone leaves a socket that nobody listens at.
    with pytest.raises(NotRunningError):
        list(tell("status"))
    assert os.listdir(runtime) == []  # noqa: PTH208
