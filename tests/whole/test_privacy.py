"""The whole program: what leaves it never shows what must not be seen, nor its key."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import pathlib
import random
import shlex
import signal
import string
import subprocess
import sys
import threading
import time

import attrs
import cv2
import numpy as np
import pytest
import trio
import xcffib
import xcffib.randr

from hud.local.server import open_server
from hud.pipeline import Pipeline, run_pipeline
from hud.privacy.options import PrivacyOptions
from stages.assemble import Assemble
from stages.capture.auto import Auto
from stages.capture.screen import Screen
from stages.capture.shield import Shielding
from stages.change.tiles import Tiles
from stages.change.whole_frame import WholeFrame
from stages.encode.jpeg import Jpeg
from stages.send.realtime import Realtime
from stages.sink.file import File
from tests.whole.test_screen_to_note import hud, notes, word
from tests.windows import SECRET, shake

pytestmark = pytest.mark.x11

SHAKEN_FOR = float(os.environ.get("HUD_SHAKEN_FOR", "6"))
WATCHED_FOR = float(os.environ.get("HUD_WATCHED_FOR", "10"))
"""Seconds."""


@attrs.define
class Strict:
    """A model that keeps what it was shown as far as it shows the secret."""

    pictures: int = 0
    leaks: list[np.ndarray] = attrs.field(factory=list)

    async def note(self, session, sights):
        for sight in sights:
            picture = cv2.imdecode(np.frombuffer(sight.jpeg, np.uint8), cv2.IMREAD_COLOR)
            self.pictures += 1
            if shows_secret(picture):
                self.leaks.append(picture)
        return f"{len(sights)} pictures"

    def forget(self, session):
        pass


def shows_secret(picture: np.ndarray) -> bool:
    """Also where JPEG has changed the colour, or mixed it with its neighbours by half."""
    blue, green, red = cv2.split(picture)
    return bool(cv2.subtract(cv2.min(blue, red), green).max() > 100)


def test_the_secret_is_found_in_a_jpeg():
    picture = np.full((200, 300, 3), 90, np.uint8)
    assert not shows_secret(picture)
    picture[50:58, 60:68] = [SECRET & 255, SECRET >> 8 & 255, SECRET >> 16]
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    assert shows_secret(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


def split_screen(name: str) -> None:
    """Make two monitors of the screen, side by side."""
    connection = xcffib.connect(name)
    randr = connection(xcffib.randr.key)
    randr.QueryVersion(1, 5).reply()
    root = connection.get_setup().roots[0].root
    (output,) = randr.GetScreenResourcesCurrent(root).reply().outputs
    for x, outputs in ((0, [output]), (640, [])):
        word = f"part-{x}"
        atom = connection.core.InternAtom(False, len(word), word).reply().atom
        monitor = xcffib.randr.MonitorInfo.synthetic(
            atom, not x, False, len(outputs), x, 0, 640, 720, 160, 180, outputs
        )
        randr.SetMonitor(root, monitor, is_checked=True).check()
    connection.disconnect()


SHAKEN = {
    # A screen that never rests is shown seldom; whole frames are shown whenever they differ.
    "tiles": (Auto, Tiles(), 0.1),
    "whole": (Auto, WholeFrame(hash="dhash", threshold=0), 0.5),
    "whole, looked for": (Screen, WholeFrame(hash="dhash", threshold=0), 0.3),
}
"""Name → capture, detector, and pictures a second that a busy machine sends at least."""


@pytest.mark.parametrize("name", SHAKEN)
async def test_no_picture_that_leaves_shows_a_forbidden_window(desk, tmp_path, name):
    capture_of, detector, rate = SHAKEN[name]
    split_screen(desk.name)
    said, model, stop = [], Strict(), trio.Event()
    options = PrivacyOptions(mask=("class:Vault",), itself=False)
    capture = capture_of(
        display=desk.name, monitor="all", shielding=Shielding(options, say=said.append)
    )
    capture.preflight()
    async with open_server(model, key="k") as address, trio.open_nursery() as nursery:
        pipeline = Pipeline(
            capture=capture,
            change=detector,
            encode=Jpeg(),
            send=Realtime(url=address.url, key="k"),
            assemble=Assemble(),
            sinks={"file": File(path=str(tmp_path / "notes.jsonl"))},
        )

        async def end():
            await trio.to_thread.run_sync(shake, desk.name, SHAKEN_FOR)
            stop.set()

        nursery.start_soon(end)
        await run_pipeline(pipeline, stop=stop)
    monitors = {note["monitor"] for note in notes(tmp_path / "notes.jsonl")}
    assert monitors == {1, 2}
    seen = f"{name}: {model.pictures} pictures in {SHAKEN_FOR:g} s, {len(model.leaks)} leaks"
    print(seen)  # noqa: T201 - for benchmarks/masks.py
    for number, picture in enumerate(model.leaks[:5]):
        cv2.imwrite(str(tmp_path / f"leak-{number}.png"), picture)
    assert model.leaks == []
    assert said == []
    assert model.pictures >= rate * SHAKEN_FOR


def run_in_a_terminal(
    desk, tmp_path, *more: str, seconds: float = WATCHED_FOR
) -> tuple[list[dict], str]:
    """Run the program in an xterm on the screen it watches, which nobody touches."""
    command = [
        sys.executable, "-m", "hud", "run", "--sink", "terminal", "--sink", "file:notes.jsonl",
        "--for", str(seconds), *more,
    ]  # fmt: skip
    folder, done = shlex.quote(str(tmp_path)), tmp_path / "done"
    desk.xterm(f"cd {folder}; {shlex.join(command)} 2>&1 | tee out; touch done; sleep 99")
    desk.xterm("echo nothing happens here; sleep 999", "-geometry", "40x5+800+500")
    end = time.monotonic() + seconds + 60
    while not done.exists() and time.monotonic() < end:
        time.sleep(0.2)
    return notes(tmp_path / "notes.jsonl"), (tmp_path / "out").read_text()


def test_it_does_not_watch_its_own_terminal(desk, tmp_path):
    written, out = run_in_a_terminal(desk, tmp_path)
    assert len(written) <= 1, out
    assert all("nothing leaves this machine" not in note["text"] for note in written)


@attrs.define
class Talkative:
    """A model that always has something to say."""

    said: int = 0

    async def note(self, session, sights):
        self.said += 1
        return f"Something has changed, for the {self.said}. time. " * 3

    def forget(self, session):
        pass


async def test_notes_on_the_watched_screen_do_not_go_on_for_ever(desk, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    model = Talkative()
    async with open_server(model, key="k") as address:
        settings = ("--set", "privacy.itself=false", "--set", f"realtime.url={address.url}")
        watch = functools.partial(run_in_a_terminal, seconds=20.0)
        _written, out = await trio.to_thread.run_sync(watch, desk, tmp_path, *settings)
    assert "the notes are on the watched screen" in out
    assert "privacy.mask" in out
    # One about the screen, five rounds, and those about what is said of it on stderr.
    assert 3 <= model.said <= 8, out


@pytest.fixture
def run(desk, tmp_path):
    """The program, watching; ends with the test."""
    environment = os.environ | {"DISPLAY": desk.name, "XDG_RUNTIME_DIR": str(tmp_path)}
    program = subprocess.Popen(
        [sys.executable, "-m", "hud", "run", "--sink", "file:notes.jsonl"],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def control(tmp_path: pathlib.Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hud", command],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def wait_for(found, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_pause_resume_and_status(run, desk, tmp_path):
    path = tmp_path / "notes.jsonl"
    wait_for(lambda: path.exists() and path.read_text())
    status = control(tmp_path, "status")
    assert status.stdout.startswith(
        f"process {run.pid}: watching monitor 1, woken by what is drawn"
    )
    assert "notes by the local model, nothing leaves this machine" in status.stdout
    (socket,) = (tmp_path / "hud").glob("*.sock")
    assert socket.stat().st_mode & 0o777 == 0o600
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert ": paused; " in control(tmp_path, "pause").stdout
    before = path.read_text()
    desk.xterm("echo the forecast was wrong; sleep 99")
    time.sleep(3)
    assert path.read_text() == before
    run.send_signal(signal.SIGUSR1)
    wait_for(lambda: "the forecast was wrong" in path.read_text())
    run.send_signal(signal.SIGINT)
    stderr = run.communicate(timeout=30)[1]
    assert "hud: paused: the screen is not looked at\nhud: resumed\n" in stderr
    assert "withheld by privacy" in stderr
    assert not socket.exists()
    done = control(tmp_path, "pause")
    assert (done.returncode, done.stderr) == (1, "hud: no hud is running for this user\n")


@contextlib.contextmanager
def keeping(path: pathlib.Path):
    """The address of a server that keeps all that it is sent, headers too."""

    class Keep(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with path.open("ab") as kept:
                kept.write(f"{self.path}\n{self.headers}".encode() + body + b"\n")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_key_is_in_nothing_that_was_written(desk, tmp_path):
    key = "sk-proj-" + os.urandom(12).hex()
    environment = os.environ | {
        "DISPLAY": desk.name,
        "OPENAI_API_KEY": key,
        "HUD_SERVE_KEY": key,
        "XDG_RUNTIME_DIR": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "HOME": str(tmp_path),
    }
    # What a program of the user is given, in its environment too.
    kept = f"import os, sys; open({str(tmp_path / 'command')!r}, 'a').write(f'{{os.environ}}'"
    kept += " + sys.stdin.read())"
    out = tmp_path / "everything.txt"
    hud = [sys.executable, "-m", "hud"]
    with (
        out.open("w") as everything,
        keeping(tmp_path / "webhook") as webhook,
        keeping(tmp_path / "notify") as notify,
    ):
        environment["HUD_NOTIFY_URLS"] = f"json://{notify}/"
        options = {"env": environment, "cwd": tmp_path, "stdout": everything, "stderr": everything}
        server = subprocess.Popen([*hud, "serve", "--port", "0"], **options)
        try:
            wait_for(lambda: "listening on" in out.read_text())
            del environment["HUD_SERVE_KEY"]
            url = out.read_text().partition("listening on ")[2].partition(";")[0]
            desk.xterm("sleep 3; echo the build has failed; sleep 99")
            sinks = [
                {"use": "terminal"},
                {"use": "file", "path": "a.jsonl"},
                {"use": "file", "path": "b.md"},
                {"use": "sqlite", "path": "c.db"},
                {"use": "web"},
                {"use": "webhook", "url": f"http://{webhook}/"},
                {"use": "command", "argv": [sys.executable, "-S", "-c", kept]},
                {"use": "notify"},
            ]
            own = {"realtime": {"url": url}, "sinks": sinks}
            (tmp_path / "my.yaml").write_text(json.dumps(own))
            run = ["run", "my.yaml", "--debug", "--for", "6", "--trace", "d.json"]
            for command in (run, ["check", "my.yaml"], ["doctor", "my.yaml"]):
                subprocess.run([*hud, *command], **options, timeout=60, check=True)
            environment["OPENAI_API_KEY"] = key[:-1]
            again = ["e.json" if word == "d.json" else word for word in run]
            refused = subprocess.run([*hud, *again], **options, timeout=60, check=False)
            assert refused.returncode == 1
        finally:
            server.terminate()
            server.wait()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    written = {path.name: path.read_bytes() for path in files}
    for name in ("a.jsonl", "b.md", "c.db", "webhook", "command", "notify"):
        assert b"the build has failed" in written[name], name
    assert b'"ph"' in written["d.json"]
    # The run that was refused said so, with a traceback.
    assert b"Traceback" in written["everything.txt"]
    found = [name for name, data in written.items() if key[:-1].encode() in data]
    assert found == []
    modes = {path.name: path.stat().st_mode & 0o777 for path in files}
    ours = ("a.jsonl", "b.md", "c.db", "d.json")
    assert {name: modes[name] for name in ours} == dict.fromkeys(ours, 0o600)


def test_secrets_stand_in_no_note_and_in_no_picture(desk, tmp_path):
    key = "ghp_" + "".join(random.choices(string.ascii_letters + string.digits, k=36))
    chosen = word()
    desk.xterm(f"echo {chosen} ready; sleep 8; echo {chosen} token {key} was made; sleep 99")
    done = hud(
        "run", "--sink", "file:notes.jsonl", "--for", "16", "--set", "privacy.redact=[all]",
        display=desk.name, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "notes.jsonl").read_text()
    assert text.count(chosen) >= 2, done.stderr
    pieces = [key[start : start + 8] for start in range(4, len(key) - 8)]
    assert not [piece for piece in pieces if piece in text]
