"""What the benchmarks of the whole program stand on: a virtual screen, a model, and `hud run`.

The model is a Realtime server on the loopback interface in a process of its own; it writes down
when the last byte of each request had arrived, and answers at once (or after `answer` seconds).
Times are seconds of time.monotonic(), which all processes of a machine share.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import platform
import random
import string
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import xcffib
import xcffib.shm
import xcffib.xproto

from stages.capture.shared_memory import new_segment

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}
GRAINS = 32
"""Rows of grain beyond a picture, so that every picture is another."""
SERVER = """
import contextlib, json, socket, sys, threading, time
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

answer = float(sys.argv[1])

def serve(stream):
    with stream, contextlib.suppress(ConnectionError):  # the program under test has ended
        talk(stream)

def talk(stream):
    protocol, parts = ServerProtocol(max_size=None), []
    def flush():
        for data in filter(None, protocol.data_to_send()):
            stream.sendall(data)
    def say(kind, **fields):
        protocol.send_text(json.dumps({"type": kind, **fields}).encode())
        flush()
    while data := stream.recv(2**20):
        arrived = time.monotonic()
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
                say("session.created", session={"id": "sess_1"})
            elif event.opcode in (Opcode.TEXT, Opcode.CONT):
                parts.append(event.data)
                if event.fin:
                    message, parts = b"".join(parts), []
                    reply(say, json.loads(message), len(message), arrived)
        flush()

def reply(say, request, size, arrived):
    if request["type"] == "session.update":
        say("session.updated", session={})
    elif request["type"] == "response.create":
        print(arrived, size, flush=True)
        response = {"id": "resp", "metadata": request["response"].get("metadata")}
        say("response.created", response=response)
        time.sleep(answer)
        part = {"type": "output_text", "text": "Seen."}
        output = [{"type": "message", "role": "assistant", "content": [part]}]
        say("response.done", response=response | {"status": "completed", "output": output})

with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        stream, _ = listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(stream,), daemon=True).start()
"""
"""No library's loop of its own: the moment is that of the last byte, not of a thread told of it."""


def machine() -> str:
    """The first line of every report."""
    now = datetime.datetime.now().astimezone().isoformat(timespec="minutes")
    return f"{now}  {platform.machine()}, {os.cpu_count()} CPUs, {platform.platform()}"


@contextlib.contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A program that is ended with the context."""
    program = subprocess.Popen(command, text=True, **options)
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(timeout=15)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


@contextlib.contextmanager
def virtual_screen(width: int, height: int, *more: str) -> Iterator[tuple[str, int]]:
    """Xvfb; the name of its display and its process id."""
    reading, writing = os.pipe()
    size = f"{width}x{height}x24"
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp", *more]
    with running(*command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}", server.pid


class Model:
    """The server's side: the requests that have arrived."""

    def __init__(self, log: pathlib.Path) -> None:
        self._log = log

    def requests(self) -> list[tuple[float, int]]:
        """When the last byte of each arrived, and its size in bytes."""
        lines = self._log.read_text().splitlines()[1:]
        return [(float(time), int(size)) for time, size in map(str.split, lines)]

    @property
    def url(self) -> str:
        """Where it listens."""
        while not (text := self._log.read_text()):
            time.sleep(0.02)
        return f"ws://127.0.0.1:{text.split()[0]}/v1/realtime"


@contextlib.contextmanager
def model(folder: pathlib.Path, answer: float = 0.0) -> Iterator[Model]:
    """A Realtime server that answers after `answer` seconds."""
    log = folder / "requests"
    with log.open("w") as out, running(sys.executable, "-c", SERVER, str(answer), stdout=out):
        yield Model(log)


