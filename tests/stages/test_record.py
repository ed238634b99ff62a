"""Recording the screen, also where the disk is full."""

from __future__ import annotations

import os

import attrs
import numpy as np
import pytest
import trio

from hud import private
from hud import scene as scenes
from hud.errors import PipelineError
from hud.pipeline import run_recording
from hud.report import Reporter
from stages.record import Record
from tests import fakes
from tests.stages.sinking import tiny_disk


@attrs.frozen
class Film:
    """A capture whose frames are all different, but for every second one."""

    most: int = 10
    noise: bool = False
    period: float = 0.1

    async def run(self, inbox, outbox) -> None:
        seq = 0
        async for tick in inbox:
            seq += 1
            if seq > self.most:
                return
            pixels = np.full((8, 8, 4), seq // 2, np.uint8)
            if self.noise:
                pixels = np.random.default_rng(seq).integers(0, 256, (40, 60, 4), np.uint8)
            await outbox.send(fakes.frame(seq, time=tick.time, pixels=pixels))


def modes(folder):
    return {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


async def record(folder, said=None, **film):
    recorder = Record(path=str(folder), fps=10.0)
    recorder.preflight()
    observer = Reporter((said if said is not None else []).append)
    await run_recording(Film(**film), recorder, stop=trio.Event(), observer=observer)


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


def full_after(monkeypatch, count, *errors):
    """Let the writing of files fail when there are so many, once with each of these errors."""
    write, left = private.write, list(errors)

    def failing(path, data):
        if left and len(list(path.parent.iterdir())) >= count:
            raise left.pop(0)
        write(path, data)

    monkeypatch.setattr(private, "write", failing)


async def test_a_full_disk_ends_it_in_one_clear_line(
    tmp_path, inline_threads, autojump_clock, monkeypatch
):
    full_after(monkeypatch, 3, OSError(28, "No space left on device"))
    said = []
    ends = rf"^{tmp_path}: the recording ends here: No space left on device$"
    with pytest.raises(PipelineError, match=ends):
        await record(tmp_path, said)
    assert said == []
    # Frame 1 has a picture, 2 and 3 share one, 4 and 5 too; that of 6 found no room.
    assert len(scenes.load(tmp_path).files) == 5


async def test_a_disk_without_room_for_the_index_is_told_too(
    tmp_path, inline_threads, autojump_clock, monkeypatch
):
    full_after(monkeypatch, 3, *[OSError(28, "No space left on device")] * 2)
    with pytest.raises(PipelineError, match=r"ends here: No space left on device$"):
        await record(tmp_path)


async def test_who_starts_again_overwrites_nothing(
    tmp_path, inline_threads, autojump_clock, monkeypatch
):
    full_after(monkeypatch, 3, MemoryError("none left"))
    said = []
    await record(tmp_path, said, most=20)
    files = scenes.load(tmp_path).files
    assert [scenes.read_picture(tmp_path / name)[0, 0, 0] for name in files[:5]] == [0, 1, 1, 2, 2]
    assert scenes.read_picture(tmp_path / files[-1])[0, 0, 0] == 10
    assert len(set(files)) > 5
    assert said == ["record failed (MemoryError: none left), again in 0.25 s"]


async def test_a_disk_that_is_soon_full(tmp_path):
    with tiny_disk(tmp_path, "64k"):
        with pytest.raises(PipelineError, match=r"ends here: No space left on device$"):
            await record(tmp_path / "scene", most=1000, noise=True, period=0.01)
        assert modes(tmp_path / "scene") == {"0o600"}
