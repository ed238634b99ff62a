"""The server against the official SDK: whatever it sends must be what OpenAI's types describe."""

from __future__ import annotations

import asyncio
import base64
import contextlib

import cv2
import numpy as np
import openai
import orjson
import pytest
import trio
import trio_websocket
import websockets

from hud.errors import LocalModelError, UsageError
from hud.local.server import open_server
from hud.realtime import caption
from hud.realtime.prompt import NOTHING
from hud.rect import Rect
from tests.sdk import SERVER_EVENT, UNTYPED, unknown_keys

KEY = "sk-local-0123456789"
MODEL = "gpt-realtime-1.5"


def picture(width=1280, height=720, value=40):
    pixels = np.full((height, width, 3), value, np.uint8)
    data = cv2.imencode(".jpg", pixels)[1].tobytes()
    return data, "data:image/jpeg;base64," + base64.b64encode(data).decode()


class FakeModel:
    """Answers with what it is told to; `wait` says when."""

    def __init__(self, text="A terminal shows FAIL."):
        self.text = text
        self.seen = []
        self.forgotten = []
        self.left = trio.Event()
        self.cancelled = 0
        self.wait = trio.Event()
        self.wait.set()
        self.problem = None

    async def note(self, session, sights):
        self.seen.append((session, tuple(sights)))
        try:
            await self.wait.wait()
        except trio.Cancelled:
            self.cancelled += 1
            raise
        if self.problem is not None:
            raise self.problem
        return self.text

    def forget(self, session):
        self.forgotten.append(session)
        self.left.set()


class Talk:
    """The SDK's connection; every event that arrives is checked against its types."""

    def __init__(self, connection):
        self.connection = connection

    async def send(self, **event):
        await self.connection.send(event)

    async def next(self):
        raw = await self.connection.recv_bytes()
        event = SERVER_EVENT.validate_json(raw)
        assert event.event_id
        assert set(unknown_keys(event)) <= UNTYPED
        return event

    async def expect(self, *kinds):
        events = [await self.next() for _ in kinds]
        assert [event.type for event in events] == list(kinds)
        return events[-1]

    async def until(self, kind):
        events = [await self.next()]
        while events[-1].type != kind:
            events.append(await self.next())
        return events

    async def show(self, item_id, uri, text="look"):
        parts = [
            {"type": "input_text", "text": text},
            {"type": "input_image", "image_url": uri, "detail": "high"},
        ]
        item = {"id": item_id, "type": "message", "role": "user", "content": parts}
        await self.send(type="conversation.item.create", item=item)
        return await self.expect("conversation.item.added", "conversation.item.done")


async def with_sdk(address, dialogue, **options):
    """Run `dialogue(talk)` with the SDK in a thread that has asyncio."""

    async def main():
        base = address.url.removesuffix("/realtime").replace("ws://", "http://")
        async with openai.AsyncOpenAI(api_key=KEY, base_url=base, max_retries=0) as client:
            connecting = client.realtime.connect(model=options.get("model", MODEL))
            async with asyncio.timeout(10), connecting as connection:
                talk = Talk(connection)
                created = await talk.expect("session.created")
                await dialogue(talk, created)

    with trio.fail_after(15):
        await trio.to_thread.run_sync(asyncio.run, main())


TEXT_ONLY = {"type": "realtime", "output_modalities": ["text"], "max_output_tokens": 300}


async def test_a_turn_as_the_sdk_sees_it():
    jpeg, uri = picture()
    model = FakeModel()
    line = caption.write("14:03:20", 1, (1280, 720), [[Rect(10, 20, 300, 40)]])

    async def dialogue(talk, created):
        assert created.session.output_modalities == ["audio"]
        assert created.session.model == MODEL
        await talk.send(type="session.update", session={**TEXT_ONLY, "instructions": "Watch."})
        updated = await talk.expect("session.updated")
        assert updated.session.instructions == "Watch."
        assert updated.session.audio.input.turn_detection.type == "server_vad"
        done = await talk.show("img_1", uri, line)
        assert done.item.content[1].image_url == uri
        response = {"output_modalities": ["text"], "metadata": {"turn": "17"}}
        await talk.send(type="response.create", response=response)
        events = await talk.until("rate_limits.updated")
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert len(deltas) > 1
        assert "".join(deltas) == model.text
        done = events[-2].response
        assert done.status == "completed"
        assert done.metadata == {"turn": "17"}
        assert done.output[0].content[0].text == model.text
        usage = done.usage
        details = usage.input_token_details
        assert details.image_tokens == 323
        assert usage.input_tokens == details.text_tokens + details.image_tokens
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
        await talk.send(type="conversation.item.delete", item_id="img_1")
        assert (await talk.expect("conversation.item.deleted")).item_id == "img_1"

    async with open_server(model, key=KEY) as address:
        await with_sdk(address, dialogue)
    [(session, [sight])] = model.seen
    assert sight.jpeg == jpeg
    assert sight.place.rects == (Rect(10, 20, 300, 40),)
    assert model.forgotten == [session]


