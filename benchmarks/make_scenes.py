"""Makes labelled scenes from pages/*.html with a headless Chromium, tick by tick.

    make_scenes.py OUT [NAME ...]

Each page draws tick k when asked to and says what began; so pictures and labels agree exactly and
the same pages give the same scenes. Needs Chromium and the websockets package; nothing else in the
project does. `remote` is `counters` as a remote desktop shows it: JPEG, first coarse, then finer.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from websockets.sync.client import connect

PAGES = Path(__file__).parent / "pages"
SCENES: dict[str, tuple[str, int, int, float, int]] = {
    "chat": ("chat", 1100, 700, 1, 400),
    "trading": ("trading", 860, 640, 1, 450),
    "desk": ("desk", 900, 600, 1, 1200),
    "mail": ("mail", 1000, 640, 1, 400),
    "counters": ("counters", 900, 520, 1, 380),
    "captions": ("captions", 760, 560, 1, 420),
    "popup": ("popup", 700, 420, 2, 330),
    "load": ("load", 1000, 640, 1, 300),
    "remote": ("counters", 900, 520, 1, 380),
}
"""Name: page, width, height, scale, ticks."""


class Browser:
    """One page of a headless Chromium, driven over its debugging protocol."""

    def __init__(self, page: str, width: int, height: int, scale: float) -> None:
        home = tempfile.mkdtemp()
        self._process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={home}", "--remote-debugging-port=9333",
             f"--force-device-scale-factor={scale}", f"--window-size={width},{height + 200}",
             (PAGES / f"{page}.html").as_uri()],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._socket = connect(self._find(), max_size=None)
        self._count = 0
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=False)  # fmt: skip
        time.sleep(0.5)

    def _find(self) -> str:
        for _ in range(100):
            time.sleep(0.1)
            try:
                with urllib.request.urlopen("http://127.0.0.1:9333/json") as answer:
                    pages = [p for p in json.load(answer) if p["type"] == "page"]
            except OSError:
                continue
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        raise RuntimeError("Chromium did not start")

    def call(self, method: str, **params: Any) -> Any:  # noqa: ANN401 - the protocol's JSON
        """Send a command and wait for its result."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._count:
                return answer["result"]

    def tick(self, k: int) -> tuple[dict[str, Any], np.ndarray]:
        """Draw tick k; return what began, and the picture."""
        said = self.call("Runtime.evaluate", expression=f"tick({k})", returnByValue=True)
        shot = self.call("Page.captureScreenshot", format="png")["data"]
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(shot), np.uint8), cv2.IMREAD_COLOR)
        return said["result"]["value"], pixels

    def close(self) -> None:
        """End the browser."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()


def tight(box: list[float], scale: float, old: np.ndarray | None, new: np.ndarray) -> list[int]:
    """The part of a box that changed, with a pixel of margin."""
    x, y, w, h = (int(v * scale) for v in box)
    x, y = max(0, x - 2), max(0, y - 2)
    if old is None:
        return [x, y, w, h]
    piece = (old != new)[y : y + h + 5, x : x + w + 5].any(axis=2)
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    if not rows.size:
        return [x, y, w, h]
    left, top = x + int(columns[0]) - 1, y + int(rows[0]) - 1
    return [left, top, int(np.ptp(columns)) + 3, int(np.ptp(rows)) + 3]


def remote(pixels: np.ndarray, shown: np.ndarray | None, ages: np.ndarray) -> np.ndarray:
    """The picture as a remote desktop sends it: blocks that changed come coarse, then finer."""
    result = pixels.copy() if shown is None else shown.copy()
    height, width = pixels.shape[:2]
    for age, quality in ((0, 40), (3, 85)):
        coded = cv2.imdecode(
            cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1
        )
        where = np.repeat(np.repeat(ages == age, 64, 0), 64, 1)[:height, :width]
        result[where] = coded[where]
    return result


def aged(ages: np.ndarray, old: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    """Ticks since each block of 64 pixels changed."""
    if old is None:
        return np.zeros_like(ages)
    rows, columns = np.nonzero((old != new).any(axis=2))
    ages = ages + 1
    ages[rows // 64, columns // 64] = 0
    return ages


def make(name: str, out: Path) -> None:
    """Make one scene in a folder of its own."""
    page, width, height, scale, ticks = SCENES[name]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    browser = Browser(page, width, height, scale)
    frames, events, open_events, files = [], [], {}, {}
    old = shown = None
    ages = np.zeros((-(-height // 64), -(-width // 64)), int)
    for k in range(ticks):
        said, pixels = browser.tick(k)
        t = k / 10
        for key in said["ended"]:
            for event in open_events.pop(key, []):
                event["until"] = t
        for s in said["started"]:
            until = s["until"]
            before = None if s["kind"] == "noise" else old
            event = {"t": t, "until": until if isinstance(until, int | float) else ticks / 10,
                     "kind": s["kind"], "label": s["label"], "text": s["text"],
                     "rect": tight(s["box"], scale, before, pixels)}  # fmt: skip
            events.append(event)
            if isinstance(until, str):
                open_events.setdefault(until, []).append(event)
        if name == "remote":
            ages = aged(ages, old, pixels)
            shown = remote(pixels, shown, ages)
        else:
            shown = pixels
        data = cv2.imencode(".png", shown)[1].tobytes()
        file = files.setdefault(data, f"{k:04}.png")
        (folder / file).write_bytes(data) if file == f"{k:04}.png" else None
        frames.append({"t": t, "file": file})
        old = pixels
    browser.close()
    for event in events:
        event["until"] = min(event["until"], ticks / 10)
    size = [shown.shape[1], shown.shape[0]]
    scene = {"name": name, "description": f"made from pages/{page}.html", "size": size, "fps": 10,
             "duration_s": ticks / 10, "frames": frames, "events": events}  # fmt: skip
    (folder / "scene.json").write_text(json.dumps(scene, ensure_ascii=False))
    print(name, len(files), "pictures", sum(map(len, files)) // 1024, "kB")


if __name__ == "__main__":
    for wanted in sys.argv[2:] or SCENES:
        make(wanted, Path(sys.argv[1]))
