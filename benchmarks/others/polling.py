"""The obvious good way: look thirty times a second, send the whole frame when a byte differs.

polling.py URL    (DISPLAY names the screen). mss, OpenCV, json, trio-websocket.
"""

from __future__ import annotations

import pathlib
import signal
import sys
import time

import cv2
import mss
import numpy as np
import trio
import trio_websocket

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from benchmarks.others import talk

RATE = 30


async def main() -> None:
    cv2.setNumThreads(1)
    with mss.MSS() as screen:
        async with (
            trio_websocket.open_websocket_url(sys.argv[1], max_message_size=2**24) as socket,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(listen, socket)
            nursery.start_soon(stop, nursery.cancel_scope)
            await look(screen, socket)


async def look(screen: mss.MSS, socket: trio_websocket.WebSocketConnection) -> None:
    last, due = b"", trio.current_time()
    while True:
        due = max(due + 1 / RATE, trio.current_time())
        moment = time.monotonic()
        shot = screen.grab(screen.monitors[1])
        if shot.raw != last:
            last = shot.raw
            await socket.send_message(await trio.to_thread.run_sync(written, shot))
            talk.looked(moment)
        await trio.sleep_until(due)


def written(shot: mss.screenshot.ScreenShot) -> str:
    picture = cv2.cvtColor(np.asarray(shot), cv2.COLOR_BGRA2BGR)
    return talk.request(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())


async def stop(scope: trio.CancelScope) -> None:
    """Say goodbye to the server when asked to end."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


async def listen(socket: trio_websocket.WebSocketConnection) -> None:
    while True:
        await socket.get_message()


if __name__ == "__main__":
    trio.run(main)