async def test_a_refused_update_names_the_field_and_the_event():
    async def dialogue(talk, created):
        session = {**TEXT_ONLY, "temperature": 0.7}
        await talk.send(type="session.update", event_id="cli_1", session=session)
        error = (await talk.expect("error")).error
        assert (error.code, error.param) == ("unknown_parameter", "session.temperature")
        assert error.event_id == "cli_1"
        await talk.send(type="session.update", session={"type": "realtime"})
        assert (await talk.expect("session.updated")).session == created.session

    async with open_server(FakeModel(), key=KEY) as address:
        await with_sdk(address, dialogue)


async def test_one_response_writes_while_others_run_beside_it():
    _, uri = picture()
    model = FakeModel()
    model.wait = trio.Event()

    async def dialogue(talk, _):
        await talk.send(type="session.update", session=TEXT_ONLY)
        await talk.expect("session.updated")
        await talk.show("img_1", uri)
        await talk.send(type="response.create")
        active = (await talk.expect("response.created")).response
        await talk.send(type="response.create", event_id="cli_2")
        error = (await talk.expect("error")).error
        assert error.code == "conversation_already_has_active_response"
        assert active.id in error.message
        given = [{"type": "item_reference", "id": "img_1"}]
        beside = {"conversation": "none", "input": given, "metadata": {"beside": "yes"}}
        await talk.send(type="response.create", response=beside)
        created = (await talk.expect("response.created")).response
        assert created.conversation_id is None
        await talk.send(type="response.cancel", response_id=active.id)
        cancelled = (await talk.until("rate_limits.updated"))[0].response
        assert (cancelled.id, cancelled.status) == (active.id, "cancelled")
        assert cancelled.status_details.reason == "client_cancelled"
        await asyncio.to_thread(release)
        events = await talk.until("response.done")
        assert events[-1].response.metadata == {"beside": "yes"}
        assert events[-1].response.status == "completed"
        assert not [event for event in events if event.type.startswith("conversation.")]

    token = trio.lowlevel.current_trio_token()

    def release():
        trio.from_thread.run_sync(model.wait.set, trio_token=token)

    async with open_server(model, key=KEY) as address:
        await with_sdk(address, dialogue)
    assert len(model.seen) == 2
    assert model.cancelled == 1


async def test_a_reference_answers_with_the_pictures_of_the_conversation():
    jpeg, uri = picture()
    other, other_uri = picture(512, 512, 90)
    model = FakeModel("")

    async def dialogue(talk, _):
        await talk.show("img_1", uri)
        message = {"type": "message", "role": "user"}
        message["content"] = [{"type": "input_image", "image_url": other_uri}]
        response = {
            "conversation": "none",
            "output_modalities": ["text"],
            "input": [{"type": "item_reference", "id": "img_1"}, message],
        }
        await talk.send(type="response.create", response=response)
        events = await talk.until("response.done")
        done = events[-1].response
        assert done.output[0].content[0].text == NOTHING
        assert done.usage.input_token_details.image_tokens == 323 + 194

    async with open_server(model, key=KEY) as address:
        await with_sdk(address, dialogue)
    assert [[sight.jpeg for sight in sights] for _, sights in model.seen] == [[jpeg, other]]


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (LocalModelError("the worker died"), "The model failed: the worker died"),
        (ValueError("text from a screen"), "The model failed (ValueError)."),
    ],
)
async def test_a_failing_model_fails_its_response_only(problem, words):
    _, uri = picture()
    model = FakeModel()
    model.problem = problem

    async def dialogue(talk, _):
        await talk.show("img_1", uri)
        await talk.send(type="response.create")
        done = (await talk.until("response.done"))[-1].response
        assert done.status == "failed"
        assert done.status_details.error.type == "server_error"
        assert done.status_details.error.message == words
        model.problem = None
        await talk.send(type="response.create")
        assert (await talk.until("response.done"))[-1].response.status == "completed"

    async with open_server(model, key=KEY) as address:
        await with_sdk(address, dialogue)
    assert [len(sights) for _, sights in model.seen] == [1, 1]


