"""From the words of a command line to stages that are ready to start."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import pathlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import attrs
import trio

from hud.commands.console import say
from hud.commands.local_model import has_local_extra, need_local_extra
from hud.condition import Condition
from hud.config import Configuration, build
from hud.document import Document, read
from hud.errors import UsageError, unwrapped
from hud.heap import keep_heap_small
from hud.nearest import meant
from hud.packaged import config_file, config_files
from hud.privacy.pause import Pause
from hud.realtime.models import FREE
from hud.spending import open_account
from hud.spool import spooled_stderr
from hud.stage import equip
from stages.capture.shield import Shielding
from stages.registry import SECTIONS
from stages.send.admission import Admission
from stages.send.troubles import Troubles


def open_document(config: str | None, assignments: Sequence[str] = ()) -> Document:
    """The configuration file, or the packaged default, with `--set` applied."""
    document = read(_found(config) if config else config_file("default.yaml"))
    for assignment in assignments:
        document.set(assignment)
    return document


def _found(config: str) -> pathlib.Path:
    """The file of that name, else the ready one of that name that comes along.

    Raises:
        UsageError: there is neither.
    """
    path, packaged = pathlib.Path(config), config_files()
    if path.exists() or path.is_symlink():
        return path
    if config in packaged:
        say(f"there is no {config} here: the one that comes with hud is meant")
        return config_file(config)
    raise UsageError(
        f"{config}: No such file or directory{_near(config, packaged)}; "
        f"these come with hud: {', '.join(packaged)}"
    )


def _near(config: str, packaged: Sequence[str]) -> str:
    """Compared without `.yaml`, which all have in common."""
    stems = [name.removesuffix(".yaml") for name in packaged]
    return meant(config.removesuffix(".yaml"), stems).replace("?", ".yaml?")


def configured(given: argparse.Namespace) -> Configuration:
    """The configuration that a command names, with every mistake in it found."""
    return build(open_document(given.config, given.assignments), SECTIONS)


def ready(document: Document) -> Configuration:
    """The stages with voice and key, after checking everything that a start needs."""
    configuration = build(document, SECTIONS)
    stages = {name: equip(stage, warn=say) for name, stage in configuration.stages.items()}
    configuration = attrs.evolve(configuration, stages=stages)
    sender = keyed(stages["realtime"])
    for need in needs(configuration):
        need.check()
    # What was found out is not asked again, in the event loop least of all.
    stages = {
        name: stage.settled() if hasattr(stage, "settled") else stage
        for name, stage in stages.items()
    }
    return attrs.evolve(configuration, stages={**stages, "realtime": sender})


@attrs.frozen
class Need:
    """Something that a start needs besides a valid configuration."""

    check: Callable[[], object]
    """Raises UsageError where it is missing."""
    stage: Any = None
    """Whose need it is."""


def needs(configuration: Configuration) -> Iterator[Need]:
    """All that a start needs besides the key; nobody is asked over the network."""
    stages, privacy = configuration.stages, configuration.privacy
    for stage in [*stages.values(), *configuration.sinks.values()]:
        if hasattr(stage, "preflight") and stage is not stages["realtime"]:
            yield Need(stage.preflight, stage)
    yield Need(functools.partial(_need_shield, configuration))
    if privacy.redact:
        instead = "for privacy.redact must read what it paints over; or leave that out"
        yield Need(functools.partial(need_local_extra, instead))


def _need_shield(configuration: Configuration) -> None:
    capture, privacy = configuration.stages["capture"], configuration.privacy
    if not hasattr(capture, "shielding") and (privacy.mask or privacy.only):
        raise UsageError("privacy: this capture of another package cannot paint anything over")


def keyed(sender: Any) -> Any:  # noqa: ANN401 - stages are known to the registry only
    """The sender with the key from the environment, checked."""
    key = os.environ.get(sender.api_key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the API key in {sender.api_key_env} contains odd characters")
    sender = attrs.evolve(sender, key=key, troubles=Troubles(say, key))
    sender.preflight()
    if sender.is_local:
        need_local_extra()
    return sender


def shielded(configuration: Configuration, pause: Pause, sight: Condition | None = None) -> Any:  # noqa: ANN401 - stages
    """The configured capture behind a shield of what must not be seen, which `sight` is told of."""
    _need_shield(configuration)
    capture, privacy = configuration.stages["capture"], configuration.privacy
    return equip(capture, shielding=Shielding(privacy, pause, say, sight or Condition()))


@contextlib.contextmanager
def open_admission(configuration: Configuration) -> Iterator[Admission]:
    """The budget of this run, with what earlier runs spent where money is spent at all."""
    sender, options = configuration.stages["realtime"], configuration.budget
    price = sender.tariff()
    has_local = has_local_extra()
    budget = options.make(words=has_local, local=has_local)
    admission = Admission(budget, price, sender.max_output_tokens, say)
    if price == FREE:
        yield admission
        return
    with contextlib.ExitStack() as stack:
        try:
            account = open_account(budget, options.path, time.time())
            admission.strict = options.needs_past
            admission.keeper = stack.enter_context(account)
        except UsageError as error:
            if options.needs_past:
                raise
            say(f"{error}; what this run spends is not kept")
        yield admission


def start(main: Callable[..., Awaitable[Any]], *arguments: object) -> None:
    """Run an async function to its end; of a group of errors the one that counts is raised."""
    keep_heap_small()
    with unwrapped(), spooled_stderr():
        trio.run(main, *arguments)
