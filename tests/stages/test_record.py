"""Recording the screen, also where the disk is full."""

from __future__ import annotations

import os

import attrs
import numpy as np
import pytest
import trio

from hud import scene as scenes
from hud.pipeline import run_recording
from stages.record import Record
from tests import fakes


@attrs.frozen
class Film:
    """A capture whose frames are all different, but for every second one."""

    most: int = 10
    period: float = 0.1

    async def run(self, inbox, outbox) -> None:
        seq = 0
        async for tick in inbox:
            seq += 1
            if seq > self.most:
                return
            pixels = np.full((8, 8, 4), seq // 2, np.uint8)
            await outbox.send(fakes.frame(seq, time=tick.time, pixels=pixels))


def modes(folder):
    return {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


async def record(folder, **film):
    recorder = Record(path=str(folder), fps=10.0)
    recorder.preflight()
    await run_recording(Film(**film), recorder, stop=trio.Event())


@pytest.mark.parametrize("there", [False, True])
async def test_only_the_owner_may_look_at_it(tmp_path, inline_threads, autojump_clock, there):
    folder, umask = tmp_path / "scene", os.umask(0o022)
    if there:
        folder.mkdir(mode=0o755)
    try:
        await record(folder)
    finally:
        os.umask(umask)
    assert modes(folder) == {"0o600"}
    assert there or folder.stat().st_mode & 0o777 == 0o700
    assert len(scenes.load(folder).files) == 10
