from __future__ import annotations

import itertools

import attrs
import numpy as np
import pytest
import trio

from hud import scene as scenes
from hud.errors import UsageError
from hud.items import Tick
from hud.rect import Rect
from stages.capture.replay import Replay
from stages.capture.screen import Screen, compare, grab, monitors

MONITORS = [
    {"left": 0, "top": 0, "width": 3200, "height": 1080},
    {"left": 0, "top": 0, "width": 1920, "height": 1080},
    {"left": 1920, "top": 0, "width": 1280, "height": 720},
]


@attrs.define
class Desktop:
    """What mss says, for a desktop of two monitors that counts its grabs."""

    monitors: list = attrs.field(factory=lambda: MONITORS)
    picture: int = 0

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        pass

    def close(self):
        pass

    def grab(self, box):
        raw = bytearray([self.picture]) * (box["width"] * box["height"] * 4)
        size = type("Size", (), {"width": box["width"], "height": box["height"]})
        return type("Shot", (), {"raw": raw, "size": size})


def test_which_part_of_the_desktop_is_watched():
    desktop = Desktop()
    assert list(Screen().chosen(monitors(desktop))) == [1]
    assert list(Screen(monitor="all").chosen(monitors(desktop))) == [1, 2]
    assert Screen(monitor=2).chosen(monitors(desktop))[2].x == 1920
    part = Screen(monitor=2, region=(10, 20, 300, 200)).chosen(monitors(desktop))[2]
    assert part == Rect(1930, 20, 300, 200)
    with pytest.raises(UsageError, match=r"there are: 1 \(1920x1080\), 2 \(1280x720\)"):
        Screen(monitor=3).chosen(monitors(desktop))
    with pytest.raises(UsageError, match="not inside monitor 2"):
        Screen(monitor="all", region=(0, 0, 1900, 1000)).chosen(monitors(desktop))


def test_a_still_screen_gives_the_same_array_again():
    desktop, box = Desktop(), Rect(1920, 0, 1280, 720)
    first, damage = compare(grab(desktop, box), None)
    assert first.shape == (720, 1280, 4)
    assert damage is None
    again, damage = compare(grab(desktop, box), first)
    assert again is first
    assert damage == ()


def test_the_bands_that_differ_are_the_damage():
    desktop, box = Desktop(), Rect(1920, 0, 1280, 720)
    before = grab(desktop, box).copy()
    before[100, 7] = before[101, 1279] = before[719, 0] = 9
    assert compare(grab(desktop, box), before)[1] == (Rect(0, 96, 1280, 32), Rect(0, 704, 1280, 16))
    other_size = before[:, :640].copy()
    assert compare(grab(desktop, box), other_size)[1] is None


async def test_every_monitor_has_frames_of_its_own(monkeypatch, inline_threads):
    desktop = Desktop()
    monkeypatch.setattr(Screen, "_open", lambda _self: desktop)
    ticks, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(99)
    for time in range(3):
        await ticks.send(Tick(time))
    ticks.close()
    with outbox:
        await Screen(monitor="all").run(inbox, outbox)
    frames = [frame async for frame in after]
    assert [frame.monitor for frame in frames] == [1, 2] * 3
    assert [frame.seq for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert [frame.damage for frame in frames] == [None, None, (), (), (), ()]


async def test_a_screen_at_rest_is_looked_at_less_often(autojump_clock):
    screen = Screen(max_fps=20, rest_fps=5)
    screen.activity.last = trio.current_time()
    assert screen.period == 1 / 20
    await trio.sleep(3)
    assert screen.period == 1 / 5
    assert Screen(max_fps=2, rest_fps=5).period == 1 / 2


async def test_a_recording_plays_at_its_own_pace_and_skips_what_it_is_late_for(tmp_path):
    files = [f"{number}.png" for number in range(10)]
    for number, file in enumerate(files):
        scenes.write_picture(tmp_path / file, np.full((4, 4, 4), number, np.uint8))
    scenes.write(scenes.Scene(tmp_path, "s", 4, 4, 10.0, tuple(files)), "")
    ticks, inbox = trio.open_memory_channel(99)
    outbox, after = trio.open_memory_channel(99)
    for time in (5.0, 5.1, 5.1, 5.5, 5.9, 6.0):
        await ticks.send(Tick(time))
    with outbox:
        await Replay(path=str(tmp_path)).run(inbox, outbox)
    frames = [frame async for frame in after]
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [0, 1, 1, 5, 9]
    assert [frame.damage for frame in frames] == [None, None, (), None, None]
    assert all(later.seq == earlier.seq + 1 for earlier, later in itertools.pairwise(frames))
