"""`hud doctor`: does the configured model's server answer, how fast, at what price."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

import attrs

from hud.commands.console import show
from hud.commands.local_model import open_local_model
from hud.commands.setup import configured, keyed, start
from stages.send.doctor import examine


def doctor(given: argparse.Namespace) -> None:
    """Try the configured model's server with one small picture."""
    start(_examine, keyed(configured(given).stages["realtime"]))


async def _examine(sender: Any) -> None:  # noqa: ANN401 - stages
    def report(step: str, outcome: str) -> None:
        show([f"{step:9} {outcome}"])

    async with contextlib.AsyncExitStack() as stack:
        free = sender.is_local
        if free:
            address, key = await stack.enter_async_context(open_local_model())
            sender = attrs.evolve(sender, url=address, key=key, model="local")
        await examine(sender, report, free=free)
