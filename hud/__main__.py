"""The command line; the only place where hud and stages meet.

Notes go to stdout, everything else to stderr. What a command needs is imported when it runs, so
that `hud --help` does not wait for OpenCV.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hud.arguments import parser
from hud.errors import HudError, UsageError, unwrapped

if TYPE_CHECKING:
    import argparse

    from hud.config import Configuration
    from hud.document import Document
    from hud.ledger import Ledger
    from hud.privacy.pause import Pause
    from stages.send.admission import Admission


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    given = parser().parse_args(arguments)
    try:
        COMMANDS[given.command](given)
    except HudError as error:
        if given.debug:
            traceback.print_exc()
        for line in str(error).splitlines():
            say(line)
        _discard_stdout()
        sys.exit(2 if isinstance(error, UsageError) else 1)


def say(sentence: str) -> None:
    """Tell the user something that is no note."""
    print(f"hud: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - the only voice


def _discard_stdout() -> None:
    """Keep the interpreter from failing once more when it flushes a closed stdout at its exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(given: argparse.Namespace) -> None:
    """Run the pipeline as configured; without a display and a configuration, play the demo."""
    from stages.capture.desktop import no_display

    document = _document(given.config, given.assignments)
    _choose_sinks(document, given)
    if given.source:
        document.choose_source(given.source)
    elif not given.config:
        problem = no_display(document.text("capture", "display"))
        if problem is not None:
            say(f"{problem.partition('. ')[0]}. Playing the bundled recording instead.")
            _play_recording(document)
    _watch(document, given)


def demo(given: argparse.Namespace) -> None:
    """Play the bundled recording through the whole pipeline with the local model."""
    document = _document(None, given.assignments)
    _choose_sinks(document, given)
    _play_recording(document)
    _watch(document, given)


def check(given: argparse.Namespace) -> None:
    """Validate a configuration and print all of it, defaults included."""
    from hud.config import build
    from stages.registry import SECTIONS

    configuration = build(_document(given.config, given.assignments), SECTIONS)
    sys.stdout.write(configuration.text())


def record(given: argparse.Namespace) -> None:
    """Record the screen as a scene."""
    from hud.config import build
    from hud.privacy.pause import Pause
    from stages.record import Record
    from stages.registry import SECTIONS

    document = _document(
        None, [*given.assignments, "capture.use=screen", f"capture.max_fps={given.fps}"]
    )
    configuration = build(document, SECTIONS)
    capture = _shielded(configuration, Pause(say))
    if isinstance(capture.monitor, str):
        raise UsageError("a scene holds one monitor: name it with --set capture.monitor=1")
    capture.preflight()
    recorder = Record(path=given.folder, fps=given.fps)
    recorder.preflight()
    _start(_record, capture, recorder, given.seconds)


def estimate(given: argparse.Namespace) -> None:
    """Say what a run over a recorded scene would send and cost."""
    import json

    import attrs

    from hud import scene as scenes
    from hud.config import build
    from hud.estimate import Assumptions
    from stages.registry import SECTIONS

    scene = scenes.load(pathlib.Path(given.scene))
    configuration = build(_document(given.config, given.assignments), SECTIONS)
    stages = configuration.stages
    sender = stages["realtime"]
    memory = functools.partial(configuration.context.make, can_summarize=sender.can_summarize)
    assumed = Assumptions(
        sender.instructions, sender.tariff(), given.answer, memory, given.note_tokens
    )
    encode = attrs.evolve(stages["encode"], standing=sender.is_local)
    result = _simulate(scene, assumed, stages["change"], encode)
    if given.json:
        print(json.dumps(result.record()))  # noqa: T201 - what was asked for
        return
    print(result.text("the local model" if sender.is_local else sender.model))  # noqa: T201
    if not sender.is_local:
        _print_choices(configuration, result, functools.partial(_simulate, scene, assumed))


