"""What `hud bench` measures, in a process of its own: `hud run` with one more observer.

Its configuration comes as one line of JSON on stdin; when stdin ends it stops, and writes what was
seen to stdout.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import IO

import attrs
import orjson
import trio

from hud.bench.observe import Recorder, Steps
from hud.commands.run import watch
from hud.commands.setup import open_admission, ready, start
from hud.config import Configuration
from hud.document import Document
from hud.errors import HudError
from stages.send.admission import Admission


def main() -> None:
    """Run until stdin ends."""
    request = orjson.loads(sys.stdin.buffer.readline())
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # whatever else is printed
        try:
            configuration = ready(Document("the benchmark", request, {}))
            with open_admission(configuration) as admission:
                start(_watch, configuration, admission, out)
        except HudError as error:
            sys.exit(f"hud: {error}")


async def _watch(configuration: Configuration, admission: Admission, out: IO[bytes]) -> None:
    recorder, steps = Recorder(), Steps()
    trio.lowlevel.add_instrument(steps)
    threading.Thread(target=_stop_with_stdin, daemon=True).start()
    await watch(configuration, admission, None, observers=[recorder])
    manner = getattr(configuration.stages["capture"], "manner", "by a capture of another package")
    out.write(orjson.dumps(recorder.record(manner, steps), default=attrs.asdict))


def _stop_with_stdin() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
