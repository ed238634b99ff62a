"""`hud serve`: the local model's Realtime server alone."""

from __future__ import annotations

import argparse
import os
import secrets
import socket

from hud.commands.console import say
from hud.commands.local_model import need_local_extra
from hud.commands.setup import start
from hud.errors import UsageError
from hud.stage import variable_name
from hud.stopping import stopping


def serve(given: argparse.Namespace) -> None:
    """Run the local model's server for other programs."""
    need_local_extra()
    problem = variable_name(given.key_env)
    if problem is not None:
        raise UsageError(f"--key-env: {problem}")
    key = os.environ.get(given.key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the key in {given.key_env} contains odd characters")
    _need_port(given.port)
    start(_serve, given.port, key, given.key_env)


def _need_port(port: int) -> None:
    """Refuse to start on a port that is not free."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {os.strerror(error.errno or 0)}; choose another with "
            "--port, or 0 for any free one"
        ) from None


async def _serve(port: int, key: str, key_env: str) -> None:
    from hud.local.server import open_server
    from hud.local.worker import open_reader

    wanted = key or secrets.token_urlsafe(24)
    async with (
        stopping() as stop,
        # It starts once the port is ours.
        open_reader(at_once=False) as model,
        open_server(model, port=port, key=wanted, warn=say) as address,
    ):
        await model.start()
        if not key:
            say(f"{key_env} is not set; clients must send this key: {wanted}")
        say(f"listening on {address.url}; Ctrl-C stops")
        await stop.wait()
