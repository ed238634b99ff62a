"""The program as a process, on a screen that shows a number as a shade of grey."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import attrs
import cv2
import numpy as np
import trio

from hud.rect import Rect
from tests.faulty import Faulty
from tests.windows import Program

KEY = "sk-very-secret-0123456789wxyz"
STEP = 20


@attrs.define
class Shades(Faulty):
    """Says which number was shown."""

    def name(self, pictures: list[bytes]) -> str:
        data = np.frombuffer(pictures[0], np.uint8)
        grey = float(np.median(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)))
        return str(round((grey - STEP) / STEP))


@attrs.define
class Board:
    """A window that covers the screen."""

    name: str
    program: Program = attrs.field(init=False)
    window: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.program = Program(self.name)
        screen = self.program.screen
        whole = Rect(0, 0, screen.width_in_pixels, screen.height_in_pixels)
        self.window = self.program.window(whole, 0x102030, name="Board", title="Board")

    def show(self, number: int) -> None:
        grey = STEP + STEP * number
        self.program.fill(self.window, Rect(0, 0, 640, 440), grey * 0x010101)
        dice = random.Random(number)
        for row in range(20, 420, 40):
            # Something like words, for a screen of one colour counts as switched off.
            for column in range(20, 600, 60):
                word = Rect(column, row, dice.randint(10, 50), 12)
                self.program.fill(self.window, word, (grey + 60) * 0x010101)


@attrs.define
class Running:
    """A run and what can be seen of it from outside."""

    process: trio.Process
    server: Shades
    folder: pathlib.Path
    environment: dict[str, str]
    said: str = ""
    """On stderr."""
    heard: trio.Event = attrs.field(factory=trio.Event)
    """Set when it will say no more."""

    async def listen(self) -> None:
        async with self.process.stderr as stderr:
            async for data in stderr:
                self.said += data.decode()
        self.heard.set()

    def notes(self, name: str = "notes.jsonl") -> list[dict]:
        text = (self.folder / name).read_text() if (self.folder / name).exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def texts(self, name: str = "notes.jsonl") -> list[str]:
        return [note["text"] for note in self.notes(name)]

    async def until(self, found, seconds: float = 60.0) -> float:
        """How long it took."""
        begin = time.monotonic()
        with trio.fail_after(seconds):
            while not found():  # noqa: ASYNC110 - another process
                await trio.sleep(0.1)
        return time.monotonic() - begin

    async def status(self) -> tuple[int, dict]:
        """Of `hud status --json`."""
        command = [sys.executable, "-m", "hud", "status", "--json"]
        done = await trio.run_process(
            command, env=self.environment, capture_stdout=True, capture_stderr=True, check=False
        )
        return done.returncode, json.loads(done.stdout or b"{}")

    async def until_status(self, *words: str, seconds: float = 60.0) -> dict:
        """The status, once its findings are these and no others."""
        with trio.fail_after(seconds):
            while True:
                code, status = await self.status()
                found = [finding["word"] for finding in status.get("findings", ["?"])]
                if found == list(words):
                    assert code == (0 if status["healthy"] else 1)
                    return status
                await trio.sleep(0.2)

    async def stop(self, within: float = 20.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        with trio.fail_after(within):
            status = await self.process.wait()
            await self.heard.wait()
            return status


@contextlib.asynccontextmanager
async def running(display: str, folder: pathlib.Path, *arguments: str, **environment: str):
    """`hud run` against a server of ours, which is killed in the end."""
    server = Shades(think=0.05)
    environment = os.environ | {
        "DISPLAY": display,
        "OPENAI_API_KEY": KEY,
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
    } | environment  # fmt: skip
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, server.serve, 0)
        port = listeners[0].socket.getsockname()[1]
        url = f"realtime.url=ws://127.0.0.1:{port}/v1/realtime"
        sinks = [] if "--sink" in arguments else ["--sink", "file:notes.jsonl"]
        command = [sys.executable, "-m", "hud", "run", "--set", url, *sinks, *arguments]
        process = await trio.lowlevel.open_process(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        run = Running(process, server, folder, environment)
        nursery.start_soon(run.listen)
        try:
            yield run
        except BaseException as error:
            error.add_note(f"hud said:\n{run.said}")
            raise
        finally:
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()
            nursery.cancel_scope.cancel()
