"""The loop of the tutorials: mss, Pillow, JPEG, base64, json, once a second.

naive.py URL      (DISPLAY names the screen)
"""

from __future__ import annotations

import io
import pathlib
import signal
import sys
import time

import mss
from PIL import Image
from websockets.sync.client import connect

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from benchmarks.others import talk


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # says goodbye to the server
    with mss.MSS() as screen, connect(sys.argv[1], max_size=None) as socket:
        while True:
            moment = time.monotonic()
            shot = screen.grab(screen.monitors[1])
            picture = Image.frombytes("RGB", shot.size, shot.rgb)
            out = io.BytesIO()
            picture.save(out, format="jpeg")
            socket.send(talk.request(out.getvalue()))
            talk.looked(moment)
            while not talk.is_end(socket.recv()):
                pass
            time.sleep(1)


if __name__ == "__main__":
    main()
