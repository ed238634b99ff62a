"""Runs `hud` as a program does, and writes down how long single task steps held the event loop.

    STALLS=FILE python benchmarks/stalls.py run [CONFIG] [OPTION ...]

load.py starts hud in this way. FILE gets one line: the longest step by the clock and by the
processor, in milliseconds, the task that made it, and how many steps there were. Steps of the first
seconds, in which everything is loaded for the first time, count apart.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import attrs
import trio

START = 3.0
"""Seconds that belong to the start."""


@attrs.define(eq=False)
class Steps(trio.abc.Instrument):
    """The longest step by each clock."""

    began: float = attrs.field(factory=time.monotonic)
    steps: int = 0
    longest: dict[str, tuple[float, str]] = attrs.field(factory=dict)
    _at: tuple[float, float] = (0.0, 0.0)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """See trio.abc.Instrument."""
        self._at = time.monotonic(), time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """See trio.abc.Instrument."""
        now, worked = time.monotonic(), time.thread_time()
        when = "start_" if now - self.began < START else ""
        self.steps += 1
        for clock, lasted in (("wall", now - self._at[0]), ("cpu", worked - self._at[1])):
            if lasted > self.longest.get(when + clock, (0.0, ""))[0]:
                self.longest[when + clock] = lasted, task.name

    def record(self) -> dict[str, object]:
        """As plain data."""
        found = {
            name: [round(1000 * lasted, 2), task] for name, (lasted, task) in self.longest.items()
        }
        return {"steps": self.steps, **found}


def main() -> None:
    """Run hud under the instrument."""
    steps = Steps()
    trio.run = functools.partial(trio.run, instruments=[steps])
    from hud.__main__ import main as hud  # noqa: PLC0415 - after trio.run is another

    try:
        hud()
    finally:
        pathlib.Path(os.environ["STALLS"]).write_text(json.dumps(steps.record()))


if __name__ == "__main__":
    main()
