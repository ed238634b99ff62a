"""Writes frames as a scene: one PNG for each distinct picture and an index of the ticks."""

from __future__ import annotations

import hashlib
import pathlib

import attrs
import trio

from hud import scene as scenes
from hud.errors import UsageError
from hud.items import Frame
from hud.stage import between, option


@attrs.frozen
class Record:
    """Writes what it is given; the index is written when the frames end."""

    path: str = option(meaning="folder to write to; it must be new or empty")
    fps: float = option(10.0, meaning="ticks per second", check=between(0.1, 60))

    def preflight(self) -> None:
        """Make the folder.

        Raises:
            UsageError: it cannot be made, or holds something already.
        """
        folder = pathlib.Path(self.path)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(folder.iterdir()):
                raise UsageError(f"{folder}: is not empty; a recording wants a folder of its own")
        except OSError as error:
            raise UsageError(f"{folder}: {error.strerror}") from None

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Frame], outbox: trio.abc.SendChannel[Frame]
    ) -> None:
        """Write every distinct picture, then the index. A tick that was missed repeats the last."""
        folder = pathlib.Path(self.path)
        names: dict[bytes, str] = {}
        files: list[str] = []
        first: Frame | None = None
        async for frame in inbox:
            first = first or frame
            name = await trio.to_thread.run_sync(_keep, folder, frame, names)
            tick = round((frame.time - first.time) * self.fps)
            files += [files[-1]] * (tick - len(files)) if files else []
            files.append(name)
            await outbox.send(frame)
        if first is not None:
            index = scenes.Scene(
                folder, folder.name, first.width, first.height, self.fps, tuple(files)
            )
            await trio.to_thread.run_sync(scenes.write, index, "recorded by hud")


def _keep(folder: pathlib.Path, frame: Frame, names: dict[bytes, str]) -> str:
    digest = hashlib.blake2b(frame.pixels.data, digest_size=16).digest()
    if digest not in names:
        names[digest] = f"{len(names):04}.png"
        scenes.write_picture(folder / names[digest], frame.pixels)
    return names[digest]
