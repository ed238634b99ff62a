"""Tells the user of crashes; an observer."""

from __future__ import annotations

from collections.abc import Callable

from hud.channel import Observer


class Reporter(Observer):
    """Passes one sentence for each crash to `say`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        self._say(f"{stage} failed ({type(error).__name__}: {error}), again in {retry_in:g} s")
