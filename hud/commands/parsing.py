"""A parser whose every mistake is one line, and the kinds of value that a command line takes.

Imports nothing that takes long: `hud --help` is quick.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from typing import NoReturn

from hud.nearest import meant

HIGHEST_PORT = 65_535
LARGEST = 1e9
"""Of every number on the command line; some thirty years in seconds."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is what `--help` is for."""

    def __init__(self, prog: str, *, description: str, epilog: str = "") -> None:
        super().__init__(
            prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.commands: dict[str, Parser] = {}
        """By name, in the order of the help."""

    def open_commands(self) -> None:
        """Let commands be added."""
        self._commands = self.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def command(self, name: str, meaning: str) -> Parser:
        """Add a command, with the options that all have."""
        description = f"{meaning[0].upper()}{meaning[1:]}."
        command = self._commands.add_parser(
            name, prog=f"{self.prog} {name}", help=meaning, description=description
        )
        command.add_argument("--debug", action="store_true", help="show the traceback of a failure")
        self.commands[name] = command
        return command

    def error(self, message: str) -> NoReturn:
        """Print it and exit with status 2."""
        said = "".join(char if char.isprintable() else " " for char in message)
        self.exit(2, f"hud: {said.removeprefix('argument ')} (see `{self.prog} --help`)\n")

    def refuse_unknown(self, words: Iterable[str]) -> None:
        """Exit if there are words that no option or argument stands for."""
        for word in words:
            name = word.partition("=")[0]
            if name in self._option_string_actions:
                self.error(f"{name} stands after the command")
            if name.startswith("-"):
                self.error(f"unknown option {name}{meant(name, self._option_string_actions)}")
            self.error(f"{word}: one argument too many")


def number(what: str, low: float, high: float = LARGEST) -> Callable[[str], float]:
    """A kind of value: a finite number above `low` up to `high`, which is called `what`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low < value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: must be {what}")
        return value

    return parse


def whole(what: str, low: int, high: float = LARGEST) -> Callable[[str], int]:
    """A kind of value: a whole number from `low` to `high`, which is called `what`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: must be {what}")
        return value

    return parse


def path(text: str) -> str:
    """A kind of value: the name of a file or a folder."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("must be the name of a file or a folder, not empty")
    return text


seconds = number("a positive number of seconds such as 90", 0)
count = whole("a whole number from 1", 1)
port = whole(f"a port from 0 to {HIGHEST_PORT}", 0, HIGHEST_PORT)
