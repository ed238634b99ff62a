"""The server against the official SDK: whatever it sends must be what OpenAI's types describe."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from functools import partial

import cv2
import numpy as np
import openai
import pytest
import trio
import trio_websocket
import websockets
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from hud.errors import LocalModelError, UsageError
from hud.items import Rect
from hud.local.model import NOTHING
from hud.local.server import open_server
from hud.realtime import caption

KEY = "sk-local-0123456789"
MODEL = "gpt-realtime-1.5"
SERVER_EVENT = TypeAdapter(RealtimeServerEvent)
UNTYPED = {".session.object", ".session.id", ".session.expires_at", ".obfuscation"}


def unknown_keys(value, path=""):
    if isinstance(value, list):
        for element in value:
            yield from unknown_keys(element, path + "[]")
    elif hasattr(value, "model_extra"):
        yield from (f"{path}.{key}" for key in value.model_extra or ())
        for name in type(value).model_fields:
            yield from unknown_keys(getattr(value, name), f"{path}.{name}")


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
    line = caption.write("14:03:20", 1, (1280, 720), [Rect(10, 20, 300, 40)])

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
    assert sight.place.rect == Rect(10, 20, 300, 40)
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
