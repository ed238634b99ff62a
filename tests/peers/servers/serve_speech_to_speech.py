"""Hugging Face's speech-to-speech as a Realtime server without ears and voice.

Runs in an environment of its own: `python serve_speech_to_speech.py CHAT_URL`, where CHAT_URL is
the base of an OpenAI-compatible chat API that answers. Prints its port, then serves for ever.
"""

import socket
import sys
import threading
from queue import Queue

import uvicorn
from speech_to_speech.api.openai_realtime.pipeline_unit import PipelineUnit
from speech_to_speech.api.openai_realtime.service import RealtimeService
from speech_to_speech.api.openai_realtime.websocket_router import create_app
from speech_to_speech.baseHandler import BaseHandler
from speech_to_speech.LLM.chat_completions_language_model import ChatCompletionsApiModelHandler
from speech_to_speech.LLM.lm_output_processor import LMOutputProcessor
from speech_to_speech.pipeline.cancel_scope import CancelScope
from speech_to_speech.pipeline.messages import AUDIO_RESPONSE_DONE, EndOfResponse


class Deaf(BaseHandler):
    """Stands where speech is recognised; hears nothing."""

    def process(self, _sound):
        return iter(())


class Mute(BaseHandler):
    """Stands where speech is made; only says when a response is over."""

    def process(self, item):
        if isinstance(item, EndOfResponse):
            yield AUDIO_RESPONSE_DONE


def unit(chat, stop):
    sound, prompts, words, checked, spoken, asides = (Queue() for _ in range(6))
    should_listen, cancelled = threading.Event(), CancelScope()
    model = {"base_url": chat, "api_key": "none", "cancel_scope": cancelled}
    handlers = [
        Deaf(stop, sound, prompts),
        ChatCompletionsApiModelHandler(stop, prompts, words, setup_kwargs=model),
        LMOutputProcessor(stop, words, checked, setup_kwargs={"text_output_queue": asides}),
        Mute(stop, checked, spoken),
    ]
    return PipelineUnit(
        index=0,
        service=RealtimeService(text_prompt_queue=prompts, should_listen=should_listen),
        cancel_scope=cancelled,
        should_listen=should_listen,
        response_playing=threading.Event(),
        input_queue=sound,
        output_queue=spoken,
        text_output_queue=asides,
        text_prompt_queue=prompts,
        handlers=handlers,
    )


def main():
    stop = threading.Event()
    units = [unit(sys.argv[1], stop)]
    for handler in units[0].handlers:
        threading.Thread(target=handler.run, daemon=True).start()
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(create_app(units, stop), log_level="warning"))
    server.run(sockets=[listening])


main()
