"""Makes the bundled recording: real programs on a virtual screen, recorded by `hud record`.

    python benchmarks/make_recording.py DIR

Needs Xvfb, xterm, openbox and xdotool. A developer's half minute: a test run that fails, a log that
reports an error, a fix, a test run that passes.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time

DISPLAY = ":97"
ENVIRONMENT = os.environ | {"DISPLAY": DISPLAY, "PS1": "$ ", "LC_ALL": "C.UTF-8"}
SIZE = "1280x720x24"

PROGRAM = "def price(items):\n    return sum(items) * 1.2\n"
TEST = """\
import unittest
from shop import price

class Prices(unittest.TestCase):
    def test_no_tax_on_books(self):
        self.assertEqual(price([10, 20]), 30)
    def test_empty_basket(self):
        self.assertEqual(price([]), 0)
"""
LOG = [
    (5.0, "14:02:11 INFO  worker 3 took order 4711"),
    (11.0, "14:02:17 ERROR payment declined for order 4711 (card expired)"),
    (21.0, "14:02:27 INFO  order 4712 shipped to Lisbon"),
]
TYPED = [
    (2.0, "python3 -m unittest -q test_shop.py\n"),
    (14.0, "sed -i 's/ \\* 1.2//' shop.py && cat shop.py\n"),
    (18.0, "python3 -m unittest -q test_shop.py\n"),
]
LENGTH = 26.0


def main() -> None:
    folder = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        programs = [start("Xvfb", DISPLAY, "-screen", "0", SIZE, "-nolisten", "tcp")]
        try:
            time.sleep(1)
            programs += windows(pathlib.Path(work))
            time.sleep(2)
            xdotool("search", "--name", "^shop$", "windowactivate", "--sync")
            recorder = subprocess.Popen(
                [sys.executable, "-m", "hud", "record", str(folder), "--for", str(LENGTH)],
                env=ENVIRONMENT,
            )
            act(pathlib.Path(work))
            recorder.wait()
        finally:
            for program in reversed(programs):
                program.terminate()


def start(*command: str, cwd: pathlib.Path | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=ENVIRONMENT, cwd=cwd)


def windows(work: pathlib.Path) -> list[subprocess.Popen[bytes]]:
    (work / "shop.py").write_text(PROGRAM)
    (work / "test_shop.py").write_text(TEST)
    (work / "app.log").write_text("14:02:06 INFO  service started\n")
    face = ["-fa", "DejaVu Sans Mono", "-fs", "12"]
    dark = ["-bg", "#1d2021", "-fg", "#ebdbb2"]
    shell = ["-T", "shop", "-geometry", "66x32+16+30", *dark, "-e", "bash", "--norc"]
    log = ["-T", "app.log", "-geometry", "54x12+712+30", "-e", "tail", "-f", "app.log"]
    manager = start("openbox")
    time.sleep(1)
    return [
        manager,
        start("xterm", *face, *log, cwd=work),
        start("xterm", *face, *shell, cwd=work),
    ]


def act(work: pathlib.Path) -> None:
    begin = time.monotonic() + 1
    for due, what in sorted(TYPED + LOG):
        time.sleep(max(0.0, begin + due - time.monotonic()))
        if (due, what) in LOG:
            with (work / "app.log").open("a") as log:
                log.write(what + "\n")
        else:
            xdotool("type", "--delay", "25", what)


def xdotool(*words: str) -> None:
    subprocess.run(["xdotool", *words], env=ENVIRONMENT, check=True)


if __name__ == "__main__":
    main()
