"""A trio loop that a test turns by hand, one rule after the other: trio's guest mode."""

from __future__ import annotations

import queue

import outcome
import trio
import trio.testing


class Loop:
    """Runs tasks until nothing moves, whenever it is told to; its clock stands still meanwhile."""

    def __init__(self) -> None:
        self.clock = trio.testing.MockClock()
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        self._end: outcome.Outcome | None = None
        self._told = False
        self._nursery: trio.Nursery | None = None
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=self._work.put,
            done_callback=self._ended,
            clock=self.clock,
        )
        self._turn_until(lambda: self._nursery is not None)

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await trio.sleep_forever()

    def _ended(self, end: outcome.Outcome) -> None:
        self._end = end

    def _turn_until(self, done) -> None:
        while not done():
            self._work.get(timeout=20)()

    def start(self, function, *arguments) -> None:
        """Start a task; it moves when the loop settles."""
        self._nursery.start_soon(function, *arguments)

    def settle(self) -> None:
        """Let every task go on until it waits for something."""
        settled = False

        async def wait() -> None:
            nonlocal settled
            await trio.testing.wait_all_tasks_blocked()
            settled = True

        self.start(wait)
        self._turn_until(lambda: settled or self._end is not None)
        self._raise()

    def call(self, function, *arguments) -> object:
        """Call something inside the loop, and settle."""
        answers = []

        async def call() -> None:
            answers.append(outcome.capture(function, *arguments))

        self.start(call)
        self.settle()
        return answers[0].unwrap()

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and settle."""
        self.clock.jump(seconds)
        self.settle()

    def close(self) -> None:
        """Cancel everything that runs."""
        if self._end is None:
            self.start(self._cancel)
            self._turn_until(lambda: self._end is not None)
        self._raise()

    def _raise(self) -> None:
        """Raise what ended the loop, once."""
        if self._end is not None and not self._told:
            self._told = True
            self._end.unwrap()

    async def _cancel(self) -> None:
        self._nursery.cancel_scope.cancel()
