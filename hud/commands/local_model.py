"""The model on this machine, started inside the program that uses it."""

from __future__ import annotations

import contextlib
import importlib.util
import secrets
from collections.abc import AsyncIterator

from hud.errors import UsageError


def has_local_extra() -> bool:
    """Whether the extra `local` is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def need_local_extra() -> None:
    """Refuse to go on without the extra `local`."""
    if not has_local_extra():
        raise UsageError(
            "the local model is not installed: pip install 'hud[local]', or name a server with "
            "--set realtime.url=wss://..."
        )


@contextlib.asynccontextmanager
async def open_local_model() -> AsyncIterator[tuple[str, str]]:
    """Start the local model and its server; its address and the key that only we know."""
    from hud.local.server import open_server
    from hud.local.worker import open_reader

    key = secrets.token_urlsafe(24)
    # The server is ours, so it need not copy the hour after which OpenAI ends a session.
    for_ever = 10 * 365 * 86400.0
    async with (
        open_reader() as model,
        open_server(model, key=key, lifetime=for_ever) as address,
    ):
        yield address.url, key