def _simulate(scene: Any, assumed: Any, change: Any, encode: Any) -> Any:  # noqa: ANN401 - stages
    from hud.estimate import estimate as simulate

    sketch = encode.sketcher(_reading() if encode.reads else None)
    return simulate(scene.frames(), scene.fps, change.detector(), sketch, assumed)


def _print_choices(configuration: Configuration, result: Any, simulate: Any) -> None:  # noqa: ANN401
    """What the same screen would cost with less, and what to choose for the budget."""
    import attrs

    from hud.choices import Choice, advice, table
    from hud.estimate import WORKING_DAY
    from hud.realtime.models import CHEAPEST, MODELS

    change, encode = configuration.stages["change"], configuration.stages["encode"]
    results: dict[tuple[str, ...], Any] = {(): result}
    if getattr(change, "sensitivity", "low") != "low":
        lower = simulate(attrs.evolve(change, sensitivity="low"), encode)
        results["change.sensitivity=low",] = lower
    choices = []
    for settings, each in results.items():
        turns = len(each.sends) * 3600 / each.seconds
        cheap = each.usd_per_hour_with(MODELS[CHEAPEST].price)
        choices.append(Choice(settings, each.usd_per_hour, turns))
        choices.append(Choice((*settings, f"realtime.model={CHEAPEST}"), cheap, turns))
    proposal = advice(choices, configuration.budget, WORKING_DAY)
    print("by setting:", table(choices), *filter(None, [proposal]), sep="\n")  # noqa: T201


def _reading() -> Callable[[bytes], Any]:
    """What reads the words of a picture in this process."""
    from hud.local.notetaker import lines
    from hud.local.reader import Reader

    return functools.partial(lines, Reader())


def doctor(given: argparse.Namespace) -> None:
    """Try the configured model's server with one small picture."""
    from hud.config import build
    from stages.registry import SECTIONS

    sender = build(_document(given.config, given.assignments), SECTIONS).stages["realtime"]
    _start(_examine, _keyed(sender))


def serve(given: argparse.Namespace) -> None:
    """Run the local model's server for other programs."""
    import secrets

    _need_local_extra()
    key = os.environ.get(given.key_env) or secrets.token_urlsafe(24)
    if not os.environ.get(given.key_env):
        say(f"{given.key_env} is not set; clients must send this key: {key}")
    _start(_serve, given.port, key)


