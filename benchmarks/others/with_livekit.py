"""LiveKit Agents: from a frame to the text of its message, by its OpenAI session's own code."""

import json
import types

from livekit import rtc
from livekit.agents.llm._realtime.openai import RealtimeSession
from timing import given, report, timed


def main():
    pixels, width, height, count = given()
    sent = []
    session = types.SimpleNamespace(send_event=sent.append)

    def message():
        frame = rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, pixels)
        RealtimeSession.push_video(session, frame)
        # As its sender does.
        event = sent.pop().model_dump(by_alias=True, exclude_unset=True, exclude_defaults=False)
        return json.dumps(event)

    report(*timed(message, count))


main()