async def test_audio_output_comes_as_a_transcript_only():
    _, uri = picture()

    async def dialogue(talk, _):
        await talk.show("img_1", uri)
        await talk.send(type="response.create")
        events = await talk.until("response.done")
        heard = [one for one in events if one.type == "response.output_audio_transcript.delta"]
        assert "".join(one.delta for one in heard) == "A terminal shows FAIL."
        assert events[-1].response.output[0].content[0].transcript == "A terminal shows FAIL."

    async with open_server(FakeModel(), key=KEY) as address:
        await with_sdk(address, dialogue)


async def test_the_session_ends_by_the_clock(autojump_clock):
    autojump_clock.autojump_threshold = 0.01  # the sockets are real
    async with (
        open_server(FakeModel(), key=KEY) as address,
        open_client(address) as (client, receive),
    ):
        created = await receive()
        await trio.sleep(3599)
        await client.send_message('{"type":"input_audio_buffer.clear"}')
        assert (await receive())["type"] == "input_audio_buffer.cleared"
        error = (await receive())["error"]
        assert error["code"] == "session_expired"
        assert "60 minutes" in error["message"]
        with pytest.raises(trio_websocket.ConnectionClosed) as closed:
            await receive()
        assert closed.value.reason.code == 1001
        assert closed.value.reason.reason == error["message"]
    assert created["session"]["expires_at"] > 3600


async def test_the_sdk_sees_the_end_of_the_session():
    async def dialogue(talk, _):
        assert (await talk.expect("error")).error.code == "session_expired"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await talk.next()
        assert closed.value.rcvd.code == 1001

    async with open_server(FakeModel(), key=KEY, lifetime=0.2) as address:
        await with_sdk(address, dialogue)


@contextlib.asynccontextmanager
async def open_client(address, headers=None, subprotocols=(), query=f"?model={MODEL}"):
    """A raw client and a function that receives one checked event."""
    if headers is None:
        headers = [("Authorization", f"Bearer {KEY}")]
    target = "/v1/realtime" + query
    sent = [(name.encode(), value.encode()) for name, value in headers]
    # The stream is ours, because this library never closes it when the server was first to close.
    stream = await trio.open_tcp_stream(address.host, address.port)
    async with stream, trio.open_nursery() as nursery:
        client = await trio_websocket.wrap_client_stream(
            nursery, stream, address.host, target, subprotocols=subprotocols, extra_headers=sent
        )

        async def receive():
            raw = await client.get_message()
            event = SERVER_EVENT.validate_json(raw)
            assert set(unknown_keys(event)) <= UNTYPED
            return orjson.loads(raw)

        yield client, receive
        nursery.cancel_scope.cancel()


BEARER = ("Authorization", f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ([], f"?model={MODEL}", 401, "invalid_api_key"),
        ([("Authorization", "Bearer sk-wrong")], f"?model={MODEL}", 401, "invalid_api_key"),
        ([("Authorization", KEY)], f"?model={MODEL}", 401, "invalid_api_key"),
        ([("api-key", "")], f"?model={MODEL}", 401, "invalid_api_key"),
        ([BEARER], "", 400, "missing_required_parameter"),
        ([BEARER], f"/more?model={MODEL}", 404, "not_found"),
        ([BEARER, ("Origin", "https://evil.example")], f"?model={MODEL}", 403, "invalid_origin"),
        ([BEARER, ("Origin", "null")], f"?model={MODEL}", 403, "invalid_origin"),
        ([BEARER, ("Origin", "http://[")], f"?model={MODEL}", 403, "invalid_origin"),
    ],
)
async def test_an_upgrade_that_is_refused(headers, path, status, code):
    async with open_server(FakeModel(), key=KEY) as address:
        try:
            async with open_client(address, headers, query=path):
                pytest.fail("the upgrade was accepted")
        except* trio_websocket.ConnectionRejected as group:
            [caught] = group.exceptions
    assert caught.status_code == status
    assert orjson.loads(caught.body)["error"]["code"] == code


