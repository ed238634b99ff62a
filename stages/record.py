"""Writes frames as a scene: one PNG for each distinct picture and an index of the ticks."""

from __future__ import annotations

import hashlib
import pathlib

import attrs
import trio

from hud import scene as scenes
from hud.errors import PipelineError, UsageError
from hud.items import Frame
from hud.stage import between, given, option


@attrs.define(eq=False)
class Album:
    """What was written by now; a recorder that starts again goes on behind it."""

    names: dict[bytes, str] = attrs.field(factory=dict)
    """Digest of a picture → its file."""
    files: list[str] = attrs.field(factory=list)
    """That of each tick."""
    first: Frame | None = None

    def add(self, folder: pathlib.Path, frame: Frame, fps: float) -> None:
        """Write a picture unless there is one like it; a tick that was missed repeats the last.

        Raises:
            OSError: it cannot be written.
        """
        digest = hashlib.blake2b(frame.pixels.data, digest_size=16).digest()
        if digest not in self.names:
            name = f"{len(self.names):04}.png"
            scenes.write_picture(folder / name, frame.pixels)
            self.names[digest] = name
        self.first = self.first or frame
        tick = round((frame.time - self.first.time) * fps)
        self.files += self.files[-1:] * (tick - len(self.files))
        self.files.append(self.names[digest])

    def write_index(self, folder: pathlib.Path, fps: float) -> None:
        """Write which picture stood there when, unless there is none.

        Raises:
            OSError: it cannot be written.
        """
        if self.first is not None:
            size = self.first.width, self.first.height
            index = scenes.Scene(folder, folder.name, *size, fps, tuple(self.files))
            scenes.write(index, "recorded by hud")


@attrs.frozen
class Record:
    """Writes what it is given; the index is written when the frames end."""

    path: str = option(meaning="folder to write to; it must be new or empty")
    fps: float = option(10.0, meaning="ticks per second", check=between(0.1, 60))
    album: Album = given(attrs.Factory(Album))

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
        """Write every distinct picture, and in the end the index.

        Raises:
            PipelineError: the disk takes no more; what it took is indexed, if it takes that.
        """
        folder = pathlib.Path(self.path)
        try:
            try:
                async for frame in inbox:
                    await trio.to_thread.run_sync(self.album.add, folder, frame, self.fps)
                    await outbox.send(frame)
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(self.album.write_index, folder, self.fps)
        except OSError as error:
            reason = error.strerror or str(error)
            raise PipelineError(f"{folder}: the recording ends here: {reason}") from None
