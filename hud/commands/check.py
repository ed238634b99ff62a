"""`hud check`: would this configuration run?"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import pathlib
from collections.abc import Iterator
from typing import Any

from hud.commands.console import say, show
from hud.commands.setup import Need, configured, keyed, needs, open_admission
from hud.config import Configuration
from hud.errors import UnsetError, UsageError
from hud.stage import HIDDEN


def check(given: argparse.Namespace) -> None:
    """Validate a configuration and print all of it, defaults included, but no secrets.

    What a run would refuse is refused. A key or a screen may be there when it runs: that they are
    not here is only said.

    Raises:
        UsageError: all that is wrong, a line each.
    """
    configuration = configured(given)
    refused, absent = list[str](), list[str]()
    key = Need(lambda: keyed(configuration.stages["realtime"]))
    budget = Need(lambda: _try_budget(configuration))
    for need in [key, *needs(configuration), budget]:
        try:
            with _no_new_file(need.stage):
                need.check()
        except UsageError as error:
            of_here = isinstance(error, UnsetError) or hasattr(need.stage, "display")
            (absent if of_here else refused).append(str(error))
    if refused:
        raise UsageError("\n".join(dict.fromkeys(refused)))
    text = configuration.text()
    if HIDDEN in text:
        show([f"# {HIDDEN} stands for what may be a secret; write it again before a run"])
    show(text.splitlines())
    for sentence in absent:
        say(f"the configuration is right, but a run would not start here: {sentence}")


def _try_budget(configuration: Configuration) -> None:
    """Open the account of what was spent, where it counts."""
    if configuration.budget.needs_past:
        with open_admission(configuration):
            pass


@contextlib.contextmanager
def _no_new_file(stage: Any) -> Iterator[None]:  # noqa: ANN401 - stages
    """Take away what a sink makes to see whether it can."""
    name = getattr(stage, "path", None)
    dated = getattr(stage, "path_for", None)
    path = dated(datetime.date.today()) if dated else pathlib.Path(name) if name else None
    fresh = path is not None and not path.exists()
    try:
        yield
    finally:
        if fresh and path is not None and path.is_file():
            path.unlink()
