"""Pipecat: from a frame to the text of its message, by its OpenAI service's own code."""

import asyncio
import types

from loguru import logger
from PIL import Image
from pipecat.frames.frames import InputImageRawFrame
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService as Service
from timing import given, report, timed


class Socket:
    """Keeps what is sent."""

    text = ""

    async def send(self, text):
        self.text = text


def main():
    logger.remove()
    pixels, width, height, count = given()
    rgb = Image.frombytes("RGBA", (width, height), pixels).convert("RGB").tobytes()
    socket = Socket()
    service = types.SimpleNamespace(
        _video_input_paused=False,
        _disconnecting=False,
        _websocket=socket,
        _video_frame_detail="auto",
    )
    service._ws_send = types.MethodType(Service._ws_send, service)
    service.send_client_event = types.MethodType(Service.send_client_event, service)
    loop = asyncio.new_event_loop()

    def message():
        service._last_sent_time = 0  # it leaves out what comes within a second
        frame = InputImageRawFrame(image=rgb, size=(width, height), format="RGB")
        loop.run_until_complete(Service._send_user_video(service, frame))
        return socket.text

    report(*timed(message, count))


main()
