"""`hud models`: the Realtime models with their prices."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from hud.realtime.models import MODELS, READ, SOURCE


def models(_given: argparse.Namespace) -> None:
    """List the Realtime models with their prices."""
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "text in", "cached", "image in", "cached", "out", "reasons"):
        table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for name, model in MODELS.items():
        price = model.price
        figures = (price.text, price.cached_text, price.image, price.cached_image, price.output)
        reasons = "yes" if model.reasons else "no"
        table.add_row(name, *(f"{each:.2f}" for each in figures), reasons)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nDollars per million tokens; {SOURCE}, read in {READ}.")
    for name, model in MODELS.items():
        if model.off:
            console.print(f"{name} is switched off on {model.off}: use {model.instead}.")
