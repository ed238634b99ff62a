"""Tells the user of crashes; an observer."""

from __future__ import annotations

from collections.abc import Callable

from hud.channel import Observer, ends


class Reporter(Observer):
    """Says once that a stage fails, and once that it works again."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._failing: dict[str, tuple[str, int]] = {}
        """Stage → how it failed last, and how often since it worked."""

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        reason = f"{type(error).__name__}: {error}"
        before, times = self._failing.get(stage, ("", 0))
        self._failing[stage] = reason, times + 1
        if reason != before:
            self._say(f"{stage} failed ({reason}), again in {retry_in:g} s")

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if not self._failing:
            return
        stage = ends(edge)[0]
        _reason, times = self._failing.pop(stage, ("", 0))
        if times > 1:
            self._say(f"{stage} works again, after {times} failures")
