"""Makes labelled scenes from pages/*.html with a headless Chromium, tick by tick.

    make_scenes.py OUT [NAME ...] [--fps 30]

Each page draws tick k when asked to and says what began; so pictures and labels agree exactly and
the same pages give the same scenes, at any rate that ten divides. Needs Chromium and the websockets
package; nothing else in the project does. `remote` is `counters` as a remote desktop shows it:
JPEG, first coarse, then finer.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import cv2
import numpy as np
from websockets.sync.client import connect

PAGES = Path(__file__).parent / "pages"


@attrs.frozen
class Scene:
    """How a page is recorded."""

    page: str
    width: int
    height: int
    seconds: float
    scale: float = 1


SCENES = {
    "chat": Scene("chat.html", 1100, 700, 40),
    "trading": Scene("trading.html", 860, 640, 45),
    "desk": Scene("desk.html", 900, 600, 120),
    "mail": Scene("mail.html", 1000, 640, 40),
    "counters": Scene("counters.html", 900, 520, 38),
    "captions": Scene("captions.html", 760, 560, 42),
    "popup": Scene("popup.html", 700, 420, 33, scale=2),
    "load": Scene("load.html", 1000, 640, 30),
    "remote": Scene("counters.html", 900, 520, 38),
    "booking": Scene("booking.html", 980, 620, 36),
    "ci": Scene("ci.html", 900, 560, 38),
    "ide": Scene("ide.html", 1020, 600, 36),
    "dm": Scene("dm.html", 460, 620, 41, scale=2),
    "game": Scene("game.html", 800, 540, 42),
    "carousel": Scene("carousel.html", 900, 560, 44),
    "sheet": Scene("sheet.html", 820, 580, 38),
    "fleet": Scene("fleet.html", 1000, 600, 40),
    "meeting": Scene("meeting.html", 950, 540, 38),
    "monitor": Scene("monitor.html", 780, 470, 40),
    "calendar": Scene("calendar.html", 920, 600, 40),
    "player": Scene("player.html", 1040, 560, 39),
    "kanban": Scene("kanban.html", 980, 560, 40),
    "review": Scene("review.html", 960, 640, 40),
    "database": Scene("database.html", 1000, 600, 39),
    "radar": Scene("radar.html", 900, 560, 40),
    "shop": Scene("shop.html", 720, 540, 40),
    "transfer": Scene("transfer.html", 820, 520, 40, scale=1.5),
    "feed": Scene("feed.html", 760, 560, 40),
    "chess": Scene("chess.html", 780, 570, 40),
} | {
    f"mixed{seed}": Scene(f"mixed.html?{seed}", 700 + 70 * (seed % 5), 480 + 40 * (seed % 4), 30)
    for seed in range(1, 13)
}


class Browser:
    """One page of a headless Chromium, driven over its debugging protocol."""

    def __init__(self, page: str, width: int, height: int, scale: float) -> None:
        self._home = home = Path(tempfile.mkdtemp())
        self._process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={home}", "--remote-debugging-port=0",
             f"--force-device-scale-factor={scale}", f"--window-size={width},{height + 200}",
             f"{PAGES.as_uri()}/{page}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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
                port = (self._home / "DevToolsActivePort").read_text().split()[0]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
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

    def tick(self, k: int, fps: int) -> tuple[dict[str, Any], np.ndarray]:
        """Draw tick k; return what began, and the picture."""
        said = self.call("Runtime.evaluate", expression=f"tick({k}, {fps})", returnByValue=True)
        if "exceptionDetails" in said:
            raise RuntimeError(said["exceptionDetails"]["exception"]["description"])
        shot = self.call("Page.captureScreenshot", format="png")["data"]
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(shot), np.uint8), cv2.IMREAD_COLOR)
        return said["result"]["value"], pixels

    def close(self) -> None:
        """End the browser."""
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


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


def make(name: str, out: Path, fps: int) -> None:
    """Make one scene in a folder of its own."""
    made, ticks = SCENES[name], round(SCENES[name].seconds * fps)
    page, width, height, scale = made.page, made.width, made.height, made.scale
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    frames, events, open_events, files = [], [], {}, {}
    old = shown = None
    ages = np.zeros((-(-height // 64), -(-width // 64)), int)
    with closing(Browser(page, width, height, scale)) as browser:
        for k in range(ticks):
            said, pixels = browser.tick(k, fps)
            t = k / fps
            for key in said["ended"]:
                for event in open_events.pop(key, []):
                    event["until"] = t
            for s in said["started"]:
                until = s["until"]
                before = None if s["kind"] == "noise" else old
                event = {"t": t, "until": until if isinstance(until, int | float) else made.seconds,
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
    for event in events:
        event["until"] = min(event["until"], made.seconds)
    size = [shown.shape[1], shown.shape[0]]
    scene = {"name": name, "description": f"made from pages/{page}", "size": size, "fps": fps,
             "duration_s": made.seconds, "frames": frames, "events": events}  # fmt: skip
    (folder / "scene.json").write_text(json.dumps(scene, ensure_ascii=False))
    print(name, len(files), "pictures", sum(map(len, files)) // 1024, "kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", default=list(SCENES))
    parser.add_argument("--fps", type=int, default=10)
    given = parser.parse_args()
    for wanted in given.names:
        make(wanted, given.out, given.fps)
