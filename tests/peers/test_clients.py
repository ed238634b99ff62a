"""Our local server against clients that others wrote, each in a process of its own."""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys

import attrs
import cv2
import numpy as np
import pytest
import trio

from hud.local.server import open_server
from tests.peers.conftest import installed
from tests.peers.environments import LIVEKIT, OPENAI_AGENTS, PIPECAT, Environment

CLIENTS_FOLDER = pathlib.Path(__file__).parent / "clients"
KEY = "sk-local-0123456789"
WORDS = "A terminal shows FAIL."
pytestmark = pytest.mark.peers


@attrs.frozen
class Model:
    """Says the same of every picture, and remembers which it was shown."""

    seen: list[str] = attrs.field(factory=list)

    async def note(self, session, sights):
        self.seen.extend(hashlib.sha256(sight.jpeg).hexdigest() for sight in sights)
        return WORDS

    def forget(self, session):
        pass


@attrs.frozen
class Client:
    """A script in `clients`, what it runs in, and what only this client tells of an answer."""

    script: str
    environment: Environment | None
    tells: dict[str, object]

    def python(self):
        """The interpreter for the script; ours, where the client is one of our own tools."""
        return installed(self.environment).python if self.environment else sys.executable


CLIENTS = {
    "openai": Client("with_openai.py", None, {"metadata": {"turn": "17"}}),
    "openai-agents": Client("with_openai_agents.py", OPENAI_AGENTS, {"metadata": {"turn": "17"}}),
    "livekit": Client("with_livekit.py", LIVEKIT, {"ours": True}),
    "pipecat": Client("with_pipecat.py", PIPECAT, {"kept": True}),
}


@pytest.fixture
def picture(tmp_path):
    pixels = np.full((720, 1280, 3), 40, np.uint8)
    cv2.putText(pixels, "FAIL", (100, 100), cv2.FONT_HERSHEY_SIMPLEX, 2, (60, 60, 255), 3)
    path = tmp_path / "screen.jpg"
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture(params=CLIENTS)
def client(request):
    """A client and the start of its command line."""
    chosen = CLIENTS[request.param]
    return chosen, [str(chosen.python()), str(CLIENTS_FOLDER / chosen.script)]


async def report_of(command):
    with trio.fail_after(60):
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False
        )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


async def test_a_client_sees_a_whole_turn_and_an_error(client, picture):
    """The picture arrives as it was; the words stream, are counted, and are told apart."""
    (chosen, command), model = client, Model()
    async with open_server(model, key=KEY) as address:
        told = await report_of([*command, address.url, KEY, str(picture)])
    assert set(model.seen) == {told["sent"]}
    assert len(told["pieces"]) > 1
    assert told["text"] == "".join(told["pieces"]) == WORDS
    assert told["input_tokens"] >= 323
    assert told.get("image_tokens", 323) == 323
    assert told["output_tokens"] > 0
    assert {key: told[key] for key in chosen.tells} == chosen.tells
    assert "does not exist" in told["error"]
    assert told["complaints"] == []
