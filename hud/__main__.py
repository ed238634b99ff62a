"""The command line: finds the command, and gives every mistake one line and an exit status."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
"""As in typing, which takes long to import; until `main` runs an interrupt is a traceback."""
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

INTERRUPTED = 130
"""Exit status as a shell has it for SIGINT."""
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
    """Run one command and exit with its status; without arguments, that of the process."""
    if arguments is None:
        _die_of_interrupts()
    # Imported late, here and below: a signal meanwhile is quiet, and `hud --help` is quick.
    from hud.commands.arguments import parse

    _perform(parse(sys.argv[1:] if arguments is None else arguments))


def _die_of_interrupts() -> None:
    """Let Ctrl-C end the process as SIGTERM does, until a command listens to both itself.

    Python would raise KeyboardInterrupt wherever it is, in the middle of an import as well.
    """
    try:
        import signal

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _perform(given: argparse.Namespace) -> None:
    import importlib
    import traceback

    from hud.commands.console import discard_stdout, say
    from hud.errors import HudError, UsageError
    from hud.spool import spooled_stderr

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
