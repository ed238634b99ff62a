"""A turn of Pipecat: a pipeline from a frame of video to the words of an answer."""

import asyncio
import base64
import io

from common import ABSENT, MODEL, Given, digest, report
from loguru import logger
from PIL import Image
from pipecat.frames.frames import (
    EndFrame,
    InputImageRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
    MetricsFrame,
)
from pipecat.metrics.metrics import LLMUsageMetricsData
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner


class Service(OpenAIRealtimeLLMService):
    """Keeps the item that it made of the frame, and says when its session stands."""

    def __init__(self, **options):
        super().__init__(**options)
        self.shown, self.ready = None, asyncio.Event()

    async def send_client_event(self, event):
        if isinstance(event, events.ConversationItemCreateEvent):
            self.shown = self.shown or event.item
        await super().send_client_event(event)

    async def _handle_evt_session_updated(self, evt):
        await super()._handle_evt_session_updated(evt)
        self.ready.set()


class Ear(FrameProcessor):
    """Keeps what passes."""

    def __init__(self):
        super().__init__()
        self.pieces, self.bill = [], None
        self.over, self.problem = asyncio.Event(), asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            self.pieces.append(frame.text)
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.over.set()
        elif isinstance(frame, MetricsFrame):
            for datum in frame.data:
                if isinstance(datum, LLMUsageMetricsData):
                    self.bill = datum.value
        await self.push_frame(frame, direction)


async def refusal(attempt):
    try:
        return await attempt
    except Exception as problem:
        return str(problem)


async def converse(worker, service, ear, given):
    await service.ready.wait()
    picture = Image.open(io.BytesIO(given.jpeg)).convert("RGB")
    frame = InputImageRawFrame(image=picture.tobytes(), size=picture.size, format="RGB")
    context = LLMContext([{"role": "user", "content": "Look."}])
    await worker.queue_frames([frame, LLMContextFrame(context)])
    await ear.over.wait()
    kept = await service.retrieve_conversation_item(service.shown.id)
    error = await refusal(service.retrieve_conversation_item(ABSENT))
    await worker.queue_frame(EndFrame())
    return kept, error


async def main():
    given, complaints = Given(), []
    logger.remove()
    logger.add(complaints.append, level="WARNING")
    text_only = events.SessionProperties(output_modalities=["text"])
    service = Service(
        api_key=given.key,
        base_url=given.url,
        settings=Service.Settings(model=MODEL, session_properties=text_only),
    )
    ear = Ear()
    worker = PipelineWorker(
        Pipeline([service, ear]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    (kept, error), _ = await asyncio.gather(converse(worker, service, ear, given), runner.run())
    url = service.shown.content[0].image_url
    report(
        sent=digest(base64.b64decode(url.partition(",")[2])),
        kept=kept.content[0].image_url == url,
        pieces=ear.pieces,
        text="".join(ear.pieces),
        input_tokens=ear.bill.prompt_tokens,
        output_tokens=ear.bill.completion_tokens,
        error=error,
        complaints=complaints,
    )


asyncio.run(main())
