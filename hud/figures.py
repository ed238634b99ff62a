"""What the status line says of a run; an observer."""

from __future__ import annotations

import collections
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from hud.channel import Observer
from hud.items import Fate, Note, NoteDelta, Status
from hud.ledger import Ledger
from hud.realtime.budget import Limit

LATELY = 100
"""Notes whose times make up the median."""


def _nothing() -> str:
    return ""


def _watching() -> str:
    return "watching"


class Figures(Observer):
    """Counts what was answered, and says it in one line together with the ledger's fates.

    `money` says what of the budget is spent; "" where there is none, then the dollars of the run.
    `state` says how the run is, `flow` what is watched and where it is sent.
    """

    def __init__(
        self,
        ledger: Ledger,
        money: Callable[[], str] = _nothing,
        state: Callable[[], str] = _watching,
        flow: str = "",
    ) -> None:
        self._ledger = ledger
        self._state = state
        self._flow = flow
        self._money = money
        self._seconds: collections.deque[float] = collections.deque(maxlen=LATELY)
        self._tokens = 0
        self._usd = 0.0

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, NoteDelta) and item.status is not Status.IN_PROGRESS:
            self._tokens += item.usage.input_tokens + item.usage.output_tokens
            self._usd += item.usd or 0.0
        elif isinstance(item, Note) and edge.startswith("assemble→") and item.done_time is not None:
            self._seconds.append(item.done_time - item.captured_time)

    def record(self) -> dict[str, Any]:
        """The same as plain data."""
        p50 = statistics.median(self._seconds) if self._seconds else None
        return {
            "frames": self._ledger.captured,
            "fates": {fate.value: count for fate, count in self._ledger.fates.items() if count},
            "tokens": self._tokens,
            "usd": self._usd,
            "p50_ms": None if p50 is None else round(1000 * p50, 1),
        }

    def line(self, width: int) -> str:
        """As much as fits into `width` characters, the most important first to stay."""
        parts = self._parts()
        while len(text := " · ".join(parts.values())) > width and len(parts) > 1:
            parts.pop(next(name for name in _DISPENSABLE if name in parts))
        return text[:width]

    def _parts(self) -> dict[str, str]:
        fates = self._ledger.fates
        parts = {"state": f"hud: {self._state()}"}
        if self._flow:
            parts["flow"] = self._flow
        parts["frames"] = f"{self._ledger.captured} frames"
        for name, kinds in _FATES.items():
            if count := sum(fates[fate] for fate in kinds):
                parts[name] = f"{count} {name}"
        if self._seconds:
            parts["p50"] = f"p50 {statistics.median(self._seconds):.2f} s"
        if self._tokens:
            parts["tokens"] = f"{_short(self._tokens)} tokens"
        if money := self._money():
            parts["usd"] = money
        elif self._usd:
            parts["usd"] = f"${self._usd:.4f}" if self._usd < 1 else f"${self._usd:.2f}"
        return parts


_FATES = {
    "sent": (Fate.SENT,),
    "merged": (Fate.MERGED,),
    "ignored": (Fate.UNCHANGED, Fate.NOISE, Fate.REPLACED),
    "failed": (Fate.FAILED,),
    "withheld": (Fate.WITHHELD_BY_BUDGET,),
}
_DISPENSABLE = (
    "ignored",
    "merged",
    "tokens",
    "p50",
    "frames",
    "sent",
    "flow",
    "failed",
    "withheld",
    "usd",
)
"""What goes first where the line is too narrow."""


def spendings(limits: Sequence[Limit], now: float) -> list[dict[str, Any]]:
    """What of each limit in dollars is spent, as plain data."""
    return [
        {"per": limit.name, "spent": limit.spent(now), "most": limit.most}
        for limit in _set_ones(limits)
    ]


def fullest(limits: Sequence[Limit], now: float) -> str:
    """The limit in dollars that is nearest to its end, such as `$0.42 of $3.00 a day`."""
    set_ones = _set_ones(limits)
    if not set_ones:
        return ""
    limit = max(set_ones, key=lambda limit: limit.spent(now) / limit.most)
    article = "an" if limit.name == "hour" else "a"
    return f"${limit.spent(now):.2f} of ${limit.most:.2f} {article} {limit.name}"


def _set_ones(limits: Sequence[Limit]) -> list[Limit]:
    return [limit for limit in limits if limit.name != "minute" and limit.most < math.inf]


def _short(number: int) -> str:
    return str(number) if number < 10_000 else f"{number / 1000:.0f}k"
