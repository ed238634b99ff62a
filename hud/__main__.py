"""The command line: finds the command, and gives every mistake one line and an exit status."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence

from hud.commands.arguments import parser
from hud.commands.console import discard_stdout, say
from hud.errors import HudError, UsageError
from hud.spool import spooled_stderr

MODULES = {
    "run": "run",
    "demo": "run",
    "check": "check",
    "record": "record",
    "estimate": "estimate",
    "doctor": "doctor",
    "serve": "serve",
    "notes": "notes",
    "pause": "control",
    "resume": "control",
    "status": "control",
    "why": "why",
    "bench": "bench",
    "sinks": "sinks",
    "models": "models",
}
"""The module in `hud.commands` that holds each command, as a function of its name."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    given = parser().parse_args(arguments)
    try:
        module = importlib.import_module(f"hud.commands.{MODULES[given.command]}")
        getattr(module, given.command)(given)
    except HudError as error:
        if given.debug:
            traceback.print_exc()
        with spooled_stderr():
            for line in str(error).splitlines():
                say(line)
        discard_stdout()
        sys.exit(2 if isinstance(error, UsageError) else 1)


if __name__ == "__main__":
    main()
