"""The sender against our own server, with a model that answers what the test says."""

from __future__ import annotations

import contextlib
import ssl

import attrs
import pytest
import trio
import trustme

from hud.address import host_of
from hud.errors import ConnectionLostError, ServiceError, unwrapped
from hud.items import Status, View
from hud.local.server import open_server
from hud.realtime.prompt import NOTHING
from hud.realtime.trouble import Cure
from hud.stage import OptionError
from stages.send.connection import open_connection
from stages.send.dial import dial, proxy_for
from stages.send.endpoint import are_headers, is_endpoint, key_header, with_model
from stages.send.realtime import Realtime
from stages.send.troubles import Troubles
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
            stage = Realtime(url=address.url, key=KEY, troubles=Troubles(warnings.append, KEY))
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


async def test_a_failed_answer_is_told_and_asked_for_again(jpeg, autojump_clock):
    async with server(ValueError("odd"), "New: one") as (stage, _model, warnings):
        deltas = await fakes.through(stage, jpeg(1))
    ends = [delta for delta in deltas if delta.status is not Status.IN_PROGRESS]
    assert [(end.seq, end.status) for end in ends] == [(1, Status.COMPLETED)]
    assert warnings[0].startswith("server_error")
    assert warnings[0].endswith("; asking again")
    assert warnings[1] == "answers again, after one trouble"


async def test_a_wrong_key_is_refused_without_showing_it(jpeg):
    async with server() as (stage, _model, _warnings):
        wrong = attrs.evolve(stage, key="sk-wrong-abcd")
        with pytest.raises(ServiceError, match="HTTP 401: invalid_api_key") as caught:
            await fakes.through(wrong, jpeg(1))
    assert "abcd" not in str(caught.value)


async def test_a_session_that_the_server_refuses_names_the_field(jpeg):
    async with server() as (stage, _model, _warnings):
        wrong = attrs.evolve(stage, model="my-deployment", reasoning="low")
        with pytest.raises(ServiceError, match=r"reasoning.*realtime\.session_fields"):
            await fakes.through(wrong, jpeg(1))


def test_reasoning_is_for_models_that_reason():
    with pytest.raises(OptionError, match=r"'low' is not taken by gpt-realtime-1\.5"):
        Realtime(reasoning="low")
    assert Realtime(model="gpt-realtime-2.1", reasoning="low").reasoning == "low"
    assert Realtime(model="my-deployment", reasoning="low").reasoning == "low"


async def test_a_server_that_is_not_there():
    with pytest.raises(ConnectionLostError, match=r"cannot be reached: .*Connection refused"):
        async with open_connection("ws://127.0.0.1:9/v1/realtime?model=m", {}):
            pass


@contextlib.asynccontextmanager
async def listening(handler):
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, handler, 0)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_a_server_that_is_no_websocket():
    async def answer(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(
                b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy"
            )

    with unwrapped():
        async with listening(answer) as port:
            with pytest.raises(ConnectionLostError, match="HTTP 503: no reason given") as caught:
                async with open_connection(f"ws://127.0.0.1:{port}/?model=m", {}):
                    pass
    assert caught.value.trouble.wait == 7.0
    assert caught.value.trouble.cure is Cure.RECONNECT


async def test_a_server_that_hangs_up_in_the_handshake(monkeypatch):
    monkeypatch.setattr("stages.send.connection.CONNECT_TIMEOUT", 0.5)

    async def answer(stream):
        await stream.receive_some()
        await trio.aclose_forcefully(stream)

    with unwrapped():
        async with listening(answer) as port:
            with pytest.raises(ConnectionLostError) as caught:
                async with open_connection(f"ws://127.0.0.1:{port}/?model=m", {}):
                    pass
    assert caught.value.trouble.cure is Cure.RECONNECT


async def test_a_certificate_of_nobody_is_refused(tmp_path, monkeypatch):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def serve(stream):
        with contextlib.suppress(trio.BrokenResourceError):
            await trio.SSLStream(stream, context, server_side=True).receive_some()

    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    async with listening(serve) as port:
        url = f"wss://localhost:{port}/v1"
        with pytest.raises(ConnectionLostError, match="certificate: localhost: ") as caught:
            await dial(url)
        assert caught.value.trouble.cure is Cure.STOP
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        async with await dial(url):
            pass


async def test_a_proxy_is_used_and_its_refusal_told(monkeypatch):
    asked = []

    async def proxy(stream):
        async with stream:
            asked.append((await stream.receive_some()).split(b"\r\n")[0])
            await stream.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    async with listening(proxy) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "example.org")
        with pytest.raises(ConnectionLostError, match=r"the proxy 127\.0\.0\.1 says: .*407"):
            await dial("wss://api.example.com/v1/realtime")
        assert proxy_for("example.org") is None
    assert asked == [b"CONNECT api.example.com:443 HTTP/1.1"]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"OpenAI-Project": "proj_1"}, True),
        ({"Authorization": "Bearer x"}, False),
        ({"OpenAI-Beta": "realtime=v1"}, False),
        ({"X": "a\r\nb"}, False),
        ({"X Y": "a"}, False),
    ],
)
def test_which_headers_are_allowed(headers, allowed):
    assert (are_headers(headers) is None) is allowed


def test_how_the_key_is_sent():
    assert key_header("bearer", "k") == {"Authorization": "Bearer k"}
    assert key_header("api-key", "k") == {"api-key": "k"}
    assert key_header("none", "k") == {}


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

    return lambda seq: shoot(fakes.change(seq, fakes.BOX), [View((fakes.BOX,), (8, 8))], 80)
