"""A sink: each finished note becomes a row of a CSV file."""

import csv
import pathlib

import attrs
import trio

from hud.stage import option


@attrs.frozen
class Csv:
    """Appends seconds since the epoch and the words of each note to a CSV file."""

    path: str = option("notes.csv", meaning="the file")

    async def run(self, inbox, outbox):
        async for note in inbox:
            if note.finished:
                await trio.to_thread.run_sync(self.append, [note.captured_wall_time, note.text])
                await outbox.send(note)  # it is delivered

    def append(self, row):
        with pathlib.Path(self.path).open("a", newline="") as file:
            csv.writer(file).writerow(row)
