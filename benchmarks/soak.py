"""Hours of work on a real screen with faults by schedule, and whether anything was lost.

    python benchmarks/soak.py [--minutes 30] [--faults 60] [--seed 1] [--kinds cut suspend …]
                              [--set a.b=value …] [--json FILE] [--plot FILE]

Starts Xvfb with programs that draw (`soak_desk.py`), `hud run` with the sinks file, sqlite and
webhook, and a Realtime server that answers in half a second and reads in the pictures which
changes it was shown (`soak_server.py`). At random moments of a seeded schedule something fails:
every fault that the server knows, and on this side
  suspend  the program is stopped and continued, as a machine that sleeps and wakes
  pause    hud pause, and hud resume some seconds later
  webhook  the receiver of the webhook is away
  disk     no file can grow (RLIMIT_FSIZE 0 has every write fail, as a full disk does)
  locked   another program keeps the notes' database locked
  files    no further file descriptor can be had (RLIMIT_NOFILE)
  screen   the X server is killed, and started again with its programs
Prints a line every ten seconds, then the figures and the verdicts; exit status 1 if one is no.
Needs Xvfb and xterm.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import attrs
import psutil
import trio

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import rig, soak_report
from benchmarks.soak_desk import SIZE, Desk
from benchmarks.soak_report import Evidence, Happened, Sample
from benchmarks.soak_server import REMOTE, Receiver, Server

LOCAL = ("suspend", "pause", "webhook", "disk", "locked", "files", "screen")
NEVER_BLANK = ("-s", "0")
"""Xvfb's screen saver begins after ten minutes without a key."""
SETTLE = 0.1
"""Part of the run before the first fault, and behind the last; at most a minute."""
CONFIG = """\
capture: {use: auto}
realtime:
  url: ws://127.0.0.1:PORT/v1/realtime
  price_as: gpt-realtime-1.5
  answer_timeout: 10
budget: {usd_per_hour: 5, local: false, file: spending.json}
sinks:
  - {use: file, path: notes.jsonl}
  - {use: sqlite, path: notes.db}
  - {use: webhook, url: "http://127.0.0.1:HOOK/notes"}
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--minutes", type=float, default=1.0)
    arguments.add_argument("--faults", type=int, default=4)
    arguments.add_argument("--seed", type=int, default=1, help="of the schedule and the drawing")
    arguments.add_argument("--kinds", nargs="+", default=[*REMOTE, *LOCAL], help="of faults")
    arguments.add_argument("--set", nargs="*", default=[], help="settings of hud")
    arguments.add_argument("--json", type=pathlib.Path, help="where the figures go")
    arguments.add_argument("--plot", type=pathlib.Path, help="where the plot goes (.png)")
    arguments.add_argument("--keep", type=pathlib.Path, help="where the run's files are copied to")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        soak = Soak(folder, given.minutes * 60, random.Random(given.seed))
        try:
            schedule = planned(given.faults, given.minutes * 60, given.kinds, soak.dice)
            evidence = trio.run(soak.run, schedule, given.set)
            sinks = {
                "file": soak_report.read_file(folder / "notes.jsonl"),
                "sqlite": soak_report.read_database(folder / "notes.db"),
                "webhook": evidence.hooked,
            }
        finally:
            if given.keep is not None:
                shutil.copytree(folder, given.keep, dirs_exist_ok=True, ignore=_pipes)
    figures = {"machine": rig.machine(), "seed": given.seed}
    figures |= soak_report.judge(evidence, sinks)
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    if given.keep is not None:
        (given.keep / "evidence.json").write_text(json.dumps(attrs.asdict(evidence), default=list))
    if given.plot is not None:
        soak_report.plot(evidence, figures, given.plot)
    report(figures)
    sys.exit(not all(figures["verdicts"].values()))


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not (pathlib.Path(folder) / name).is_file()]


def report(figures: dict[str, object]) -> None:
    for name, value in figures.items():
        if name not in {"lost", "verdicts"}:
            print(f"{name}: {value}")
    for drawn in figures["lost"]:  # type: ignore[attr-defined]
        print(f"LOST {drawn}")
    for verdict, holds in figures["verdicts"].items():  # type: ignore[attr-defined]
        print(f"{'yes' if holds else 'NO '} {verdict}")


def planned(
    count: int, seconds: float, kinds: Sequence[str], dice: random.Random
) -> list[tuple[float, str]]:
    """When what fails: each kind once in random order, then each once more, and so on."""
    quiet = min(60.0, SETTLE * seconds)
    gap = (seconds - 2 * quiet) / max(1, count)
    order: list[str] = []
    while len(order) < count:
        order += dice.sample(kinds, len(kinds))
    return [
        (quiet + gap * (number + dice.uniform(0.0, 0.6)), kind)
        for number, kind in enumerate(order[:count])
    ]


@attrs.define
class Soak:
    """One run."""

    folder: pathlib.Path
    seconds: float
    dice: random.Random
    server: Server = attrs.field(factory=Server)
    receiver: Receiver = attrs.field(factory=Receiver)
    process: trio.Process = attrs.field(init=False)
    evidence: Evidence = attrs.field(init=False)
    _screens: contextlib.ExitStack = attrs.field(init=False)
    _x_server: int = 0
    _restart_screen: Callable[[], None] = attrs.field(init=False)
    _opened: Callable[[], Awaitable[trio.Process]] = attrs.field(init=False)

    async def run(self, schedule: list[tuple[float, str]], settings: list[str]) -> Evidence:
        """Draw, fail and watch until the time is over, then stop the program."""
        desk = Desk(self.folder, self.dice)
        with (
            rig.virtual_screen(*SIZE, *NEVER_BLANK) as (display, pid),
            contextlib.closing(desk),
            contextlib.ExitStack() as self._screens,
        ):
            self._restart_screen = functools.partial(self._start_again, desk, display)
            self._x_server = pid
            desk.open(display)
            async with trio.open_nursery() as nursery:
                serve = functools.partial(trio.serve_tcp, self.server.serve, 0, host="127.0.0.1")
                listeners = await nursery.start(serve)
                self.start_program(display, listeners[0].socket.getsockname()[1], settings)
                self.process = await self._opened()
                self.evidence = Evidence(time.monotonic(), desk.drawn, self.server.turns)
                nursery.start_soon(self._listen)
                nursery.start_soon(self._sample)
                nursery.start_soon(self._progress)
                nursery.start_soon(desk.run)
                nursery.start_soon(self._fail, schedule)
                with trio.move_on_after(self.seconds):
                    await self.process.wait()
                await self._stop()
                nursery.cancel_scope.cancel()
        await self.receiver.close()
        self.evidence.hooked = self.receiver.notes  # type: ignore[assignment]
        self.evidence.invalid = self.server.invalid
        return self.evidence

    def start_program(self, display: str, port: int, settings: list[str]) -> None:
        """Write the configuration, and remember how the program is started."""
        text = CONFIG.replace("PORT", str(port)).replace("HOOK", str(self.receiver.port))
        (self.folder / "soak.yaml").write_text(text)
        more = [part for setting in settings for part in ("--set", setting)]
        self._opened = functools.partial(
            trio.lowlevel.open_process,
            [sys.executable, "-m", "hud", "run", "soak.yaml", *more],
            cwd=self.folder,
            env=os.environ
            | {
                "DISPLAY": display,
                "OPENAI_API_KEY": "sk-loopback-0123456789",
                "XDG_RUNTIME_DIR": str(self.folder),
                "PYTHONFAULTHANDLER": "1",
            },
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    async def _stop(self) -> None:
        self.evidence.stopped = time.monotonic()
        if self.process.returncode is None:
            self.process.terminate()
        with trio.move_on_after(30):
            await self.process.wait()
        self.evidence.drain = time.monotonic() - self.evidence.stopped
        self.evidence.status = self.process.returncode
        self.process.kill()
        await trio.sleep(0.2)  # the last words of its stderr
        self.evidence.fates = fates_in(self.evidence.said)

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        rest = b""
        async for piece in self.process.stderr:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                text = line.decode(errors="replace")
                self.evidence.said.append(text)
                print(f"{self._now():7.1f}  {text}", flush=True)

    def _now(self) -> float:
        return time.monotonic() - self.evidence.start

    async def _sample(self) -> None:
        program, path = psutil.Process(self.process.pid), self.folder / "notes.jsonl"
        with contextlib.suppress(psutil.NoSuchProcess):
            while True:
                await trio.sleep(1)
                notes = path.read_bytes().count(b"\n") if path.exists() else 0
                rss = program.memory_info().rss / 1e6
                files, threads = program.num_fds(), program.num_threads()
                if not rss:
                    return  # it has ended, and nobody has asked for its status yet
                self.evidence.samples.append(Sample(self._now(), rss, files, threads, notes))

    async def _progress(self) -> None:
        while True:
            await trio.sleep(10)
            if self.evidence.samples:
                last = self.evidence.samples[-1]
                print(
                    f"{last.time:7.1f}  {len(self.evidence.drawn)} changes, "
                    f"{len(self.server.turns)} turns, {last.notes} notes, "
                    f"{len(self.evidence.faults)} faults, {last.rss_mb:.0f} MB, "
                    f"{last.files} files, {last.threads} threads",
                    flush=True,
                )

    # Faults --------------------------------------------------------------------------------------

    async def _fail(self, schedule: list[tuple[float, str]]) -> None:
        for when, kind in schedule:
            await trio.sleep(max(0.0, when - self._now()))
            print(f"{self._now():7.1f}  FAULT {kind}", flush=True)
            began = time.monotonic()
            if kind in LOCAL:
                with contextlib.suppress(psutil.NoSuchProcess):
                    async with getattr(self, f"_{kind}")():
                        await trio.sleep(self.dice.uniform(3.0, 9.0))
            else:
                self.server.waiting.append(kind)
            self.evidence.faults.append(Happened(kind, began, time.monotonic()))

    @contextlib.asynccontextmanager
    async def _suspend(self) -> AsyncIterator[None]:
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def _pause(self) -> AsyncIterator[None]:
        await self._tell(b"pause\n")
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await self._tell(b"resume\n")

    async def _tell(self, command: bytes) -> None:
        path = self.folder / "hud" / f"{self.process.pid}.sock"

        def say() -> None:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(5)
                peer.connect(str(path))
                peer.sendall(command)
                peer.recv(4096)

        await trio.to_thread.run_sync(say)

    @contextlib.asynccontextmanager
    async def _webhook(self) -> AsyncIterator[None]:
        await self.receiver.close()
        try:
            yield
        finally:
            self.receiver.open()

    @contextlib.asynccontextmanager
    async def _disk(self) -> AsyncIterator[None]:
        with limited(self.process.pid, resource.RLIMIT_FSIZE, 0):
            yield

    @contextlib.asynccontextmanager
    async def _files(self) -> AsyncIterator[None]:
        # Its fault is only felt by who opens something, so the server hangs up, too.
        self.server.waiting.append("cut")
        now = psutil.Process(self.process.pid).num_fds()
        with limited(self.process.pid, resource.RLIMIT_NOFILE, now):
            yield

    @contextlib.asynccontextmanager
    async def _screen(self) -> AsyncIterator[None]:
        self._restart_screen()
        yield

    def _start_again(self, desk: Desk, display: str) -> None:
        """Kill the X server and start another one; nothing is drawn and answered meanwhile."""
        os.kill(self._x_server, signal.SIGKILL)
        os.waitpid(self._x_server, 0)  # else its lock looks alive
        desk.close()
        time.sleep(1)
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        command = ["Xvfb", display, "-screen", "0", size, "-nolisten", "tcp", *NEVER_BLANK]
        server = self._screens.enter_context(rig.running(*command, stderr=subprocess.DEVNULL))
        self._x_server = server.pid
        time.sleep(2)
        desk.open(display)

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        connection = sqlite3.connect(self.folder / "notes.db", isolation_level=None, timeout=10)
        with contextlib.closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def limited(pid: int, limit: int, value: int) -> Iterator[None]:
    """A process with another limit for a while."""
    program = psutil.Process(pid)
    soft, hard = program.rlimit(limit)
    program.rlimit(limit, (value, hard))
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            program.rlimit(limit, (soft, hard))


def fates_in(said: list[str]) -> dict[str, int]:
    """The numbers of the last line such as `300 frames: 280 unchanged, 20 sent`."""
    last = next((line for line in reversed(said) if re.search(r"\d+ frames", line)), "")
    pairs = re.findall(r"(\d+) ([a-z ]+)", last.partition(";")[0])
    return {name.strip(): int(count) for count, name in pairs}


if __name__ == "__main__":
    main()
