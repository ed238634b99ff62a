"""`hud run` and `hud demo`: the whole flow, from the screen to the sinks."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.metadata
import pathlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import trio

from hud.boottime import boottime
from hud.channel import Observer, Observers
from hud.commands.console import say
from hud.commands.local_model import has_local_extra, open_local_model
from hud.commands.setup import open_admission, open_document, ready, shielded, start
from hud.config import Configuration, build
from hud.control import controlled
from hud.document import Document
from hud.figures import Figures, fullest, spendings
from hud.flow import Flow
from hud.garbage import ClearingUp, Settled
from hud.health import BUDGET, CAPTURE, SESSION, SIGHT, Health
from hud.history import History
from hud.latency import Spans
from hud.ledger import Ledger
from hud.packaged import recording
from hud.pipeline import Pipeline, Unanswered, run_pipeline
from hud.privacy.curtain import Curtain
from hud.privacy.echo import Echo, Guarded
from hud.privacy.options import PrivacyOptions
from hud.privacy.pause import Pause
from hud.privacy.secrets import Secrets
from hud.realtime.models import FREE
from hud.report import Reporter
from hud.stage import equip, options_of
from hud.stopping import limited, stopping
from hud.systemd import supervised
from hud.threads import bound_threads
from hud.trace import open_trace
from stages.assemble import Assemble
from stages.capture.desktop import no_display
from stages.encode.redact import Redaction
from stages.registry import CAPTURES, SECTIONS, SINKS
from stages.send.admission import Admission
from stages.send.endpoint import LOCAL

if TYPE_CHECKING:
    from hud.local.worker import LocalReader

_BUNDLED = f"replay:{recording()}"


def run(given: argparse.Namespace) -> None:
    """Run the pipeline as configured; without a display and a configuration, play the demo."""
    document = _document(given, given.assignments, given.source)
    if not given.source and not given.config and document.watches_screen:
        problem = no_display(document.text("capture", "display"))
        if problem is not None:
            document = _recording_instead(given)
            say(f"{problem.partition('. ')[0]}. Playing the bundled recording instead.")
    _run(document, given)


def demo(given: argparse.Namespace) -> None:
    """Play the bundled recording through the whole pipeline with the local model."""
    _run(_document(given, given.assignments, _BUNDLED), given)


def _document(
    given: argparse.Namespace, assignments: Sequence[str], source: str | None = None
) -> Document:
    """The configuration, with sinks and source chosen before `--set` reaches into them."""
    document = open_document(getattr(given, "config", None))
    if given.sink:
        document.choose_sinks(given.sink, SINKS)
    if source:
        document.choose_source(source)
    for assignment in assignments:
        document.set(assignment)
    return document


def _recording_instead(given: argparse.Namespace) -> Document:
    """The bundled recording, with those of the settings that mean something to it.

    Raises:
        UsageError: one of them is a mistake, or one of the others for a screen too.
    """
    of_recordings = {field.name for field in options_of(CAPTURES["replay"])}
    for_screens, others = list[str](), list[str]()
    for assignment in given.assignments:
        section, _, key = assignment.partition("=")[0].partition(".")
        fits = section != "capture" or key.partition(".")[0] in of_recordings
        (others if fits else for_screens).append(assignment)
    document = _document(given, others, _BUNDLED)
    for each in (_document(given, for_screens), document):
        build(each, SECTIONS)
    return document


def _run(document: Document, given: argparse.Namespace) -> None:
    configuration = ready(document)
    with open_admission(configuration) as admission:
        start(watch, configuration, admission, given.seconds, given.trace)


async def watch(
    configuration: Configuration,
    admission: Admission,
    seconds: float | None,
    trace: str | None = None,
    observers: Sequence[Observer] = (),
) -> None:
    """Run the pipeline until it ends, `seconds` are over or a signal comes.

    `observers` watch it beside those that every run has.
    """
    bound_threads()
    stages, ledger = configuration.stages, Ledger()
    history = History(ledger)
    pause, echo = Pause(say), Echo(say)
    curtain = Curtain(pause)
    health = Health(pause, say, _patience(configuration))
    admission.condition, admission.clock = health.of(BUDGET), boottime
    money = functools.partial(_money, admission)
    flow = Flow.of(stages["capture"], stages["realtime"], configuration.sinks.values())
    figures = Figures(ledger, money, health.word, flow.short)
    manner = getattr(stages["capture"], "manner", "by a capture of another package")
    version = importlib.metadata.version("hud")

    def state() -> dict[str, Any]:
        return {
            "version": version,
            "paused": pause.paused,
            "wrong": [finding.text for finding in health.findings if not finding.harmless],
            "watching": f"{flow.watched}, {manner}",
            "notes_by": flow.notes_by,
            "free": admission.price == FREE,
            "limits": spendings(admission.budget.limits, admission.now),
            **figures.record(),
            "usd": admission.spent,
        }

    gifts: dict[str, Any] = {"warn": say, "figures": figures.line, "turned": health.wait_turned}
    gifts |= {"pause": pause, "state": state, "past": history.past, "end_fates": history.close}
    gifts["secrets"] = _secrets(stages["realtime"], configuration.sinks.values())
    # A recording shows no notes of today.
    listens = configuration.privacy.echo and hasattr(stages["capture"], "display")
    guard = {"guard": lambda detector: Guarded(detector, echo)} if listens else {}
    talkative = configuration.log.level == "info"
    async with contextlib.AsyncExitStack() as stack:
        # First, so that a signal also ends what takes long to start or to end.
        stop = await stack.enter_async_context(stopping())
        spans = list[Observer]()
        if trace is not None:
            spans = [Spans(stack.enter_context(open_trace(pathlib.Path(trace), say)).take)]
        sender, encode = await _with_models(stack, configuration, admission)
        await stack.enter_async_context(limited(stop, seconds))
        unanswered = Unanswered()
        pipeline = Pipeline(
            capture=equip(
                shielded(configuration, pause, health.of(SIGHT)), condition=health.of(CAPTURE)
            ),
            change=equip(stages["change"], **guard),
            encode=encode,
            send=attrs.evolve(
                sender,
                memory=configuration.context.make(can_summarize=stages["realtime"].can_summarize),
                admission=admission,
                curtain=curtain,
                give_back=unanswered.give,
                condition=health.of(SESSION),
                # On this machine nobody hangs up because it slept.
                woken=trio.sleep_forever if stages["realtime"].is_local else health.wait_woken,
                stop=stop,
            ),
            assemble=Assemble(),
            sinks={
                name: equip(sink, **gifts, condition=health.of(name))
                for name, sink in configuration.sinks.items()
            },
            handoffs=configuration.handoffs,
            unanswered=unanswered,
            curtain=curtain,
        )
        status = functools.partial(_status, manner, flow, ledger)
        await stack.enter_async_context(health.kept())
        await stack.enter_async_context(supervised(health, stop))
        await stack.enter_async_context(
            controlled(
                pause,
                {"status": lambda _about: status() | health.record(), "why": history.answer},
                say,
            )
        )
        if talkative:
            say(f"watching {flow.watched}, {manner}; notes by {flow.notes_by}; Ctrl-C stops")
        # The history before the ledger: it must know a frame before its end is told.
        watching: list[Observer] = [history, ledger, figures, echo, health, Reporter(say)]
        watching += [Settled(), ClearingUp(), *observers, *spans]
        try:
            await run_pipeline(pipeline, stop=stop, observer=Observers(watching))
        finally:
            ledger.close()
            if talkative:
                spent = f"${admission.spent:.4f} spent" if admission.spent else ""
                say("; ".join(filter(None, [ledger.summary(), sender.troubles.summary(), spent])))


async def _with_models(
    stack: contextlib.AsyncExitStack, configuration: Configuration, admission: Admission
) -> tuple[Any, Any]:
    """The sender and the encoder, with the local model or its reader started where they need it."""
    sender, encode = configuration.stages["realtime"], configuration.stages["encode"]
    reader = await _with_reader(stack, configuration)
    encode = attrs.evolve(
        encode,
        standing=sender.is_local,
        step=lambda: admission.budget.step,
        reader=reader,
        redaction=_redaction(configuration.privacy, reader),
    )
    open_local = functools.partial(open_local_model, reader)
    if sender.is_local:
        address, key = await stack.enter_async_context(open_local())
        sender = attrs.evolve(sender, url=address, key=key, model=LOCAL)
    return attrs.evolve(sender, open_local=open_local), encode


async def _with_reader(
    stack: contextlib.AsyncExitStack, configuration: Configuration
) -> LocalReader | None:
    """What reads pictures for their words, or for the secrets in them; None if nobody asks."""
    encode, redact = configuration.stages["encode"], bool(configuration.privacy.redact)
    reads = encode.reads and not configuration.stages["realtime"].is_local
    saves = bool(configuration.budget.limits) and has_local_extra()
    if not (redact or reads or saves):
        return None
    from hud.local.worker import open_reader

    # For the budget it starts when it is first needed.
    return await stack.enter_async_context(open_reader(at_once=redact or reads))


def _redaction(privacy: PrivacyOptions, reader: LocalReader | None) -> Redaction | None:
    if not privacy.redact or reader is None:
        return None
    secrets = Secrets.named(privacy.redact)
    return Redaction(secrets, reader, privacy.read_within, privacy.unread)


def _patience(configuration: Configuration) -> dict[str, float]:
    """Seconds that each may take over one item by its own options, before it counts as stalled."""
    sinks = {name: getattr(sink, "patience", 0.0) for name, sink in configuration.sinks.items()}
    reading = configuration.privacy.read_within if configuration.privacy.redact else 0.0
    return sinks | {"send": configuration.stages["realtime"].answer_timeout, "encode": reading}


def _secrets(sender: Any, sinks: Iterable[Any]) -> frozenset[str]:  # noqa: ANN401 - stages
    """The environment variables that hold keys."""
    names = [getattr(sender, "api_key_env", None)]
    for sink in sinks:
        names += [getattr(sink, "secret_env", None), getattr(sink, "urls_env", None)]
    return frozenset(filter(None, names))


def _money(admission: Admission) -> str:
    return fullest(admission.budget.limits, admission.now)


def _status(manner: str, flow: Flow, ledger: Ledger) -> dict[str, Any]:
    """What `hud status` is told of the run, besides its health."""
    return {
        "manner": manner,
        "watched": flow.watched,
        "notes_by": flow.notes_by,
        "frames": ledger.captured,
        "fates": {fate.value: count for fate, count in ledger.fates.items() if count},
        "summary": ledger.summary(),
    }
