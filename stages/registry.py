"""Every stage that a configuration can choose, by section and by its name under `use`."""

from __future__ import annotations

from stages.capture.replay import Replay
from stages.capture.screen import Screen
from stages.change.tiles import Tiles
from stages.change.whole_frame import WholeFrame
from stages.encode.jpeg import Jpeg
from stages.send.realtime import Realtime
from stages.sink.command import Command
from stages.sink.file import File
from stages.sink.notify import Notify
from stages.sink.sqlite import Sqlite
from stages.sink.terminal import Terminal
from stages.sink.webhook import Webhook

CAPTURES: dict[str, type] = {"screen": Screen, "replay": Replay}
CHANGES: dict[str, type] = {"tiles": Tiles, "whole-frame": WholeFrame}
ENCODERS: dict[str, type] = {"jpeg": Jpeg}
SENDERS: dict[str, type] = {"realtime": Realtime}
SINKS: dict[str, type] = {
    "terminal": Terminal,
    "file": File,
    "sqlite": Sqlite,
    "webhook": Webhook,
    "command": Command,
    "notify": Notify,
}

SECTIONS = {
    "capture": CAPTURES,
    "change": CHANGES,
    "encode": ENCODERS,
    "realtime": SENDERS,
    "sinks": SINKS,
}
"""In the order of the flow, as in a configuration; the first choice is the default."""
