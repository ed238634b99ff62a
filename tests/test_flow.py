from __future__ import annotations

import pytest

from hud.flow import Flow
from stages.capture.replay import Replay
from stages.capture.screen import Screen
from stages.send.realtime import LOCAL, Realtime
from stages.sink.command import Command
from stages.sink.file import File
from stages.sink.notify import Notify
from stages.sink.webhook import Webhook

LOCALLY, THERE = Realtime(url=LOCAL), Realtime(model="gpt-realtime", url="wss://api.openai.com/v1")
HOOK = Webhook(url="https://hooks.example.com/secret")


@pytest.mark.parametrize(
    ("capture", "sender", "sinks", "short", "notes_by"),
    [
        (Screen(), LOCALLY, [File(path="a")], "monitor 1 → this machine",
         "the local model, nothing leaves this machine"),
        (Screen(monitor="all"), THERE, [], "all monitors → api.openai.com",
         "gpt-realtime at api.openai.com"),
        (Screen(region=(0, 0, 99, 99)), LOCALLY, [HOOK],
         "a part of monitor 1 → this machine → hooks.example.com",
         "the local model; notes go to hooks.example.com"),
        (Replay(path="a"), THERE, [HOOK, HOOK, Notify(), Command(argv=("/bin/mail", "me"))],
         "a recording → api.openai.com → hooks.example.com, the services of HUD_NOTIFY_URLS, mail",
         "gpt-realtime at api.openai.com; notes go to hooks.example.com, the services of "
         "HUD_NOTIFY_URLS, mail"),
        (object(), LOCALLY, [Webhook(url="http://127.0.0.1:9/")], "the screen → this machine",
         "the local model, nothing leaves this machine"),
    ],
)  # fmt: skip
def test_it_says_what_is_watched_and_what_leaves(capture, sender, sinks, short, notes_by):
    flow = Flow.of(capture, sender, sinks)
    assert (flow.short, flow.notes_by) == (short, notes_by)
    assert "secret" not in flow.short
