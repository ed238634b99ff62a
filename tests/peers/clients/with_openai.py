"""A turn of OpenAI's own client."""

import asyncio

import openai
from common import ABSENT, MODEL, TURN, Given, digest, report


async def turn(connection, given):
    content = [{"type": "input_image", "image_url": given.data_url}]
    await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
    await connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": content}
    )
    await connection.response.create(response={"metadata": TURN})
    deltas = []
    async for event in connection:
        if event.type == "response.output_text.delta":
            deltas.append(event.delta)
        elif event.type == "response.done":
            done = event.response
            await connection.conversation.item.delete(item_id=ABSENT)
        elif event.type == "error":
            break
    return deltas, done, event.error


async def main():
    given = Given()
    async with (
        openai.AsyncOpenAI(api_key=given.key, base_url=given.base_url) as client,
        client.realtime.connect(model=MODEL) as connection,
    ):
        deltas, done, error = await turn(connection, given)
    report(
        sent=digest(given.jpeg),
        pieces=deltas,
        text=done.output[0].content[0].text,
        input_tokens=done.usage.input_tokens,
        image_tokens=done.usage.input_token_details.image_tokens,
        output_tokens=done.usage.output_tokens,
        metadata=done.metadata,
        error=error.message,
        complaints=[],
    )


asyncio.run(main())
