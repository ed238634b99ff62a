"""The sender against our own server, with a model that answers what the test says."""

from __future__ import annotations

import contextlib

import attrs
import pytest
import trio

from hud.errors import ConnectionLostError, ServiceError, unwrapped
from hud.items import Status
from hud.local.server import open_server
from hud.realtime.prompt import NOTHING
from stages.send.connection import open_connection
from stages.send.endpoint import host_of, is_endpoint, with_model
from stages.send.realtime import Realtime
from tests import fakes

KEY = "sk-test-123456"


@attrs.define
class Model:
    """Answers in turn; an exception among the answers is raised."""

    answers: list[object]
    sights: list[object] = attrs.field(factory=list)

    async def note(self, session, sights):
        self.sights.append(sights)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def forget(self, session):
        pass


@contextlib.asynccontextmanager
async def server(*answers, **options):
    model = Model(list(answers))
    with unwrapped():
        async with open_server(model, key=KEY, **options) as address:
            warnings = []
            stage = Realtime(url=address.url, key=KEY, warn=warnings.append)
            yield stage, model, warnings


def text_of(deltas, seq):
    return "".join(
        delta.text for delta in deltas if delta.seq == seq and delta.status is Status.IN_PROGRESS
    )


async def test_each_shot_is_a_turn_and_its_words_stream(jpeg):
    async with server("New: one two", "New: three") as (stage, model, warnings):
        deltas = await fakes.through(stage, jpeg(1), jpeg(2))
    assert text_of(deltas, 1) == "New: one two"
    ends = [delta for delta in deltas if delta.status is not Status.IN_PROGRESS]
    assert [(end.seq, end.text, end.status) for end in ends] == [
        (1, "New: one two", Status.COMPLETED),
        (2, "New: three", Status.COMPLETED),
    ]
    assert ends[0].usage.image_tokens > 0
    assert len({end.session for end in ends}) == 1
    assert warnings == []
    assert model.sights[0][0].place is not None


async def test_earlier_notes_go_along_but_nothings_do_not(jpeg):
    async with server("New: one", NOTHING, "New: two") as (stage, _model, _warnings):
        await fakes.through(stage, jpeg(1), jpeg(2), jpeg(3))
        lines = stage.memory.text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["New: one", "New: two"]


async def test_a_failed_answer_is_told_and_the_next_shot_goes_on(jpeg):
    async with server(ValueError("odd"), "New: two") as (stage, _model, warnings):
        deltas = await fakes.through(stage, jpeg(1), jpeg(2))
    ends = [delta for delta in deltas if delta.status is not Status.IN_PROGRESS]
    assert [end.status for end in ends] == [Status.FAILED, Status.COMPLETED]
    assert len(warnings) == 1
    assert warnings[0].startswith("no answer: server_error")


async def test_a_wrong_key_is_refused_without_showing_it(jpeg):
    async with server() as (stage, _model, _warnings):
        wrong = attrs.evolve(stage, key="sk-wrong-abcd")
        with pytest.raises(ServiceError, match="HTTP 401: invalid_api_key") as caught:
            await fakes.through(wrong, jpeg(1))
    assert "abcd" not in str(caught.value)


async def test_the_end_of_the_session_is_said(jpeg, autojump_clock):
    async with server(lifetime=5.0) as (stage, _model, warnings):
        before, inbox = trio.open_memory_channel(1)
        outbox, _after = trio.open_memory_channel(1)
        with pytest.raises(ConnectionLostError, match="1001"), before:
            await stage.run(inbox, outbox)
    assert "session_expired" in warnings[0]


async def test_a_server_that_is_not_there():
    with pytest.raises(ConnectionLostError, match=r"cannot be reached: .*Connection refused"):
        async with open_connection("ws://127.0.0.1:9/v1/realtime?model=m", KEY):
            pass


async def test_a_server_that_is_no_websocket():
    async def answer(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, answer, 0)
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(ServiceError, match="HTTP 503: no reason given"):
            async with open_connection(f"ws://127.0.0.1:{port}/?model=m", KEY):
                pass
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("local", True),
        ("wss://api.openai.com/v1/realtime", True),
        ("ws://127.0.0.1:8765/v1/realtime", True),
        ("ws://[::1]:8765/v1", True),
        ("ws://localhost/v1", True),
        ("ws://localhost.example.org/v1", False),
        ("ws://192.168.0.7/v1", False),
        ("https://api.openai.com", False),
        ("wss://", False),
        ("wss://user:pass@host/", False),
        ("wss://h:port/", False),
        ("", False),
    ],
)
def test_which_addresses_are_allowed(url, allowed):
    assert (is_endpoint(url) is None) is allowed


def test_the_model_stands_in_the_query():
    assert with_model("wss://h/p?a=1", "m x") == "wss://h/p?a=1&model=m+x"
    assert host_of("wss://api.openai.com/v1/realtime") == "api.openai.com"


@pytest.fixture
def jpeg():
    """Makes a shot of real JPEGs."""
    from stages.encode.jpeg import shoot

    return lambda seq: shoot(fakes.change(seq, fakes.BOX), (fakes.BOX,), 80)
