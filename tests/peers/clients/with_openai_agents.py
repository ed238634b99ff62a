"""Turns of OpenAI's Agents SDK, which checks every server event against OpenAI's types."""

import asyncio

from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.realtime.model_inputs import RealtimeModelSendRawMessage
from common import ABSENT, MODEL, TURN, Given, Log, digest, report


def raw(kind, **fields):
    return RealtimeModelSendRawMessage({"type": kind, "other_data": fields})


async def events_of(session):
    """The model's events; an error is the last."""
    async for event in session:
        if event.type == "error":
            yield event
            return
        if event.type == "raw_model_event":
            yield event.data


async def converse(session, given):
    """One turn the library's own way, one with metadata, for which it has no words, one error."""
    content = [{"type": "input_image", "image_url": given.data_url}]
    await session.send_message({"type": "message", "role": "user", "content": content})
    pieces, bills, ended = [], [], []
    async for event in events_of(session):
        if event.type == "error":
            break
        if event.type == "usage":
            bills.append(event)
        elif event.type == "output_text_delta" and not ended:
            pieces.append(event.delta)
        elif event.type == "raw_server_event" and event.data["type"] == "response.done":
            ended.append(event.data["response"])
            if len(ended) == 1:
                await session.model.send_event(raw("response.create", response={"metadata": TURN}))
            else:
                await session.model.send_event(raw("conversation.item.delete", item_id=ABSENT))
    return pieces, bills, ended, event.error


async def main():
    given, log = Given(), Log("openai.agents")
    settings = {"model_name": MODEL, "output_modalities": ["text"]}
    agent = RealtimeAgent(name="watcher", instructions="Watch.")
    runner = RealtimeRunner(agent, config={"model_settings": settings})
    url = f"{given.url}?model={MODEL}"
    async with await runner.run(model_config={"url": url, "api_key": given.key}) as session:
        pieces, bills, ended, error = await converse(session, given)
    report(
        sent=digest(given.jpeg),
        pieces=pieces,
        text=ended[0]["output"][0]["content"][0]["text"],
        input_tokens=bills[0].usage.input_tokens,
        image_tokens=bills[0].input_tokens_details.image_tokens,
        output_tokens=bills[0].usage.output_tokens,
        metadata=ended[1]["metadata"],
        error=getattr(error, "message", str(error)),
        complaints=log.lines,
    )


asyncio.run(main())
