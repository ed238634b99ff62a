"""`hud pause`, `hud resume` and `hud status`: words for the programs that run."""

from __future__ import annotations

import argparse

from hud.commands.console import show
from hud.control import tell


def pause(given: argparse.Namespace) -> None:
    """Let every running program of this user look away until it is resumed."""
    status(given)


def resume(given: argparse.Namespace) -> None:
    """Let them look again."""
    status(given)


def status(given: argparse.Namespace) -> None:
    """Say how they are, after doing what the command says."""
    for answer in tell(given.command):
        show(["; ".join(f"{key} {value}".strip() for key, value in answer.items())])