@pytest.mark.parametrize(
    ("headers", "subprotocols", "answered"),
    [
        ([("api-key", KEY)], (), None),
        ([BEARER, ("Origin", "http://localhost:3000")], (), None),
        ([], ("realtime", f"openai-insecure-api-key.{KEY}"), "realtime"),
    ],
)
async def test_the_ways_to_bring_the_key(headers, subprotocols, answered):
    async with (
        open_server(FakeModel(), key=KEY) as address,
        open_client(address, headers, subprotocols) as (client, receive),
    ):
        assert (await receive())["type"] == "session.created"
        assert client.subprotocol == answered


async def test_the_sdk_understands_a_wrong_key():
    async def main():
        base = address.url.removesuffix("/realtime").replace("ws://", "http://")
        async with openai.AsyncOpenAI(api_key="sk-wrong", base_url=base) as client:
            with pytest.raises(websockets.InvalidStatus) as caught:
                async with client.realtime.connect(model=MODEL):
                    pass
        assert caught.value.response.status_code == 401

    async with open_server(FakeModel(), key=KEY) as address:
        await trio.to_thread.run_sync(asyncio.run, main())


async def test_the_beta_shape_is_refused_as_the_real_service_does():
    headers = [BEARER, ("OpenAI-Beta", "realtime=v1")]
    async with (
        open_server(FakeModel(), key=KEY) as address,
        open_client(address, headers) as (_, receive),
    ):
        assert (await receive())["error"]["code"] == "beta_api_shape_disabled"
        with pytest.raises(trio_websocket.ConnectionClosed) as closed:
            await receive()
    assert closed.value.reason.code == 4000
    assert closed.value.reason.reason == "invalid_request_error.beta_api_shape_disabled"


async def test_rubbish_leaves_the_socket_open():
    async with (
        open_server(FakeModel(), key=KEY) as address,
        open_client(address) as (client, receive),
    ):
        await receive()
        for message in ("not json", b"\x00\x01", "[]", '{"type":"nonsense"}'):
            await client.send_message(message)
            assert (await receive())["type"] == "error"
        await client.ping()


async def test_reading_goes_on_while_the_model_thinks_and_while_nobody_reads():
    _, uri = picture()
    model = FakeModel()
    model.wait = trio.Event()
    part = {"type": "input_image", "image_url": uri}
    item = {"type": "message", "role": "user", "content": [part]}
    create = orjson.dumps({"type": "conversation.item.create", "item": item}).decode()
    async with (
        open_server(model, key=KEY) as address,
        open_client(address) as (client, receive),
    ):
        await client.send_message(create)
        await client.send_message('{"type":"response.create"}')
        for _ in range(4):
            await receive()
        with trio.fail_after(5):
            await client.ping()
            padded = orjson.dumps({"type": "nonsense", "x": "y" * 2**22}).decode()
            for _ in range(4):
                await client.send_message(padded)
        model.wait.set()
        while (await receive())["type"] != "response.done":
            pass


def create(text):
    item = {"id": "long", "type": "message", "role": "user"}
    item["content"] = [{"type": "input_text", "text": text}]
    return orjson.dumps({"type": "conversation.item.create", "item": item}).decode()


RETRIEVE = '{"type":"conversation.item.retrieve","item_id":"long"}'


async def test_a_client_that_reads_may_take_many_times_what_may_wait(monkeypatch):
    monkeypatch.setattr("hud.local.connection.MOST_UNSENT", 20_000)
    async with (
        open_server(FakeModel(), key=KEY) as address,
        open_client(address) as (client, receive),
    ):
        await receive()
        await client.send_message(create("z" * 6000))
        for _ in range(2):
            await receive()
        with trio.fail_after(20):
            for _ in range(40):
                await client.send_message(RETRIEVE)
                assert (await receive())["type"] == "conversation.item.retrieved"


async def test_a_client_that_stops_reading_is_dropped(monkeypatch):
    monkeypatch.setattr("hud.local.connection.MOST_UNSENT", 1_000_000)
    model = FakeModel()
    async with (
        open_server(model, key=KEY) as address,
        open_client(address) as (client, receive),
    ):
        await receive()
        await client.send_message(create("z" * 200_000))
        with trio.fail_after(20):
            # 20 MB, of which the kernel takes some before anything waits; then asking fails.
            with contextlib.suppress(trio_websocket.ConnectionClosed):
                for _ in range(100):
                    await client.send_message(RETRIEVE)
            await model.left.wait()


