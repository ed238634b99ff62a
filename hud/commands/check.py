"""`hud check`."""

from __future__ import annotations

import argparse

from hud.commands.console import show
from hud.commands.setup import configured
from hud.stage import HIDDEN


def check(given: argparse.Namespace) -> None:
    """Validate a configuration and print all of it, defaults included, but no secrets."""
    text = configured(given).text()
    if HIDDEN in text:
        show([f"# {HIDDEN} stands for what may be a secret; write it again before a run"])
    show(text.splitlines())
