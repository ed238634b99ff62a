"""What a turn brings along besides its pictures."""

from __future__ import annotations

import attrs

from hud.realtime.memory import KEEP, MOST, Memory
from hud.stage import OptionError, between, one_of, option


@attrs.frozen
class ContextOptions:
    """How much of the past the model is told."""

    policy: str = option(
        "summary",
        meaning="summary (the recent notes and a summary of the older ones), notes (the recent "
        "ones), or none",
        check=one_of("summary", "notes", "none"),
    )
    keep: int = option(KEEP, meaning="notes that stay when the older ones go", check=between(1, 99))
    most: int = option(MOST, meaning="notes that make the older ones go", check=between(2, 300))

    def __attrs_post_init__(self) -> None:
        if self.keep >= self.most:
            raise OptionError("keep", f"{self.keep} must be less than most, which is {self.most}")

    def make(self, *, can_summarize: bool) -> Memory:
        """An empty memory; the local model cannot summarise."""
        if self.policy == "none":
            return Memory(keep=0, most=0)
        summarizes = self.policy == "summary" and can_summarize
        return Memory(keep=self.keep, most=self.most, summarizes=summarizes)
