from __future__ import annotations

import os
import signal
import subprocess
import sys

import cv2
import numpy as np
import psutil
import pytest
import trio

from hud.errors import LocalModelError
from hud.local import worker
from hud.local.model import Sight
from hud.local.worker import open_reader
from hud.realtime.caption import Place
from hud.rect import Rect


def sight(*texts: str) -> Sight:
    drawn = np.full((40 + 40 * len(texts), 640, 3), 255, np.uint8)
    for row, text in enumerate(texts):
        cv2.putText(drawn, text, (12, 40 + 40 * row), cv2.FONT_HERSHEY_DUPLEX, 0.8, (0, 0, 0), 1)
    jpeg = cv2.imencode(".jpg", drawn)[1].tobytes()
    height, width = drawn.shape[:2]
    return Sight(jpeg, Place(1, width, height, (Rect(0, 0, width, height),)))


SLOW = sight(*(f"a page with many words in its line {row}" for row in range(24)))


async def test_notes_of_two_sessions_and_the_end_of_the_process():
    async with open_reader() as reader:
        assert await reader.note("a", [sight("yellow teapot")]) == 'On screen: "yellow teapot"'
        assert await reader.note("a", [sight("yellow teapot")]) == ""
        assert await reader.note("b", [sight("yellow teapot")]) == 'On screen: "yellow teapot"'
        reader.forget("a")
        assert await reader.note("a", [sight("yellow teapot")]) == 'On screen: "yellow teapot"'
        child = reader.pid
    assert not psutil.pid_exists(child)


async def test_a_cancelled_wait_is_prompt_and_loses_nothing():
    async with open_reader() as reader:
        await reader.note("a", [sight("ready")])
        for _ in range(3):
            with trio.move_on_after(0.05) as scope:
                await reader.note("a", [SLOW])
            assert scope.cancelled_caught
        with trio.fail_after(20):
            note = await reader.note("b", [sight("yellow teapot")])
            assert note == 'On screen: "yellow teapot"'
            late = await reader.note("a", [sight("ready")])
        assert "a page with many words" in late
        assert await reader.note("a", [sight("ready")]) == ""


async def test_what_the_child_has_before_it_is_bounded_also_for_sessions_that_ended():
    """A session that asks, gives up and ends, over and over: the child keeps every picture."""
    async with open_reader() as reader:
        await reader.note("a", [sight("ready")])
        for number in range(10):
            with trio.move_on_after(0.02):
                await reader.note(str(number), [SLOW])
            reader.forget(str(number))
        assert len(reader._asked) == worker._MOST_OPEN
        with trio.fail_after(120):
            note = await reader.note("b", [sight("yellow teapot")])
        assert note == 'On screen: "yellow teapot"'


async def test_one_at_a_time_and_every_answer_to_its_question():
    answers = {}

    async def ask(reader, number):
        answers[number] = await reader.note(str(number), [sight(f"picture {number} of some")])

    async with open_reader() as reader, trio.open_nursery() as nursery:
        for number in range(11, 17):
            nursery.start_soon(ask, reader, number)
    assert answers == {n: f'On screen: "picture {n} of some"' for n in range(11, 17)}


async def test_a_killed_child_fails_one_call_and_is_started_anew():
    async with open_reader() as reader:
        await reader.note("a", [sight("ready")])
        first = reader.pid
        os.kill(first, signal.SIGSTOP)  # so that it dies while the call waits
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kill_soon, first)
            with pytest.raises(LocalModelError, match="died"):
                await reader.note("a", [SLOW])
        assert await reader.note("a", [sight("yellow teapot")]) == 'On screen: "yellow teapot"'
        assert reader.pid != first
        os.kill(reader.pid, signal.SIGINT)
        assert await reader.note("a", [sight("yellow teapot")]) == ""


async def kill_soon(pid: int) -> None:
    await trio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)


async def test_a_child_that_hangs_is_given_up(monkeypatch):
    async with open_reader() as reader:
        await reader.note("a", [sight("ready")])
        os.kill(reader.pid, signal.SIGSTOP)
        monkeypatch.setattr(worker, "_PATIENCE", 0.2)
        with pytest.raises(LocalModelError, match="within"):
            await reader.note("a", [sight("ready")])
        monkeypatch.undo()
        assert await reader.note("a", [sight("ready")]) == 'On screen: "ready"'


async def test_a_start_that_fails_says_why(monkeypatch, tmp_path):
    (tmp_path / "rapidocr.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with open_reader() as reader:
        with pytest.raises(LocalModelError, match="pip install"):
            await reader.note("a", [sight("ready")])


async def test_a_missing_extra_is_told_at_once(monkeypatch):
    monkeypatch.setattr(worker.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LocalModelError, match="pip install"):
        async with open_reader():
            pass


def test_the_child_ends_with_its_stdin():
    child = subprocess.Popen([sys.executable, "-m", "hud.local.child"], stdin=subprocess.PIPE)
    child.stdin.close()
    assert child.wait(timeout=20) == 0


def test_the_child_does_not_outlive_a_killed_parent():
    code = (
        "import trio, sys\n"
        "from hud.local.worker import open_reader\n"
        "async def main():\n"
        "    async with open_reader() as reader:\n"
        "        sys.stdout.write(f'{reader.pid}\\n'); sys.stdout.flush()\n"
        "        await trio.sleep_forever()\n"
        "trio.run(main)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running()
