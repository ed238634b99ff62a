"""`hud check`."""

from __future__ import annotations

import argparse

from hud.commands.console import show
from hud.commands.setup import configured


def check(given: argparse.Namespace) -> None:
    """Validate a configuration and print all of it, defaults included."""
    show(configured(given).text().splitlines())