async def test_leaving_says_goodbye_and_forgets():
    model = FakeModel()
    async with trio.open_nursery() as nursery:
        leave = trio.Event()
        addresses, received = trio.open_memory_channel(1)

        async def serve():
            async with open_server(model, key=KEY) as address:
                addresses.send_nowait(address)
                await leave.wait()

        nursery.start_soon(serve)
        with trio.fail_after(5):
            async with open_client(await received.receive()) as (_, receive):
                await receive()
                leave.set()
                with pytest.raises(trio_websocket.ConnectionClosed) as closed:
                    await receive()
    assert closed.value.reason.code == 1001
    assert len(model.forgotten) == 1


async def test_cancelling_the_server_ends_everything_at_once():
    model = FakeModel()
    model.wait = trio.Event()
    part = {"type": "input_image", "image_url": picture()[1]}
    item = {"type": "message", "role": "user", "content": [part]}
    create = orjson.dumps({"type": "conversation.item.create", "item": item}).decode()
    with trio.move_on_after(5) as scope:
        async with (
            open_server(model, key=KEY) as address,
            open_client(address) as (client, receive),
        ):
            await client.send_message(create)
            await client.send_message('{"type":"response.create"}')
            for _ in range(4):
                await receive()
            scope.cancel()
            await trio.sleep_forever()
    assert model.cancelled == 1
    assert len(model.forgotten) == 1


async def test_garbage_on_the_port_harms_nobody_else():
    async with open_server(FakeModel(), key=KEY) as address:
        for data in (b"", b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"GET /v1/realtime HT"):
            stream = await trio.open_tcp_stream(address.host, address.port)
            await stream.send_all(data)
            await stream.aclose()
        async with open_client(address) as (_, receive):
            assert (await receive())["type"] == "session.created"


async def asked(address, lines):
    """What is answered to a request for an upgrade before the connection is closed."""
    fixed = ["Upgrade: websocket", "Sec-WebSocket-Key: eDEyMzQ1Njc4OTAxMjM0NQ==",
             "Sec-WebSocket-Version: 13"]  # fmt: skip
    stream = await trio.open_tcp_stream(address.host, address.port)
    with trio.fail_after(5):
        async with stream:
            text = "\r\n".join([lines[0], *fixed, *lines[1:], "", ""])
            await stream.send_all(text.encode("latin-1"))
            return b"".join([data async for data in stream])


async def test_an_address_that_cannot_be_split_is_not_found():
    said = []
    async with open_server(FakeModel(), key=KEY, warn=said.append) as address:
        lines = ["GET //[ HTTP/1.1", "Host: localhost", "Connection: Upgrade"]
        assert (await asked(address, lines)).startswith(b"HTTP/1.1 404 ")
    assert said == []


@pytest.mark.parametrize(
    "name", ["Host", "Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]
)
async def test_a_header_that_no_library_can_read_ends_its_own_connection_only(name):
    """Told once, and by the error's name: what was sent may be anybody's."""
    said = []
    headers = {"Host": "localhost", "Connection": "Upgrade"} | {name: "private\xff"}
    lines = [f"{key}: {value}" for key, value in headers.items()]
    async with (
        open_server(FakeModel(), key=KEY, warn=said.append) as address,
        open_client(address) as (client, receive),
    ):
        await receive()
        for _ in range(2):
            await asked(address, ["GET /v1/realtime HTTP/1.1", *lines])
        await client.send_message('{"type":"input_audio_buffer.clear"}')
        assert (await receive())["type"] == "input_audio_buffer.cleared"
    [sentence] = said
    assert "UnicodeDecodeError" in sentence
    assert "private" not in sentence


@pytest.mark.parametrize(
    ("host", "key"), [("0.0.0.0", KEY), ("192.168.1.2", KEY), ("example.org", KEY), ("::1", "")]
)
async def test_what_the_server_refuses_to_do(host, key):
    with pytest.raises(UsageError):
        async with open_server(FakeModel(), host=host, key=key):
            pass


async def test_a_port_that_is_taken_is_a_usage_error():
    async with open_server(FakeModel(), key=KEY) as address:
        with pytest.raises(UsageError, match="cannot listen"):
            async with open_server(FakeModel(), key=KEY, port=address.port):
                pass
