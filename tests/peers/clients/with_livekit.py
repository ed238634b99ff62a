"""A turn of LiveKit's Realtime plugin.

It waits for `conversation.item.added` of its item and for its `metadata` in `response.created`.
"""

import asyncio

import aiohttp
from common import ABSENT, MODEL, Given, Log, digest, report
from livekit.agents import llm
from livekit.plugins.openai import realtime


async def turn(session, given):
    """Show and ask; that the answer is ours, the plugin knows from the metadata it gets back."""
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=["Look.", llm.ImageContent(image=given.data_url)])
    await session.update_chat_ctx(context)
    generation = await session.generate_reply()
    pieces = []
    async for message in generation.message_stream:
        pieces += [piece async for piece in message.text_stream]
    return pieces, generation.user_initiated


async def converse(session, given):
    bills, problems = asyncio.Queue(), asyncio.Queue()
    session.on("metrics_collected", bills.put_nowait)
    session.on("error", problems.put_nowait)
    pieces, ours = await turn(session, given)
    bill = await bills.get()
    while not bill.request_id:  # the first ones are about the connection
        bill = await bills.get()
    session.send_event({"type": "conversation.item.delete", "item_id": ABSENT})
    return pieces, ours, bill, await problems.get()


async def main():
    given, log = Given(), Log("livekit")
    async with aiohttp.ClientSession() as http:
        model = realtime.RealtimeModel(
            model=MODEL,
            base_url=given.base_url,
            api_key=given.key,
            modalities=["text"],
            turn_detection=None,
            http_session=http,
        )
        session = model.session()
        pieces, ours, bill, problem = await converse(session, given)
        await session.aclose()
    report(
        sent=digest(given.jpeg),
        pieces=pieces,
        text="".join(pieces),
        input_tokens=bill.input_tokens,
        image_tokens=bill.input_token_details.image_tokens,
        output_tokens=bill.output_tokens,
        ours=ours,
        error=problem.error.body.message,
        # It logs every error event, so that the one asked for is among them.
        complaints=[line for line in log.lines if ABSENT not in line],
    )


asyncio.run(main())
