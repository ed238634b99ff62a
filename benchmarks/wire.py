"""What a picture costs on its way from bytes to the socket: our way beside the usual one.

    wire.py [--rounds N]

Both ways send the same pictures over trio-websocket to a process that only reads, turn and turn
about in one run. The usual way is base64, json.dumps of the event and the library's own masking;
ours builds the request around the base64 and masks the frame in one pass. Medians of the time until
the last byte is written, and how much of it is processor time.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import json
import multiprocessing
import multiprocessing.connection
import os
import platform
import random
import statistics
import sys
import time
from pathlib import Path

import trio
import trio_websocket

sys.path.insert(0, str(Path(__file__).parents[1]))

from hud.realtime.requests import SessionOptions, Turn, response_create
from stages.send.connection import open_connection

SIZES = (50_000, 150_000, 300_000, 750_000)
OPTIONS = SessionOptions("", 300)
CAPTION = "14:03:20, screen 1 (1920x1080); picture 1: 640x96 at x=0 y=12"


def usual(jpeg: bytes) -> str:
    """The request as one would write it."""
    url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    parts = [
        {"type": "input_text", "text": CAPTION},
        {"type": "input_image", "image_url": url, "detail": "high"},
    ]
    response = {
        "conversation": "none",
        "output_modalities": ["text"],
        "metadata": {"turn": "t"},
        "input": [{"type": "message", "role": "user", "content": parts}],
    }
    return json.dumps({"type": "response.create", "event_id": "t", "response": response})


async def measure(port: int, rounds: int) -> dict[tuple[int, str], list[tuple[float, float]]]:
    """Seconds by size and way: until the last byte is written, and of processor time."""
    spent: dict[tuple[int, str], list[tuple[float, float]]] = {}
    url = f"ws://127.0.0.1:{port}/"
    async with (
        trio_websocket.open_websocket_url(url, max_message_size=2**24) as stock,
        open_connection(f"{url}?", {}) as connection,
    ):

        async def usually(jpeg: bytes) -> None:
            await stock.send_message(usual(jpeg))

        async def our_way(jpeg: bytes) -> None:
            await connection.send(response_create("t", OPTIONS, Turn("", CAPTION, [jpeg])))

        ways = {"usual": (usually, stock.get_message), "ours": (our_way, connection.receive)}
        for number in range(rounds + 3):
            tries = [(size, way) for size in SIZES for way in ways]
            random.shuffle(tries)
            for size, way in tries:
                jpeg = os.urandom(size)
                send, receive = ways[way]
                begin, worked = time.perf_counter(), time.process_time()
                await send(jpeg)
                took = time.perf_counter() - begin, time.process_time() - worked
                await receive()  # the reader is done: the next one starts in peace
                if number >= 3:
                    spent.setdefault((size, way), []).append(took)
    return spent


def read_all(pipe: multiprocessing.connection.Connection) -> None:
    """A process of its own that reads whole messages and says so after each."""

    async def serve() -> None:
        async def talk(request: trio_websocket.WebSocketRequest) -> None:
            socket = await request.accept()
            while True:
                await socket.get_message()
                await socket.send_message("read")

        async with trio.open_nursery() as nursery:
            server = await nursery.start(
                lambda task_status: trio_websocket.serve_websocket(
                    talk, "127.0.0.1", 0, None, max_message_size=2**24, task_status=task_status
                )
            )
            pipe.send(server.port)

    trio.run(serve)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=100)
    rounds = arguments.parse_args().rounds
    here, there = multiprocessing.Pipe()
    reader = multiprocessing.get_context("spawn").Process(
        target=read_all, args=(there,), daemon=True
    )
    reader.start()
    spent = trio.run(measure, here.recv(), rounds)
    reader.terminate()
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} CPUs, {rounds} rounds")
    print("ms until the last byte is written (of these processor time), medians")
    for size in SIZES:
        middle = {
            way: [statistics.median(column) for column in zip(*spent[size, way], strict=True)]
            for way in ("usual", "ours")
        }
        cells = [
            f"{way} {1000 * wall:.2f} ({1000 * cpu:.2f})" for way, (wall, cpu) in middle.items()
        ]
        ratio = middle["ours"][0] / middle["usual"][0]
        work = middle["ours"][1] / middle["usual"][1]
        print(f"{size // 1000:4} kB  {'  '.join(cells)}  ratio {ratio:.2f} ({work:.2f})")


if __name__ == "__main__":
    main()
