"""`hud record`: the screen as a scene."""

from __future__ import annotations

import argparse
from typing import Any

from hud.commands.console import say
from hud.commands.setup import open_document, shielded, start
from hud.config import build
from hud.errors import UsageError
from hud.pipeline import run_recording
from hud.privacy.pause import Pause
from hud.report import Reporter
from hud.stage import equip
from hud.stopping import limited, stopping
from stages.record import Record
from stages.registry import SECTIONS


def record(given: argparse.Namespace) -> None:
    """Record the screen as a scene."""
    settings = [*given.assignments, "capture.use=screen", f"capture.max_fps={given.fps}"]
    configuration = build(open_document(None, settings), SECTIONS)
    capture = equip(shielded(configuration, Pause(say)), warn=say)
    if isinstance(capture.monitor, str):
        raise UsageError("a scene holds one monitor: name it with --set capture.monitor=1")
    capture.preflight()
    recorder = Record(path=given.folder, fps=given.fps)
    recorder.preflight()
    start(_record, capture, recorder, given.seconds)


async def _record(capture: Any, recorder: Record, seconds: float | None) -> None:  # noqa: ANN401
    async with stopping() as stop, limited(stop, seconds):
        say(f"recording to {recorder.path}; Ctrl-C stops")
        await run_recording(capture, recorder, stop=stop, observer=Reporter(say))