def notes(given: argparse.Namespace) -> None:
    """Print notes that were written before."""
    import datetime

    import orjson

    from hud.database import Query
    from hud.notes import line, moment, read

    now = datetime.datetime.now().astimezone()

    def when(option: str) -> datetime.datetime | None:
        text = getattr(given, option)
        try:
            return None if text is None else moment(text, now)
        except (ValueError, OverflowError):
            allowed = "2h, 14:30, yesterday, 2026-11-21 or 2026-11-21T14:30"
            raise UsageError(f"--{option} {text}: must be a time such as {allowed}") from None

    query = Query(when("since"), when("until"), given.search, given.limit)
    found = read([pathlib.Path(file) for file in given.files], query, say)
    lines = (orjson.dumps(note).decode() if given.json else line(note) for note in found)
    try:
        sys.stdout.writelines(f"{text}\n" for text in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()


def control(given: argparse.Namespace) -> None:
    """Pause or resume every running program of this user, or ask how it is."""
    from hud.control import tell

    for status in tell(given.command):
        line = "; ".join(f"{key} {value}".strip() for key, value in status.items())
        print(line)  # noqa: T201 - what was asked for


def why(given: argparse.Namespace) -> None:
    """Say what became of the last frames of every running program of this user."""
    import json

    from hud.control import tell
    from hud.history import Entry

    for answer in tell("why"):
        entries = [Entry.of(record) for record in answer["entries"]]
        if given.frame is not None:
            entries = [entry for entry in entries if entry.concerns(given.frame)]
        for entry in entries[-given.last :]:
            print(json.dumps(entry.record()) if given.json else entry.line())  # noqa: T201


def sinks(_given: argparse.Namespace) -> None:
    """List where notes can go, with all options."""
    import attrs
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from hud.stage import options_of
    from stages.registry import SINKS

    table = Table("sink", "option", "default", "meaning", box=None, pad_edge=False)
    for name in SINKS:
        try:
            sink = SINKS[name]
        except UsageError as error:
            say(str(error))
            continue
        origin = SINKS.origin(name)
        meaning = (sink.__doc__ or "").partition("\n")[0] + (f" ({origin})" if origin else "")
        table.add_row(Text(name, "bold"), "", "", Text(meaning))
        for field in options_of(sink):
            given = "" if field.default is None else str(field.default)
            default = "required" if field.default is attrs.NOTHING else given
            table.add_row("", field.name, Text(default), Text(field.metadata["meaning"]))
    for clash in SINKS.clashes():
        say(clash)
    Console().print(table)


def models(_given: argparse.Namespace) -> None:
    """List the Realtime models with their prices."""
    from rich.console import Console
    from rich.table import Table

    from hud.realtime.models import MODELS, READ, SOURCE

    table = Table(box=None, pad_edge=False)
    for heading in ("model", "text in", "cached", "image in", "cached", "out", "reasons"):
        table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for name, model in MODELS.items():
        price = model.price
        figures = (price.text, price.cached_text, price.image, price.cached_image, price.output)
        reasons = "yes" if model.reasons else "no"
        table.add_row(name, *(f"{each:.2f}" for each in figures), reasons)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nDollars per million tokens; {SOURCE}, read in {READ}.")
    for name, model in MODELS.items():
        if model.off:
            console.print(f"{name} is switched off on {model.off}: use {model.instead}.")


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "run": run,
    "demo": demo,
    "check": check,
    "record": record,
    "estimate": estimate,
    "doctor": doctor,
    "serve": serve,
    "notes": notes,
    "pause": control,
    "resume": control,
    "status": control,
    "why": why,
    "sinks": sinks,
    "models": models,
}


def _document(config: str | None, assignments: Sequence[str]) -> Document:
    from hud.document import read
    from hud.packaged import config_file

    document = read(pathlib.Path(config) if config else config_file("default.yaml"))
    for assignment in assignments:
        document.set(assignment)
    return document


def _choose_sinks(document: Document, given: argparse.Namespace) -> None:
    from stages.registry import SINKS

    if given.sink:
        document.choose_sinks(given.sink, SINKS)


def _play_recording(document: Document) -> None:
    from hud.packaged import recording

    document.choose_source(f"replay:{recording()}")


def _watch(document: Document, given: argparse.Namespace) -> None:
    from hud.config import build
    from stages.registry import SECTIONS

    configuration = _with_key(build(document, SECTIONS))
    with _admission(configuration) as admission:
        _start(watch, configuration, admission, given.seconds, given.trace)


@contextlib.contextmanager
def _admission(configuration: Configuration) -> Iterator[Admission]:
    """The budget of this run, with what earlier runs spent where money is spent at all."""
    import time

    from hud.realtime.models import FREE
    from hud.spending import open_account
    from stages.send.admission import Admission

    sender, options = configuration.stages["realtime"], configuration.budget
    price = sender.tariff()
    has_local = _has_local_extra()
    budget = options.make(words=has_local, local=has_local)
    admission = Admission(budget, price, sender.max_output_tokens, say)
    if price == FREE:
        yield admission
        return
    with contextlib.ExitStack() as stack:
        try:
            account = open_account(budget, options.path, time.time())
            admission.keeper = stack.enter_context(account)
        except UsageError as error:
            if options.needs_past:
                raise
            say(f"{error}; what this run spends is not kept")
        yield admission


