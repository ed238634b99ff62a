"""`hud bench`: the latency of each stage on this machine."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import os
import pathlib
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hud.bench import processes, report, table
from hud.bench.compare import Difference, Verdict, compared, unlike
from hud.bench.model import StandIn
from hud.bench.processes import SIZES
from hud.bench.report import Report, Screen
from hud.commands.console import say, show
from hud.commands.setup import open_document, start
from hud.config import build
from hud.document import Document
from hud.errors import HudError, PipelineError, UsageError
from stages.registry import SECTIONS, SINKS

PACKAGES = ("trio", "trio-websocket", "numpy", "opencv-python-headless", "xcffib", "mss")
"""Whose versions the figures depend on."""
KEY_ENV = "HUD_BENCH_KEY"
"""Variable with the key of the stand-in for the model's server; made up anew in each round."""


class SlowerError(HudError):
    """The comparison that was asked for found something slower."""


def bench(given: argparse.Namespace) -> None:
    """Measure, or show what was measured, and compare it with an earlier run."""
    earlier, read = (
        report.load(pathlib.Path(path)) if path else None for path in (given.compare, given.read)
    )
    sizes = [screen.size for screen in read.screens] if read is not None else _sizes(given)
    if earlier is not None and not {screen.size for screen in earlier.screens} & set(sizes):
        raise UsageError(f"{given.compare}: holds no screen of {' or '.join(sizes)} (--size)")
    draw = _plotter(given.plot)
    found = _measure(given, sizes) if read is None else read
    if given.json:
        show([report.to_json(found)])
    else:
        _print(found)
    draw(found)
    if earlier is not None:
        _compare(earlier, found, given)


def _sizes(given: argparse.Namespace) -> list[str]:
    sizes = list(dict.fromkeys(given.size or ["1080p"]))
    return list(SIZES) if "all" in sizes else sizes


def _measure(given: argparse.Namespace, sizes: Sequence[str]) -> Report:
    document = open_document(given.config, given.assignments)
    build(document, SECTIONS)
    processes.need_virtual_screen()
    before = processes.machine() | _versions()
    _warn_if_busy(float(before["load"]))
    screens: dict[str, list[Screen]] = {size: [] for size in sizes}
    with _progress(given.rounds * len(sizes) * given.seconds) as tell:
        for _ in range(given.rounds):
            for size in sizes:
                screens[size].append(_round(size, given, document, tell))
    return Report(
        version=importlib.metadata.version("hud"),
        date=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        machine=before,
        config=given.config or "default.yaml",
        settings=given.assignments,
        answer=given.answer,
        seconds=given.seconds,
        screens=[report.merged(rounds) for rounds in screens.values()],
    )


def _round(
    size: str, given: argparse.Namespace, document: Document, tell: Callable[[str, float], None]
) -> Screen:
    from hud.bench.rounds import play

    with tempfile.TemporaryDirectory(prefix="hud-bench-") as folder:

        def measured(display: str, model: StandIn) -> tuple[Sequence[str], Mapping[str, Any]]:
            os.environ[KEY_ENV] = model.key
            command = [sys.executable, "-m", "hud.commands.measured"]
            return command, adapted(document, display, model.url, pathlib.Path(folder))

        return _uninterrupted(play, size, given.seconds, given.answer, measured, tell)


def _uninterrupted(play: Callable[..., Awaitable[Screen]], *arguments: object) -> Screen:
    """Run to the end; a signal takes the screen and the program down in order.

    Raises:
        PipelineError: there was a signal.
    """
    found: list[Screen] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(_cancel_on_signal, nursery.cancel_scope)
            found.append(await play(*arguments))
            nursery.cancel_scope.cancel()

    start(main)
    if not found:
        raise PipelineError("interrupted; what was measured is lost")
    return found[0]


async def _cancel_on_signal(
    scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        task_status.started()
        async for _number in signals:
            scope.cancel()


def adapted(document: Document, display: str, url: str, folder: pathlib.Path) -> dict[str, Any]:
    """The configuration as it is measured: everything as given, except where it looks and talks.

    Notes go to a file in `folder`, no money is counted, and nothing but errors is said.
    """
    mine = Document(document.name, dict(document.data), {})
    mine.choose_source("screen")
    mine.choose_sinks([f"file:{folder / 'notes.jsonl'}"], SINKS)
    capture = {**(mine.data.get("capture") or {}), "display": display, "monitor": 1}
    stand_in = {"url": url, "api_key_env": KEY_ENV, "key_header": "bearer", "free": True}
    kept = {
        key: value
        for key, value in (mine.data.get("realtime") or {}).items()
        if key not in {"headers", "price", "price_as"}
    }
    changed = {"capture": capture, "realtime": kept | stand_in, "log": {"level": "error"}}
    return {key: value for key, value in mine.data.items() if key != "budget"} | changed


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in PACKAGES if _is_there(name)}


def _is_there(name: str) -> bool:
    return bool(list(importlib.metadata.distributions(name=name)))


def _warn_if_busy(load: float) -> None:
    if load > 0.3 * len(os.sched_getaffinity(0)):
        say(f"this machine is busy (load {load:.1f}): expect every figure to be too high")


@contextlib.contextmanager
def _progress(total: float) -> Iterator[Callable[[str, float], None]]:
    """A bar on stderr where that is a terminal, else a line for each scene."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what, passed: None if passed else say(what)
        return
    columns = (TextColumn("{task.description:42}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda what, passed: bar.update(task, description=what, advance=passed)


def _plotter(path: str | None) -> Callable[[Report], None]:
    """Draws the report into a file, if one is wanted and it can be."""
    if path is None:
        return lambda _report: None
    try:
        from hud.bench import plot
    except ImportError:
        raise UsageError("--plot needs the extra `plot`: pip install '.[plot]'") from None
    return lambda found: plot.draw(found, pathlib.Path(path))


def _print(found: Report) -> None:
    _console().print(table.tables(found))


def _console(*, stderr: bool = False) -> Console:
    """As wide as the tables where nobody says how wide it is."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=100)


def _compare(earlier: Report, found: Report, given: argparse.Namespace) -> None:
    differences = compared(earlier, found, given.tolerance / 100)
    for sentence in unlike(earlier, found):
        say(f"not quite comparable: {sentence}")
    _console(stderr=given.json).print(table.comparison(differences, earlier))
    slower = [each for each in differences if _is_felt(each)]
    if given.fail and slower:
        raise SlowerError(f"{len(slower)} of the figures that matter got worse")


def _is_felt(difference: Difference) -> bool:
    return difference.verdict is Verdict.WORSE and difference.metric.headline
