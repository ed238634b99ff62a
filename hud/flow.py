"""What is watched, and where what was seen goes: the indicator that every HUD shows."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

LOCAL = "this machine"


@attrs.frozen
class Flow:
    """From the screen to the model and on to the sinks."""

    watched: str
    """Such as `monitor 1`."""
    model: str
    """Who writes the notes."""
    host: str
    """Where the model is; "" on this machine."""
    sinks: tuple[str, ...] = ()
    """Hosts, services and programs to which the notes go on."""

    @classmethod
    def of(cls, capture: object, sender: object, sinks: Iterable[object]) -> Flow:
        """As configured stages say it of themselves, those of other packages as far as they do."""
        targets = (getattr(sink, "destination", "") for sink in sinks)
        return cls(
            getattr(capture, "watched", "the screen"),
            getattr(sender, "model_name", "a model"),
            getattr(sender, "host", "a host"),
            tuple(dict.fromkeys(filter(None, targets))),
        )

    @property
    def short(self) -> str:
        """In one line: what is watched → where it is sent → where the notes are sent."""
        return " → ".join(filter(None, [self.watched, self.host or LOCAL, ", ".join(self.sinks)]))

    @property
    def notes_by(self) -> str:
        """Who writes the notes, where, and what leaves this machine."""
        model = f"{self.model} at {self.host}" if self.host else self.model
        if self.sinks:
            return f"{model}; notes go to {', '.join(self.sinks)}"
        return model if self.host else f"{model}, nothing leaves {LOCAL}"
