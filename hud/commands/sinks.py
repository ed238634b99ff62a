"""`hud sinks`: where notes can go."""

from __future__ import annotations

import argparse

import attrs
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hud.commands.console import say
from hud.errors import UsageError
from hud.stage import options_of
from stages.registry import SINKS


def sinks(_given: argparse.Namespace) -> None:
    """List where notes can go, with all options."""
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