@contextlib.contextmanager
def watching(
    folder: pathlib.Path, display: str, url: str, *more: str, stalls: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """`hud run` with everything at its default except the model; `more` are further arguments.

    With `stalls`, how long task steps took stands in the folder's file `stalls` when it has ended.
    """
    way = [str(pathlib.Path(__file__).with_name("stalls.py"))] if stalls else ["-m", "hud"]
    command = [sys.executable, *way, "run", "--sink", "file:notes.jsonl", *more]
    environment = os.environ | {"DISPLAY": display, "OPENAI_API_KEY": "loopback"}
    environment["STALLS"] = str(folder / "stalls")
    setting = ["--set", f"realtime.url={url}", "--set", "realtime.free=true"]
    with running(*command, *setting, env=environment, cwd=folder) as program:
        yield program


def wait_until(happened: Callable[[], object], program: subprocess.Popen[str]) -> None:
    """Wait while the program runs; end if it ends first."""
    while not happened():
        if program.poll() is not None:
            sys.exit(f"hud ended with status {program.returncode}")
        time.sleep(0.05)


def cpu(*pids: int) -> float:
    """Seconds of CPU that processes have used, their threads included."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def words(length: int) -> str:
    """A line of random words."""
    letters = random.choices(string.ascii_lowercase + " ", k=length)
    return "".join(letters)


class Window:
    """A window on the screen, drawn into without a toolkit, so that the moment is known."""

    def __init__(self, display: str, x: int, y: int, width: int, height: int) -> None:
        self._connection = xcffib.connect(display)
        core, screen = self._connection.core, self._connection.get_setup().roots[0]
        self._window, self._text, self._paper = (self._connection.generate_id() for _ in range(3))
        masks, values = xcffib.xproto.CW, [screen.white_pixel]
        core.CreateWindow(
            screen.root_depth, self._window, screen.root, x, y, width, height, 0,
            xcffib.xproto.WindowClass.InputOutput, screen.root_visual, masks.BackPixel, values,
        )  # fmt: skip
        core.MapWindow(self._window)
        font = self._connection.generate_id()
        core.OpenFont(font, 5, "fixed")
        gc = xcffib.xproto.GC
        colours = [screen.black_pixel, screen.white_pixel]
        core.CreateGC(
            self._text,
            self._window,
            gc.Foreground | gc.Background | gc.Font | gc.GraphicsExposures,
            [*colours, font, 0],
        )
        core.CreateGC(self._paper, self._window, gc.Foreground, [0])
        self._connection.flush()
        self._core, self._depth = core, screen.root_depth
        self._frames: int | None = None

    def write(self, x: int, y: int, text: str) -> float:
        """Draw a line of text; the moment before it went to the X server."""
        self._core.ImageText8(len(text), self._window, self._text, x, y, text)
        return self._flush()

    def fill(self, x: int, y: int, width: int, height: int, colour: int) -> float:
        """Draw a rectangle; the moment before it went to the X server."""
        self._core.ChangeGC(self._paper, xcffib.xproto.GC.Foreground, [colour])
        place = xcffib.xproto.RECTANGLE.synthetic(x, y, width, height)
        self._core.PolyFillRectangle(self._window, self._paper, 1, [place])
        return self._flush()

    def film(self, x: int, y: int, width: int, height: int) -> float:
        """Put a picture of coloured grain there from shared memory, as players do."""
        if self._frames is None:
            self._frames = self._share(4 * width * (height + GRAINS))
        first = 4 * random.randrange(width * GRAINS)  # whole rows would be scrolling
        self._shm.PutImage(
            self._window, self._text, width, height, 0, 0, width, height, x, y, self._depth,
            xcffib.xproto.ImageFormat.ZPixmap, False, self._frames, first,
        )  # fmt: skip
        return self._flush()

    def _share(self, size: int) -> int:
        self._shm = self._connection(xcffib.shm.key)
        number = self._connection.generate_id()
        with new_segment(size) as memory:
            self._shm.AttachChecked(number, memory.id, False).check()
            memory.pixels(0, 1, size // 4)[:] = np.frombuffer(os.urandom(size), np.uint8).reshape(
                1, -1, 4
            )
        return number

    def scroll(self, x: int, y: int, width: int, height: int, by: int) -> float:
        """Move what is there up."""
        self._core.CopyArea(
            self._window, self._window, self._text, x, y + by, x, y, width, height - by
        )
        return self._flush()

    def _flush(self) -> float:
        moment = time.monotonic()
        self._connection.flush()
        return moment

    def close(self) -> None:
        """Take it off the screen."""
        self._connection.disconnect()


def quantile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
