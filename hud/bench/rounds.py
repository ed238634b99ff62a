"""One round: a fresh screen, a fresh program, and all scenes one after the other."""

from __future__ import annotations

import collections
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import cattrs
import orjson
import trio

from hud.bench import processes, reckon
from hud.bench.model import StandIn, open_stand_in
from hud.bench.observe import Record
from hud.bench.processes import SIZES, VirtualScreen, virtual_screen
from hud.bench.reckon import Act, Use
from hud.bench.report import Screen
from hud.bench.scenes import PATIENCE, SCENES, Desk
from hud.errors import PipelineError

SETTLE = 2.5
"""Seconds between the first request and the first scene."""
ALONE = 0.4
"""Share of a scene's time for which X plays it without hud."""
SLICE = 0.5
"""Seconds between two looks at CPU and memory."""
SLICES = 20_000
"""That are kept, the newest: hours."""
STARTING, STOPPING = 60.0, 30.0
"""Seconds that the program may take."""

Tell = Callable[[str, float], None]
"""What is going on, and how many seconds of measuring have passed."""
Measured = Callable[[str, StandIn], tuple[Sequence[str], Mapping[str, Any]]]
"""Makes the command to measure and what it is told, for a display and a model."""


async def play(size: str, seconds: float, answer: float, measured: Measured, tell: Tell) -> Screen:
    """Measure every scene once.

    Raises:
        PipelineError: the screen or the program did not start, or ended too early.
    """
    width, height = SIZES[size]
    async with virtual_screen(width, height) as screen, open_stand_in(answer) as model:
        desk = Desk(screen.display, width, height)
        with contextlib.closing(desk):
            desk.dress()
            tell(f"{size}: the screen without hud", 0)
            alone = {name: await _alone(name, desk, seconds, screen) for name in SCENES}
            program = _Program(model, *measured(screen.display, model))
            async with program.running():
                await program.first_request()
                await trio.sleep(SETTLE)
                acts = {}
                for name, script in SCENES.items():
                    tell(f"{size}: {script.title}", 0)
                    acts[name] = await _watched(name, desk, seconds, program, screen)
                    tell(f"{size}: {script.title}", script.share * seconds)
                peak = processes.memory(program.pid)[1]
            record = program.record()
    scenes = {
        name: reckon.figures(act, record, model.arrivals, alone[name]) for name, act in acts.items()
    }
    first = model.arrivals[0].time - program.started
    return Screen(size, width, height, record.manner, [round(first, 3)], round(peak, 1), scenes)


async def _alone(name: str, desk: Desk, seconds: float, screen: VirtualScreen) -> float | None:
    """CPU of X for a scene that nobody watches, in %."""
    script = SCENES[name]
    if not script.is_load:
        return None
    begin, used = time.monotonic(), processes.cpu(screen.pid)
    await script.act(desk, ALONE * script.share * seconds)
    return 100 * (processes.cpu(screen.pid) - used) / (time.monotonic() - begin)


async def _watched(
    name: str, desk: Desk, seconds: float, program: _Program, screen: VirtualScreen
) -> Act:
    """Play one scene, and look at what is used meanwhile."""
    used: collections.deque[Use] = collections.deque(maxlen=SLICES)

    def look() -> None:
        times = processes.cpu(program.pid), processes.cpu(screen.pid)
        used.append(Use(time.monotonic(), *times, processes.memory(program.pid)[0]))

    async def look_often() -> None:
        while True:
            look()
            await trio.sleep(SLICE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_often)
        begin = time.monotonic()
        drawn = await SCENES[name].act(desk, SCENES[name].share * seconds)
        if drawn:
            await trio.sleep(PATIENCE)
        nursery.cancel_scope.cancel()
    look()
    program.check()
    return Act(begin, time.monotonic(), drawn, list(used))


class _Program:
    """The program that is measured; it ends when its stdin does, and then says what it saw."""

    def __init__(self, model: StandIn, command: Sequence[str], request: Mapping[str, Any]) -> None:
        self._model = model
        self._command = list(command)
        self._request = orjson.dumps(request) + b"\n"
        self._said = bytearray()
        self._ended = trio.Event()
        self.started = 0.0
        self.pid = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Until the context is left."""
        self.started = time.monotonic()
        pipe = subprocess.PIPE
        process = await trio.lowlevel.open_process(self._command, stdin=pipe, stdout=pipe)
        self.pid = process.pid
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, process.stdout)
                await process.stdin.send_all(self._request)
                yield
                await process.stdin.aclose()
                with trio.move_on_after(STOPPING):
                    await self._ended.wait()
                nursery.cancel_scope.cancel()
        finally:
            await processes.end(process)

    async def _listen(self, stdout: trio.abc.ReceiveStream) -> None:
        async for data in stdout:
            self._said += data
        self._ended.set()

    def check(self) -> None:
        """Raise if it has ended."""
        if self._ended.is_set():
            raise PipelineError("the measured program ended too early; it said why")

    async def first_request(self) -> None:
        """Wait for it."""
        with trio.move_on_after(STARTING) as waiting:
            async with trio.open_nursery() as nursery:
                for event in (self._model.arrived, self._ended):
                    nursery.start_soon(_cancel_with, event, nursery.cancel_scope)
        if waiting.cancelled_caught:
            raise PipelineError(
                f"nothing was sent within {STARTING:g} s: does the configuration show anything?"
            )
        self.check()

    def record(self) -> Record:
        """What it saw, once it has ended."""
        if not self._ended.is_set() or not self._said:
            raise PipelineError("the measured program did not end in order")
        return cattrs.structure(orjson.loads(self._said), Record)


async def _cancel_with(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
