"""Fixtures: what others wrote, installed and running."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import urllib.request
from collections.abc import Iterator

import attrs
import pytest

from tests.peers.environments import AIMOCK, SPEECH_TO_SPEECH, Environment, InstallError

SERVERS = pathlib.Path(__file__).parent / "servers"
REPLIES = SERVERS / "replies.json"


def installed(environment: Environment) -> Environment:
    """Install it, or skip the test; where peers are required, fail it."""
    try:
        environment.install()
    except InstallError as error:
        if os.environ.get("HUD_REQUIRE_PEERS"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    return environment


@contextlib.contextmanager
def running(*command: object, says: str, **variables: str) -> Iterator[int]:
    """A program, as soon as it has said a line with its port; gives the port."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | variables)
    with process:
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if re.search(says, line)), "")
            match = re.search(says, line)
            assert match, f"{words[1]} ended with {process.wait()}"
            yield int(match[1])
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()


@attrs.frozen
class Aimock:
    """A running aimock; it speaks Realtime and chat completions."""

    port: int

    @property
    def url(self) -> str:
        """For Realtime clients."""
        return f"ws://127.0.0.1:{self.port}/v1/realtime"

    @property
    def chat(self) -> str:
        """For clients of chat completions."""
        return f"http://127.0.0.1:{self.port}/v1"

    def journal(self) -> list[dict]:
        """The requests that it answered."""
        return self._control("GET", "journal")

    def reset(self) -> None:
        """Forget what was asked, so that replies in a sequence begin again."""
        self._control("POST", "reset/journal")

    def _control(self, method: str, path: str):
        address = f"http://127.0.0.1:{self.port}/__aimock/{path}"
        request = urllib.request.Request(address, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def open_aimock(**variables: str) -> Iterator[Aimock]:
    home = installed(AIMOCK)
    program = home.folder / "node_modules/@copilotkit/aimock/dist/cli.js"
    command = [home.node, program, "--port", "0", "--fixtures", REPLIES]
    with running(*command, says=r"listening on http://[\w.]+:(\d+)", **variables) as port:
        yield Aimock(port)


@pytest.fixture(scope="session")
def one_aimock() -> Iterator[Aimock]:
    with open_aimock() as server:
        yield server


@pytest.fixture
def aimock(one_aimock: Aimock) -> Aimock:
    """A server of scripted replies, which are in servers/replies.json."""
    one_aimock.reset()
    return one_aimock


@pytest.fixture(scope="session")
def locked_aimock() -> Iterator[Aimock]:
    """The same, for clients that know the key "sk-good"."""
    with open_aimock(AIMOCK_API_KEYS="sk-good") as server:
        yield server


@pytest.fixture(scope="session")
def one_speech_to_speech(one_aimock: Aimock) -> Iterator[str]:
    home = installed(SPEECH_TO_SPEECH)
    program = SERVERS / "serve_speech_to_speech.py"
    with running(home.python, program, one_aimock.chat, says=r"^(\d+)$") as port:
        yield f"ws://127.0.0.1:{port}/v1/realtime"


@pytest.fixture
def speech_to_speech(one_speech_to_speech: str, aimock: Aimock) -> str:
    """The address of a server whose words are those of `aimock`."""
    return one_speech_to_speech
