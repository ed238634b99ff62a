"""`hud serve`: the local model's Realtime server alone."""

from __future__ import annotations

import argparse
import os
import secrets

from hud.commands.console import say
from hud.commands.local_model import need_local_extra
from hud.commands.setup import start
from hud.stopping import stopping


def serve(given: argparse.Namespace) -> None:
    """Run the local model's server for other programs."""
    need_local_extra()
    key = os.environ.get(given.key_env) or secrets.token_urlsafe(24)
    if not os.environ.get(given.key_env):
        say(f"{given.key_env} is not set; clients must send this key: {key}")
    start(_serve, given.port, key)


async def _serve(port: int, key: str) -> None:
    from hud.local.server import open_server
    from hud.local.worker import open_reader

    async with (
        stopping() as stop,
        open_reader() as model,
        open_server(model, port=port, key=key, warn=say) as address,
    ):
        say(f"listening on {address.url}; Ctrl-C stops")
        await stop.wait()
