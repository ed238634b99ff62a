"""Recorded screens: a folder with `scene.json` and one lossless PNG for each distinct picture."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import attrs
import cv2
import numpy as np
import orjson

from hud import private
from hud.errors import UsageError
from hud.items import Frame, Pixels

INDEX = "scene.json"


@attrs.frozen
class Scene:
    """A recording: what stood on the screen at every tick."""

    folder: pathlib.Path
    name: str
    width: int
    height: int
    fps: float
    files: tuple[str, ...]
    """The picture of each tick; the same name again where nothing changed."""

    def picture(self, file: str) -> Pixels:
        """Decode one picture, as BGRA."""
        return read_picture(self.folder / file)

    def frames(self) -> Iterator[Frame]:
        """Every tick as a frame; its time counts from the start of the scene."""
        file, pixels = "", None
        for tick, name in enumerate(self.files):
            still = name == file
            if pixels is None or not still:
                file, pixels = name, self.picture(name)
            time = tick / self.fps
            yield Frame(tick + 1, 1, time, time, pixels, () if still else None)


def load(folder: pathlib.Path) -> Scene:
    """Read a scene's index and check that all its pictures are there.

    Raises:
        UsageError: the folder is no scene, or a picture is missing.
    """
    index = folder / INDEX
    try:
        data = orjson.loads(index.read_bytes())
    except OSError as error:
        cure = "a recording is a folder that `hud record DIR` made"
        raise UsageError(f"{index}: {error.strerror}; {cure}") from None
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{index}: line {error.lineno}: is not JSON: {error.msg}") from None
    try:
        scene = _scene(folder, data)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{index}: is no scene: {error!r} is wrong or missing") from None
    for file in sorted(set(scene.files)):
        if pathlib.PurePath(file).name != file:
            raise UsageError(f"{index}: {file!r} must be the name of a picture beside it")
        if not _is_there(folder / file):
            raise UsageError(f"{_named(folder / file)}: the picture is missing")
    return scene


def _named(path: pathlib.Path) -> str:
    """A path on one line, whatever characters its names hold."""
    return repr(str(path))[1:-1]


def _is_there(path: pathlib.Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False


def _scene(folder: pathlib.Path, data: dict[str, Any]) -> Scene:
    width, height = map(int, data["size"])
    fps = float(data["fps"])
    files = tuple(str(frame["file"]) for frame in data["frames"])
    if not files or not 0 < fps <= 240 or min(width, height) < 1:
        raise ValueError("frames, fps or size")
    return Scene(folder, str(data.get("name", folder.name)), width, height, fps, files)


def write(scene: Scene, description: str) -> None:
    """Write a scene's index; the pictures are written by whoever recorded them.

    Raises:
        OSError: it cannot be written.
    """
    data = {
        "name": scene.name,
        "description": description,
        "size": [scene.width, scene.height],
        "fps": scene.fps,
        "duration_s": round(len(scene.files) / scene.fps, 3),
        "frames": [
            {"t": round(tick / scene.fps, 3), "file": file} for tick, file in enumerate(scene.files)
        ],
        "events": [],
    }
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    private.write(scene.folder / INDEX, text)


def read_picture(path: pathlib.Path) -> Pixels:
    """Read a PNG as BGRA.

    Raises:
        UsageError: the file is no picture.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise UsageError(f"{_named(path)}: is not a picture")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA), dtype=np.uint8)


def write_picture(path: pathlib.Path, pixels: Pixels) -> None:
    """Write BGRA pixels as a PNG without the unused fourth channel.

    Raises:
        OSError: it cannot be written.
    """
    bgr = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
    # OpenCV's own default favours speed so much that screens become four times as large.
    smaller = [cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, 0]
    done, data = cv2.imencode(".png", bgr, smaller)
    if not done:
        raise UsageError(f"{path}: the picture cannot be encoded")
    private.write(path, data.tobytes())
