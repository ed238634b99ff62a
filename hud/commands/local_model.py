"""The model on this machine, started inside the program that uses it."""

from __future__ import annotations

import contextlib
import importlib.util
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from hud.commands.console import say
from hud.errors import UsageError

if TYPE_CHECKING:
    from hud.local.worker import LocalReader


def has_local_extra() -> bool:
    """Whether the extra `local` is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def need_local_extra(
    instead: str = "or name a server with --set realtime.url=wss://...",
) -> None:
    """Refuse to go on without the extra `local`, and say what to do `instead` of installing it."""
    if not has_local_extra():
        raise UsageError(f"the local model is not installed: pip install '.[local]', {instead}")


@contextlib.asynccontextmanager
async def open_local_model(reader: LocalReader | None = None) -> AsyncIterator[tuple[str, str]]:
    """Start the local model and its server; its address and the key that only we know.

    A reader that runs already serves both.
    """
    from hud.local.server import open_server
    from hud.local.worker import open_reader

    key = secrets.token_urlsafe(24)
    # The server is ours, so it need not copy the hour after which OpenAI ends a session.
    for_ever = 10 * 365 * 86400.0
    async with (
        contextlib.nullcontext(reader) if reader else open_reader() as model,
        open_server(model, key=key, lifetime=for_ever, warn=say) as address,
    ):
        yield address.url, key
