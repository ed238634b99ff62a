"""Makes labelled scenes of desktops with real windows: terminals in four fonts and a browser.

    desktops.py OUT [WIDTHxHEIGHT ...]        (1920x1080 and 3840x2160)

Line after line appears in one window after the other; then a new terminal opens over the others.
What a scene holds is what Xvfb showed before and after each; the labels say which words came.
Needs Xvfb, xterm and Chromium.
"""

from __future__ import annotations

import http.server
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any, ClassVar

import cv2
import mss
import numpy as np

WORDS = [
    "harbour", "ticket", "invoice", "deploy", "failed", "passed", "waiting",
    "region", "cluster", "memory", "budget", "meeting", "release", "customer",
    "payment", "timeout", "restart", "warning", "planned", "archive", "message",
    "garden", "printer", "window", "storage", "network", "version", "account",
    "balance", "station", "railway", "morning", "evening", "delivery", "contract",
    "engine", "filter", "history", "journal", "kitchen", "library", "machine",
    "notebook", "October", "package", "question", "report", "schedule", "terminal",
    "update", "village", "weather", "summary", "profile", "request", "service",
]  # fmt: skip
FONTS = (
    ("-fn", "6x13"),
    ("-fa", "DejaVu Sans Mono", "-fs", "10"),
    ("-fa", "Liberation Mono", "-fs", "11", "-bg", "#10141c", "-fg", "#c8d0dc"),
    ("-fa", "Noto Sans Mono", "-fs", "14", "-bg", "#fdf6e3", "-fg", "#586e75"),
)
PAGE = """\
<body style="margin:20px;background:#fff"><h2 style="font:bold 24px Liberation Sans">Notes</h2>
<script>
const faces = [
  "13px Liberation Sans", "15px Liberation Serif", "12px DejaVu Sans", "11px Noto Mono"
];
let count = 0;
async function next() {
  const text = await (await fetch("/next")).text();
  if (text) {
    const line = document.createElement("p");
    line.style = `margin:6px 0;color:#333;font:${faces[count++ % 4]}`;
    line.textContent = text;
    document.body.append(line);
  }
  setTimeout(next, 100);
}
next();
</script>"""
LINES = 5  # in each window
HOLD = 10  # ticks


class Feed(http.server.BaseHTTPRequestHandler):
    """Serves the page, and what shall appear on it next."""

    waiting: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer the page's requests."""
        body = PAGE if self.path == "/" else self.waiting.pop() if self.waiting else ""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class Desktop:
    """A virtual screen with windows on it."""

    def __init__(self, width: int, height: int, home: Path) -> None:
        self.width, self.height, self.home = width, height, home
        reading, writing = os.pipe()
        size = f"{width}x{height}x24"
        self._programs = [
            subprocess.Popen(
                ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"],
                pass_fds=[writing],
                stderr=subprocess.DEVNULL,
            )
        ]
        self.display = f":{os.read(reading, 16).decode().strip()}"
        self._grabber = mss.MSS(display=self.display)

    def start(self, *command: str) -> None:
        """Run a program on this screen until the desktop is closed."""
        environment = os.environ | {"DISPLAY": self.display}
        self._programs.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))

    def terminal(self, x: int, y: int, font: tuple[str, ...]) -> IO[str]:
        """Open a terminal that shows what is written to it."""
        fifo = self.home / f"fifo{x}-{y}"
        os.mkfifo(fifo)
        self.start("xterm", "-geometry", f"84x22+{x}+{y}", *font, "-e", "cat", str(fifo))
        return fifo.open("w", buffering=1)

    def browser(self, x: int, y: int, port: int) -> None:
        """Open the page that `Feed` serves."""
        self.start(
            "chromium", "--no-sandbox", "--disable-gpu", "--no-first-run", "--test-type",
            f"--user-data-dir={self.home}/chromium", f"--app=http://127.0.0.1:{port}/",
            f"--window-position={x},{y}", "--window-size=820,520",
        )  # fmt: skip

    def picture(self) -> np.ndarray:
        """What the screen shows, BGR."""
        return np.asarray(self._grabber.grab(self._grabber.monitors[1]))[..., :3]

    def close(self) -> None:
        """End all programs."""
        self._grabber.close()
        for program in reversed(self._programs):
            program.terminate()
            program.wait()


def sentence() -> str:
    return f"{' '.join(random.sample(WORDS, 5))} {random.randint(10, 99999)}"


def make(width: int, height: int, folder: Path) -> None:
    random.seed(11)
    folder.mkdir(parents=True, exist_ok=True)
    feed = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    threading.Thread(target=feed.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        desktop = Desktop(width, height, Path(home))
        try:
            _write(folder, desktop, *_play(desktop, feed.server_address[1]))
        finally:
            desktop.close()
            feed.shutdown()


def _play(desktop: Desktop, port: int) -> tuple[list[np.ndarray], list[str]]:
    """What the screen showed, and which words were new each time."""
    half = desktop.width // 2, desktop.height // 2
    corners = [(20, 20), (half[0], 20), (20, half[1]), (half[0], half[1] + 280)]
    terminals = [desktop.terminal(x, y, font) for (x, y), font in zip(corners, FONTS, strict=True)]
    desktop.browser(half[0] - 410, half[1] - 260, port)
    for terminal in terminals:
        terminal.write("".join(f"{sentence()}\n" for _ in range(4)))
    time.sleep(6)
    pictures, texts = [desktop.picture()], [""]
    for _ in range(LINES):
        for window in (*terminals, None):
            text = sentence()
            if window is None:
                Feed.waiting.append(text)
            else:
                window.write(f"{text}\n")
            time.sleep(0.8)
            pictures.append(desktop.picture())
            texts.append(text)
    page = [sentence() for _ in range(14)]
    last = desktop.terminal(half[0] - 200, half[1] - 100, FONTS[1])
    last.write("\n".join(page) + "\n")
    time.sleep(2)
    return [*pictures, desktop.picture()], [*texts, " ".join(page)]


def _write(folder: Path, desktop: Desktop, pictures: list[np.ndarray], texts: list[str]) -> None:
    frames, events = list[dict[str, Any]](), list[dict[str, Any]]()
    size = [desktop.width, desktop.height]
    end = len(pictures) * HOLD / 10
    for number, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        file, start = f"{number:04}.png", number * HOLD / 10
        (folder / file).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        frames += [{"t": start + tick / 10, "file": file} for tick in range(HOLD)]
        rect = [0, 0, *size]
        if number:
            differs = (picture != pictures[number - 1]).any(axis=2).astype(np.uint8)
            rect = list(map(int, cv2.boundingRect(differs)))
        event = {"t": start, "until": end, "kind": "meaningful", "label": "line", "text": text}
        events.append(event | {"rect": rect})
    scene = {"name": folder.name, "description": "real windows", "size": size, "fps": 10,
             "duration_s": end, "frames": frames, "events": events}  # fmt: skip
    (folder / "scene.json").write_text(json.dumps(scene))


if __name__ == "__main__":
    for wanted in sys.argv[2:] or ["1920x1080", "3840x2160"]:
        make(*map(int, wanted.split("x")), Path(sys.argv[1]) / f"desktop_{wanted}")
