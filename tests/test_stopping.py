from __future__ import annotations

import signal

import pytest
import trio

from hud.errors import PipelineError
from hud.stopping import TOGETHER, stopping


async def test_signals_that_come_together_are_one(autojump_clock):
    """As timeout(1) sends them."""
    async with stopping() as stop:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
            await trio.sleep(TOGETHER / 5)
        assert stop.is_set()
        await trio.sleep(10)


async def test_a_second_signal_stops_at_once(autojump_clock):
    with pytest.raises(PipelineError, match="second signal"):
        async with stopping() as stop:
            signal.raise_signal(signal.SIGINT)
            await stop.wait()
            await trio.sleep(2 * TOGETHER)
            signal.raise_signal(signal.SIGINT)
            await trio.sleep_forever()
