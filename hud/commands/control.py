"""`hud pause`, `hud resume` and `hud status`: words for the programs that run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from hud.commands.console import say, show, show_json
from hud.control import tell
from hud.errors import NotRunningError
from hud.items import clock

NOT_REACHED = 1
"""Exit status of `hud pause` and `hud resume`, besides 0."""
NOT_HEALTHY, NOT_RUNNING = 1, 3
"""Exit statuses of `hud status`, besides 0."""
_AGES = {"looked": "looked at the screen", "change": "last change", "note": "last note"}


def pause(given: argparse.Namespace) -> None:
    """Let every running program of this user, or one, look away until it is resumed.

    The exit status says whether all were reached.
    """
    reached = list[bool]()
    for answer in tell(given.command, given.process):
        reached.append(answer.get("answered", True))
        show(_lines(answer))
    if len(reached) > 1:
        show([f"{given.command}d {sum(reached)} of {len(reached)}"])
    if not all(reached):
        sys.exit(NOT_REACHED)


def resume(given: argparse.Namespace) -> None:
    """Let them look again."""
    pause(given)


def status(given: argparse.Namespace) -> None:
    """Say how they are; the exit status says whether all is well."""
    healthy = True
    try:
        for answer in tell(given.command):
            healthy &= bool(answer.get("healthy"))
            if given.json:
                show_json([answer])
            else:
                show(_lines(answer))
    except NotRunningError as error:
        say(str(error))
        sys.exit(NOT_RUNNING)
    if not healthy:
        sys.exit(NOT_HEALTHY)


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    state, manner = answer.get("state"), answer.get("manner")
    watching = f"{state} {answer.get('watched')}, {manner}" if state == "watching" else state
    yield f"process {answer.get('process')}: {watching}; notes by {answer.get('notes_by', '?')}"
    for finding in answer.get("findings", []):
        reason = f": {finding['reason']}" if finding["reason"] else ""
        yield f"  {finding['word']} since {clock(finding['since'])}{reason}"
    if "ages" in answer:
        said = ", ".join(_ago(kind, age) for kind, age in answer["ages"].items())
        yield f"  {said}; {answer['summary']}"


def _ago(kind: str, age: float | None) -> str:
    return f"{_AGES.get(kind, kind)} " + ("never" if age is None else f"{age:.0f} s ago")
