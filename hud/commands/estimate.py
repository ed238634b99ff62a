"""`hud estimate`: what a run over a recorded scene would send and cost."""

from __future__ import annotations

import argparse
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from hud import scene as scenes
from hud.choices import Choice, advice, table
from hud.commands.console import show, show_json
from hud.commands.setup import configured
from hud.config import Configuration
from hud.estimate import WORKING_DAY, Assumptions
from hud.estimate import estimate as simulate
from hud.realtime.models import CHEAPEST, MODELS


def estimate(given: argparse.Namespace) -> None:
    """Say what a run over a recorded scene would send and cost."""
    scene = scenes.load(pathlib.Path(given.scene))
    configuration = configured(given)
    stages = configuration.stages
    sender = stages["realtime"]
    memory = functools.partial(configuration.context.make, can_summarize=sender.can_summarize)
    assumed = Assumptions(
        sender.instructions, sender.tariff(), given.answer, memory, given.note_tokens
    )
    encode = attrs.evolve(stages["encode"], standing=sender.is_local)
    result = _simulate(scene, assumed, stages["change"], encode)
    if given.json:
        show_json([result.record()])
        return
    show([result.text("the local model" if sender.is_local else sender.model)])
    if not sender.is_local:
        show(_choices(configuration, result, functools.partial(_simulate, scene, assumed)))


def _simulate(scene: Any, assumed: Any, change: Any, encode: Any) -> Any:  # noqa: ANN401 - stages
    sketch = encode.sketcher(_reading() if encode.reads else None)
    return simulate(scene.frames(), scene.fps, change.detector(), sketch, assumed)


def _choices(
    configuration: Configuration,
    result: Any,  # noqa: ANN401 - stages
    simulated: Callable[..., Any],
) -> Iterator[str]:
    """What the same screen would cost with less, and what to choose for the budget."""
    change, encode = configuration.stages["change"], configuration.stages["encode"]
    results: dict[tuple[str, ...], Any] = {(): result}
    if getattr(change, "sensitivity", "low") != "low":
        lower = simulated(attrs.evolve(change, sensitivity="low"), encode)
        results["change.sensitivity=low",] = lower
    choices = []
    for settings, each in results.items():
        turns = len(each.sends) * 3600 / each.seconds
        cheap = each.usd_per_hour_with(MODELS[CHEAPEST].price)
        choices.append(Choice(settings, each.usd_per_hour, turns))
        choices.append(Choice((*settings, f"realtime.model={CHEAPEST}"), cheap, turns))
    yield "by setting:"
    yield table(choices)
    if proposal := advice(choices, configuration.budget, WORKING_DAY):
        yield proposal


def _reading() -> Callable[[bytes], Any]:
    """What reads the words of a picture in this process."""
    from hud.local.notetaker import lines
    from hud.local.reader import Reader

    return functools.partial(lines, Reader())
