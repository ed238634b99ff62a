from __future__ import annotations

import threading
import time

import trio

from hud.threads import MOST, bound_threads, in_thread


async def test_a_cancelled_call_lets_go_of_a_thread_that_hangs():
    go_on = threading.Event()
    begin = time.monotonic()
    with trio.move_on_after(0.1) as scope:
        await in_thread(go_on.wait, 60)
    assert scope.cancelled_caught
    assert time.monotonic() - begin < 30
    go_on.set()


async def test_there_are_no_more_threads_than_that():
    bound_threads()
    begun, go_on = [], threading.Event()

    def hang():
        begun.append(1)
        go_on.wait(60)

    async with trio.open_nursery() as nursery:
        for _ in range(MOST + 5):
            nursery.start_soon(in_thread, hang)
        with trio.fail_after(30):
            while len(begun) < MOST:  # noqa: ASYNC110 - threads set no event
                await trio.sleep(0.01)
        await trio.sleep(0.2)
        assert len(begun) == MOST
        go_on.set()
    assert len(begun) == MOST + 5
