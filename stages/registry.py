"""Every stage that a configuration can choose, by section and by its name under `use`.

Captures and sinks can come from other packages too (`hud/plugins.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from hud.plugins import Choices
from stages.capture.auto import Auto
from stages.capture.damage import Damage
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
from stages.sink.web.sink import Web
from stages.sink.webhook import Webhook

CAPTURES = Choices(
    {"auto": Auto, "damage": Damage, "screen": Screen, "replay": Replay},
    "hud.captures",
    "capture",
    needs=("run", "period"),
)
CHANGES: dict[str, type] = {"tiles": Tiles, "whole-frame": WholeFrame}
ENCODERS: dict[str, type] = {"jpeg": Jpeg}
SENDERS: dict[str, type] = {"realtime": Realtime}
SINKS = Choices(
    {
        "terminal": Terminal,
        "file": File,
        "sqlite": Sqlite,
        "web": Web,
        "webhook": Webhook,
        "command": Command,
        "notify": Notify,
    },
    "hud.sinks",
    "sink",
)

SECTIONS: dict[str, Mapping[str, type]] = {
    "capture": CAPTURES,
    "change": CHANGES,
    "encode": ENCODERS,
    "realtime": SENDERS,
    "sinks": SINKS,
}
"""In the order of the flow, as in a configuration; the first choice is the default."""
