"""Passes on new content and nothing else: tiles compared exactly, judged by time and place."""

from __future__ import annotations

from typing import Any

import attrs
import trio

from hud.detector import Detector as Judges
from hud.detector import Guard, unguarded
from hud.items import Change, Frame
from hud.stage import between, given, one_of, option
from stages.change.detector.detector import Detector
from stages.change.detector.options import SENSITIVITY, Limits
from stages.change.judging import Heartbeat, judge
from stages.change.places import Place, Places


def _number(meaning: str, low: float, high: float) -> Any:  # noqa: ANN401 - as option
    return option(None, meaning=f"{meaning} (default: by sensitivity)", check=between(low, high))


@attrs.frozen
class Tiles:
    """Content that was not there before and stays is passed on; what repeats or never rests is not.

    Certain things go at once, doubtful things when they have come to rest, noise never.
    """

    sensitivity: str = option("normal", meaning="low, normal or high", check=one_of(*SENSITIVITY))
    confirm: float | None = _number("seconds a complete change is watched before it goes", 0.001, 5)
    rest: float | None = _number("seconds without a change until a busy place rests", 0.01, 10)
    word: float | None = _number("seconds of pause that end a word being typed", 0.01, 10)
    bound: float | None = _number("seconds that something growing is waited for", 0.1, 60)
    restless: float | None = _number("seconds in which four changes make background", 0.5, 120)
    places: tuple[Place, ...] = option(
        (), meaning="parts with another sensitivity: {region: [x, y, w, h], sensitivity: off}"
    )
    heartbeat: float | None = option(
        None, meaning="seconds after which a silent screen is shown whole", check=between(1, 86400)
    )

    guard: Guard = given(unguarded)
    """What is put around each detector."""

    @property
    def limits(self) -> Limits:
        """The numbers in force for the screen."""
        own: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("confirm", "rest", "word", "bound", "restless")
            if getattr(self, name) is not None
        }
        if self.confirm is not None:
            own["at_once"] = False
        return attrs.evolve(SENSITIVITY[self.sensitivity], **own)

    def detector(self) -> Judges:
        """A detector for one monitor."""
        return self._beating(self._silent())

    def _silent(self) -> Judges:
        """The same without a heartbeat."""
        detector: Judges = Detector(self.limits)
        if self.places:
            detector = Places(detector, self.places, lambda word: Detector(SENSITIVITY[word]))
        return detector

    def _beating(self, detector: Judges) -> Judges:
        return detector if self.heartbeat is None else Heartbeat(detector, self.heartbeat)

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Frame], outbox: trio.abc.SendChannel[Change]
    ) -> None:
        """Judge every frame; those without regions go no further than the channel."""
        # The guard judges what changed, which a heartbeat has not.
        await judge(lambda: self._beating(self.guard(self._silent())), inbox, outbox)
