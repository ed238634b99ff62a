"""Our sender, and the whole program, against servers that others wrote."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import sys
from functools import partial

import attrs
import cv2
import numpy as np
import pytest
import trio

from hud.items import Status, View
from stages.encode.jpeg import shoot
from stages.send.realtime import Realtime
from stages.send.troubles import Troubles
from tests import fakes

WORDS = "A terminal shows FAIL in red."
IN_CONVERSATION = {"conversation": "auto", "match_answers": "order"}
"""What aimock needs: it answers conversations only, and repeats no metadata."""
CONFIG = pathlib.Path(__file__).parent.parent.parent / "config"
pytestmark = pytest.mark.peers


def shown(seq, caption):
    """A shot of one JPEG, with words that the scripted replies look for."""
    shot = shoot(fakes.change(seq, fakes.BOX), [View((fakes.BOX,), (8, 8))], 80)
    return attrs.evolve(shot, caption=caption)


def sender(url, **options):
    """A sender, and what it says on stderr."""
    said = []
    return Realtime(url=url, key="sk-x", troubles=Troubles(said.append, "sk-x"), **options), said


def ends_of(deltas):
    ended = [delta for delta in deltas if delta.status is not Status.IN_PROGRESS]
    return [(delta.seq, delta.status, delta.text) for delta in ended]


def streamed(deltas, seq):
    pieces = [delta for delta in deltas if delta.status is Status.IN_PROGRESS]
    return [delta.text for delta in pieces if delta.seq == seq]


async def test_turns_with_pictures_on_aimock(aimock):
    stage, said = sender(aimock.url, **IN_CONVERSATION)
    deltas = await fakes.through(stage, shown(1, "one"), shown(2, "two"))
    assert ends_of(deltas) == [(1, Status.COMPLETED, WORDS), (2, Status.COMPLETED, WORDS)]
    assert len(streamed(deltas, 1)) > 1
    assert "".join(streamed(deltas, 1)) == WORDS
    assert said == []
    asked = [request["body"]["messages"] for request in aimock.journal()]
    # It keeps the conversation, so that the second turn comes behind the first and its answer.
    assert [[message["role"] for message in messages] for messages in asked] == [
        ["system", "user"],
        ["system", "user", "assistant", "user"],
    ]
    parts = asked[1][3]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url"]
    assert parts[0]["text"] == "two"


@pytest.mark.parametrize("form", [{}, {"conversation": "auto"}, IN_CONVERSATION])
async def test_turns_with_pictures_on_speech_to_speech(speech_to_speech, aimock, form):
    """The pictures reach the model behind it byte for byte, whichever way the turn is asked."""
    stage, said = sender(speech_to_speech, **form)
    shots = [shown(1, "one"), shown(2, "two")]
    deltas = await fakes.through(stage, *shots)
    assert ends_of(deltas) == [(1, Status.COMPLETED, WORDS), (2, Status.COMPLETED, WORDS)]
    assert "".join(streamed(deltas, 2)) == WORDS
    assert said == []
    bills = [delta.usage for delta in deltas if delta.status is Status.COMPLETED]
    assert all(bill.input_tokens > 0 and bill.output_tokens > 0 for bill in bills)
    for shot, request in zip(shots, aimock.journal(), strict=True):
        # Answered pictures are deleted, and a turn that stands alone brings its own only.
        assert pictures_in(request) == [picture.jpeg for picture in shot.pictures]


def pictures_in(request):
    parts = [
        part
        for message in request["body"]["messages"]
        for part in message["content"]
        if isinstance(part, dict) and part["type"] == "image_url"
    ]
    return [base64.b64decode(part["image_url"]["url"].partition(",")[2]) for part in parts]


async def test_a_rate_limit_of_aimock_is_waited_for(aimock):
    stage, said = sender(aimock.url, **IN_CONVERSATION)
    begun = trio.current_time()
    deltas = await fakes.through(stage, shown(1, "too fast"))
    assert trio.current_time() - begun >= 1.5
    assert ends_of(deltas) == [(1, Status.COMPLETED, WORDS)]
    assert said[0].startswith("rate_limit_exceeded: Rate limit reached")
    assert said[0].endswith("; asking again when it has passed")
    assert said[1] == "answers again, after one trouble"


async def test_a_failed_response_of_aimock_is_asked_again(aimock):
    stage, said = sender(aimock.url, **IN_CONVERSATION)
    deltas = await fakes.through(stage, shown(1, "out of order"))
    assert ends_of(deltas) == [(1, Status.COMPLETED, WORDS)]
    assert said[0] == "server_error: The server had an error while processing.; asking again"
    assert said[1] == "answers again, after one trouble"


async def test_a_failed_response_of_speech_to_speech_leaves_no_words(speech_to_speech):
    """It streams an apology, tells the cause in an `error` event, then fails the response."""
    stage, said = sender(speech_to_speech)
    deltas = await fakes.through(stage, shown(1, "worn out"))
    assert ends_of(deltas)[-1] == (1, Status.COMPLETED, WORDS)
    assert all(status is Status.WITHDRAWN for _, status, _ in ends_of(deltas)[:-1])
    assert said[0].startswith("response_failed: Language model generation failed: Error code: 500")
    assert said[-1].startswith("answers again")


async def test_a_place_that_is_taken_on_speech_to_speech_is_waited_for(speech_to_speech):
    """It serves one session at a time and closes all others with 1008."""
    stage, said = sender(speech_to_speech)
    async with trio.open_nursery() as nursery:
        leave = trio.Event()
        await nursery.start(occupy, stage, leave)
        nursery.start_soon(set_after, 1.0, leave)
        deltas = await fakes.through(stage, shown(1, "one"))
    assert ends_of(deltas) == [(1, Status.COMPLETED, WORDS)]
    assert "session_limit_reached" in said[0]
    assert "connecting again in" in said[0]
    assert said[-1].startswith("answers again")


async def occupy(stage, leave, task_status):
    async with stage.connect()() as connection:
        await connection.receive()
        task_status.started()
        await leave.wait()


async def set_after(seconds, event):
    await trio.sleep(seconds)
    event.set()


@contextlib.asynccontextmanager
async def open_meddler(port):
    """Something on the way that adds the header of the beta; gives its address."""

    async def meddle(client):
        async with client, await trio.open_tcp_stream("127.0.0.1", port) as server:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += await client.receive_some()
            await server.send_all(head[:-2] + b"OpenAI-Beta: realtime=v1\r\n\r\n")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pour, client, server)
                await pour(server, client)
                nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, meddle, 0, host="127.0.0.1"))
        yield f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1/realtime"
        nursery.cancel_scope.cancel()


async def pour(source, target):
    with contextlib.suppress(trio.BrokenResourceError):
        async for data in source:
            await target.send_all(data)


@pytest.fixture
def scene(tmp_path):
    """Two screens, half a second each."""
    folder = tmp_path / "scene"
    folder.mkdir()
    for name, word in (("a.png", "one"), ("b.png", "FAIL")):
        pixels = np.full((360, 640, 3), 250, np.uint8)
        cv2.putText(pixels, word, (40, 200), cv2.FONT_HERSHEY_SIMPLEX, 4, (0, 0, 0), 8)
        assert cv2.imwrite(str(folder / name), pixels)
    frames = [{"t": tick / 10, "file": "ab"[tick // 5] + ".png"} for tick in range(10)]
    index = {"name": "two", "size": [640, 360], "fps": 10, "duration_s": 1, "frames": frames}
    (folder / "scene.json").write_text(json.dumps(index))
    return folder


async def hud(*arguments, url, **options):
    """The whole program: its exit status, its stdout and its stderr."""
    options |= {"url": url}
    sets = [f"--set=realtime.{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "hud", *map(str, arguments), *sets]
    environment = os.environ | {"OPENAI_API_KEY": "sk-bad"}
    with trio.fail_after(60):
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False, env=environment
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def watch(scene, config, url, **options):
    """Run it over a scene: its exit status, its stderr, and the notes."""
    path = scene.parent / "notes.jsonl"
    arguments = ["run", CONFIG / config, "--source", f"replay:{scene}", "--sink", f"file:{path}"]
    status, _, stderr = await hud(*arguments, url=url, **options)
    lines = path.read_text().splitlines() if path.exists() else []
    return status, stderr, [json.loads(line) for line in lines]


async def test_the_program_on_aimock(scene, aimock):
    status, stderr, notes = await watch(scene, "localai.yaml", aimock.url)
    assert status == 0, stderr
    assert {note["text"] for note in notes} == {WORDS}
    assert {note["status"] for note in notes} == {"completed"}
    assert aimock.journal()[0]["path"] == "/v1/realtime"


async def test_the_program_on_speech_to_speech(scene, speech_to_speech, aimock):
    status, stderr, notes = await watch(scene, "speech-to-speech.yaml", speech_to_speech)
    assert status == 0, stderr
    assert {note["text"] for note in notes} == {WORDS}
    assert pictures_in(aimock.journal()[0])


async def test_the_refusal_of_the_beta_ends_the_program(scene, aimock):
    async with open_meddler(aimock.port) as url:
        status, stderr, notes = await watch(scene, "localai.yaml", url)
    assert (status, notes) == (1, [])
    assert "beta_api_shape_disabled: the server refused the session: The Realtime Beta" in stderr
    assert "something on the way still adds the header OpenAI-Beta" in stderr


async def test_no_money_ends_the_program(scene, aimock):
    model = {"model": "gpt-out-of-money"}
    status, stderr, notes = await watch(scene, "localai.yaml", aimock.url, **model)
    assert (status, notes) == (1, [])
    assert "insufficient_quota: You exceeded your current quota" in stderr
    assert "check the plan and the billing of the account" in stderr


async def test_a_key_that_aimock_does_not_know_ends_the_program(scene, locked_aimock):
    status, stderr, notes = await watch(scene, "openai.yaml", locked_aimock.url)
    assert (status, notes) == (1, [])
    assert "HTTP 401: invalid_api_key: Invalid API key" in stderr
    assert "check the key in the variable that realtime.api_key_env names" in stderr
    assert "sk-bad" not in stderr


async def test_the_doctor_on_both(aimock, speech_to_speech):
    for config, url in (("localai.yaml", aimock.url), ("speech-to-speech.yaml", speech_to_speech)):
        status, stdout, stderr = await hud("doctor", CONFIG / config, url=url)
        assert status == 0, stderr
        assert WORDS in stdout
