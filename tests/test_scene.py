from __future__ import annotations

import json

import numpy as np
import pytest

from hud import scene as scenes
from hud.errors import UsageError
from hud.packaged import config_file, recording


def test_a_picture_survives_writing_and_reading(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    scenes.write_picture(tmp_path / "0.png", pixels)
    assert np.array_equal(scenes.read_picture(tmp_path / "0.png")[..., :3], pixels[..., :3])


def test_what_is_written_can_be_loaded(tmp_path):
    for name in ("0.png", "1.png"):
        scenes.write_picture(tmp_path / name, np.zeros((10, 20, 4), np.uint8))
    scene = scenes.Scene(tmp_path, "mine", 20, 10, 10.0, ("0.png", "0.png", "1.png"))
    scenes.write(scene, "a test")
    assert scenes.load(tmp_path) == scene
    assert scene.picture("1.png").shape == (10, 20, 4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"frames": [{"t": 0, "file": "9.png"}]}, "9.png: the picture is missing"),
        ({"frames": []}, "is no scene"),
        ({"size": [1]}, "is no scene"),
        ({"fps": "x"}, "is no scene"),
        ({"fps": 0}, "is no scene"),
    ],
)
def test_a_broken_scene_is_refused(tmp_path, change, says):
    data = {"size": [2, 2], "fps": 10, "frames": [{"t": 0, "file": "0.png"}]}
    scenes.write_picture(tmp_path / "0.png", np.zeros((2, 2, 4), np.uint8))
    (tmp_path / "scene.json").write_text(json.dumps(data | change))
    with pytest.raises(UsageError, match=says):
        scenes.load(tmp_path)


def test_what_is_no_scene_at_all(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        scenes.load(tmp_path)
    (tmp_path / "scene.json").write_text("{")
    with pytest.raises(UsageError, match="line 1: is not JSON"):
        scenes.load(tmp_path)
    (tmp_path / "odd.png").write_text("no picture")
    with pytest.raises(UsageError, match="is not a picture"):
        scenes.read_picture(tmp_path / "odd.png")


def test_the_bundled_files_are_there():
    assert config_file("default.yaml").is_file()
    scene = scenes.load(recording())
    size = sum(file.stat().st_size for file in recording().iterdir())
    assert size < 2_000_000
    assert len(scene.files) / scene.fps > 10