def _with_key(configuration: Configuration) -> Configuration:
    """Give the sender its key, and check everything that a start needs."""
    import attrs

    from hud.stage import equip

    stages = {name: equip(stage, warn=say) for name, stage in configuration.stages.items()}
    sender = _keyed(stages.pop("realtime"))
    for stage in [*stages.values(), *configuration.sinks.values()]:
        if hasattr(stage, "preflight"):
            stage.preflight()
    return attrs.evolve(configuration, stages={**stages, "realtime": sender})


def _keyed(sender: Any) -> Any:  # noqa: ANN401 - stages are known to the registry only
    import attrs

    from stages.send.troubles import Troubles

    key = os.environ.get(sender.api_key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the API key in {sender.api_key_env} contains odd characters")
    sender = attrs.evolve(sender, key=key, troubles=Troubles(say, key))
    sender.preflight()
    if sender.is_local:
        _need_local_extra()
    return sender


def _has_local_extra() -> bool:
    import importlib.util

    return importlib.util.find_spec("rapidocr") is not None


def _need_local_extra() -> None:
    if not _has_local_extra():
        raise UsageError(
            "the local model is not installed: pip install 'hud[local]', or name a server with "
            "--set realtime.url=wss://..."
        )


def _start(main: Callable[..., Awaitable[Any]], *arguments: object) -> None:
    import trio

    with unwrapped():
        trio.run(main, *arguments)


def _shielded(configuration: Configuration, pause: Pause) -> Any:  # noqa: ANN401 - stages
    """The configured capture behind a shield of what must not be seen."""
    from hud.stage import equip
    from stages.capture.shield import Shielding

    capture, privacy = configuration.stages["capture"], configuration.privacy
    if not hasattr(capture, "shielding") and (privacy.mask or privacy.only):
        raise UsageError("privacy: this capture of another package cannot paint anything over")
    return equip(capture, shielding=Shielding(privacy, pause, say))


def _status(pause: Pause, manner: str, where: str, ledger: Ledger) -> Callable[[], dict[str, str]]:
    """What `hud status` is told, as of the moment it is called."""

    def status() -> dict[str, str]:
        state = "paused" if pause.paused else f"watching, {manner}"
        return {"process": f"{os.getpid()}: {state}", "notes by": where, "": ledger.summary()}

    return status


async def _with_models(
    stack: contextlib.AsyncExitStack, configuration: Configuration, admission: Admission
) -> tuple[Any, Any]:
    """The sender and the encoder, with the local model or its reader started where they need it."""
    import attrs

    from hud.local.worker import open_reader

    sender, encode = configuration.stages["realtime"], configuration.stages["encode"]
    encode = attrs.evolve(encode, standing=sender.is_local, step=lambda: admission.budget.step)
    if sender.is_local:
        address, key = await stack.enter_async_context(_local_model())
        return attrs.evolve(sender, url=address, key=key), encode
    if encode.reads or (configuration.budget.limits and _has_local_extra()):
        # For the budget it starts when it is first needed.
        reader = await stack.enter_async_context(open_reader(at_once=encode.reads))
        encode = attrs.evolve(encode, reader=reader)
    return sender, encode


async def watch(
    configuration: Configuration,
    admission: Admission,
    seconds: float | None,
    trace: str | None = None,
) -> None:
    """Run the pipeline until it ends, `seconds` are over or a signal comes."""
    import attrs

    from hud.channel import Observer, Observers
    from hud.control import controlled
    from hud.figures import Figures, fullest
    from hud.history import History
    from hud.latency import Spans
    from hud.ledger import Ledger
    from hud.pipeline import Pipeline, Unanswered, run_pipeline
    from hud.privacy.echo import Echo, WithoutEcho
    from hud.privacy.pause import Pause
    from hud.report import Reporter
    from hud.stage import equip
    from hud.stopping import stopping
    from hud.trace import open_trace
    from stages.assemble import Assemble

    stages, ledger = configuration.stages, Ledger()
    history = History(ledger)
    figures = Figures(ledger, lambda: fullest(admission.budget.limits, admission.now))
    gifts = {"warn": say, "figures": figures.line}
    pause, echo = Pause(say), Echo(say)
    # A recording shows no notes of today.
    listens = configuration.privacy.echo and hasattr(stages["capture"], "display")
    talkative = configuration.log.level == "info"
    async with contextlib.AsyncExitStack() as stack:
        sender, encode = await _with_models(stack, configuration, admission)
        stop = await stack.enter_async_context(stopping(seconds))
        unanswered = Unanswered()
        pipeline = Pipeline(
            capture=_shielded(configuration, pause),
            change=WithoutEcho(stages["change"], echo.judge) if listens else stages["change"],
            encode=encode,
            send=attrs.evolve(
                sender,
                memory=configuration.context.make(can_summarize=stages["realtime"].can_summarize),
                admission=admission,
                open_local=_local_model,
                give_back=unanswered.give,
                stop=stop,
            ),
            assemble=Assemble(),
            sinks={name: equip(sink, **gifts) for name, sink in configuration.sinks.items()},
            handoffs=configuration.handoffs,
            unanswered=unanswered,
        )
        manner = getattr(stages["capture"], "manner", "by a capture of another package")
        where = stages["realtime"].whereabouts
        await stack.enter_async_context(
            controlled(
                pause,
                {"status": _status(pause, manner, where, ledger), "why": history.answer},
                say,
            )
        )
        if talkative:
            say(f"watching, {manner}; notes by {where}; Ctrl-C stops")
        # The history before the ledger: it must know a frame before its end is told.
        observers: list[Observer] = [history, ledger, figures, echo, Reporter(say)]
        if trace is not None:
            observers.append(Spans(stack.enter_context(open_trace(pathlib.Path(trace))).take))
        try:
            await run_pipeline(pipeline, stop=stop, observer=Observers(observers))
        finally:
            ledger.close()
            if talkative:
                spent = f"${admission.spent:.4f} spent" if admission.spent else ""
                say("; ".join(filter(None, [ledger.summary(), sender.troubles.summary(), spent])))


@contextlib.asynccontextmanager
async def _local_model() -> AsyncIterator[tuple[str, str]]:
    """Start the local model and its server; its address and the key that only we know."""
    import secrets

    from hud.local.server import open_server
    from hud.local.worker import open_reader

    key = secrets.token_urlsafe(24)
    # The server is ours, so it need not copy the hour after which OpenAI ends a session.
    for_ever = 10 * 365 * 86400.0
    async with (
        open_reader() as model,
        open_server(model, key=key, lifetime=for_ever) as address,
    ):
        yield address.url, key


async def _examine(sender: Any) -> None:  # noqa: ANN401 - stages
    import attrs

    from stages.send.doctor import examine

    def report(step: str, outcome: str) -> None:
        print(f"{step:9} {outcome}", flush=True)  # noqa: T201 - what was asked for

    async with contextlib.AsyncExitStack() as stack:
        free = sender.is_local
        if free:
            address, key = await stack.enter_async_context(_local_model())
            sender = attrs.evolve(sender, url=address, key=key, model="local")
        await examine(sender, report, free=free)


async def _serve(port: int, key: str) -> None:
    from hud.local.server import open_server
    from hud.local.worker import open_reader
    from hud.stopping import stopping

    async with (
        stopping(None) as stop,
        open_reader() as model,
        open_server(model, port=port, key=key) as address,
    ):
        say(f"listening on {address.url}; Ctrl-C stops")
        await stop.wait()


async def _record(capture: Any, recorder: Any, seconds: float | None) -> None:  # noqa: ANN401 - stages
    from hud.pipeline import run_recording
    from hud.stopping import stopping

    async with stopping(seconds) as stop:
        say(f"recording to {recorder.path}; Ctrl-C stops")
        await run_recording(capture, recorder, stop=stop)


if __name__ == "__main__":
    main()
