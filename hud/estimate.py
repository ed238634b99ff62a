"""What a run over a recorded scene would send and cost: same stages, simulated time, no network.

The stages' own pure functions are called directly, and time is the scene's: the result is the same
each time and comes as fast as the detector can look.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs

from hud.detector import AFTERMATH, SHORTEST_NAP, SLACK, Detector
from hud.items import Cause, Change, Fate, Frame, Picture, Shot, Usage
from hud.realtime.bill import Request, Segment, cached, counted
from hud.realtime.memory import SUMMARIZE, Memory
from hud.realtime.models import Price, cost
from hud.realtime.tokens import view_tokens
from hud.rect import Rect

NOTE_TOKENS = 60
"""Of an average note; it comes back as input with the later turns."""
WORKING_DAY = 8
"""Hours."""
SHORT = 120.0
"""Seconds below which a recording says little about an hour."""
SUMMARY_TOKENS = 160
"""Of a summary of older notes."""

Shoot = Callable[[Change], Shot]


@attrs.frozen
class Sent:
    """One turn that would have been asked."""

    time: float
    """Seconds into the scene, of the frame that was shown."""
    frame: int
    """Index into the scene's frames."""
    tokens: int
    """Of the whole input."""
    regions: tuple[Rect, ...]
    """The parts of the frame that were shown."""
    usage: Usage


@attrs.frozen
class Estimate:
    """What a run over a scene would send and cost."""

    sends: tuple[Sent, ...]
    fates: dict[str, int]
    seconds: float
    """Length of the scene."""
    usd: float
    usages: tuple[Usage, ...]
    """Of every turn, those that only sum up older notes included."""

    @property
    def usd_per_hour(self) -> float:
        """Dollars, if it went on like this."""
        return self.usd * 3600 / self.seconds

    def usd_per_hour_with(self, price: Price) -> float:
        """The same with another model's price."""
        return sum(cost(usage, price) for usage in self.usages) * 3600 / self.seconds

    def text(self, model: str) -> str:
        """A few lines for a person."""
        turns, seconds = len(self.sends), self.seconds
        tokens = sum(sent.tokens for sent in self.sends)
        fates = ", ".join(f"{count} {fate}" for fate, count in self.fates.items())
        return (
            f"{seconds:.0f} s of screen: {turns} pictures would be sent, "
            f"one every {seconds / max(1, turns):.1f} s\n"
            f"frames: {fates}\n"
            f"tokens: {tokens} in, {sum(usage.output_tokens for usage in self.usages)} out\n"
            f"price with {model}: ${self.usd:.4f}; ${self.usd_per_hour:.2f} for an hour like this, "
            f"${WORKING_DAY * self.usd_per_hour:.2f} for a day of {WORKING_DAY} hours"
            f"{self._caution}"
        )

    @property
    def _caution(self) -> str:
        if self.seconds >= SHORT:
            return ""
        return (
            f"\n{self.seconds:.0f} s are short for saying what an hour costs: record some minutes "
            "of what your screen usually shows, hud record DIR --for 300"
        )

    def record(self) -> dict[str, Any]:
        """As plain data, with the keys that are promised to users."""
        usages = [attrs.asdict(sent.usage) for sent in self.sends]
        return {
            "sends": [
                {
                    "t": sent.time,
                    "frame": sent.frame,
                    "tokens": sent.tokens,
                    "regions": [list(attrs.astuple(region)) for region in sent.regions],
                }
                for sent in self.sends
            ],
            "notes": len(self.sends),
            "usage": {key: sum(usage[key] for usage in usages) for key in attrs.asdict(Usage())},
            "usd": round(self.usd, 6),
            "usd_per_hour": round(self.usd_per_hour, 4),
            "fates": self.fates,
        }


@attrs.frozen
class Assumptions:
    """What a simulated model is like."""

    instructions: str
    price: Price
    answer: float
    """Seconds that an answer takes."""
    memory: Callable[[], Memory] = Memory
    """Makes what turns bring along."""
    note_tokens: int = NOTE_TOKENS
    """Of an average note."""


def estimate(
    frames: Iterable[Frame], fps: float, detector: Detector, shoot: Shoot, assumed: Assumptions
) -> Estimate:
    """Play frames through a detector and an encoder to a model.

    A change goes out at once when the model is free; what comes meanwhile is merged and goes out
    the moment it is. `frame.time` counts from the start of the scene.
    """
    model = _Model(assumed, shoot, fps)
    fates: dict[int, Fate] = {}
    waiting: Change | None = None
    for time, change in _changes(frames, detector):
        if waiting is not None and model.free_at <= time + SLACK:
            fates[waiting.seq] = model.show(waiting)
            waiting = None
        if not change.regions:
            fates[change.seq] = change.fate or Fate.NOISE
            continue
        fates[change.seq] = Fate.MERGED
        waiting = change if waiting is None else change.absorb(waiting)
        if not waiting.regions:
            waiting = None
        elif model.free_at <= time + SLACK:
            fates[waiting.seq] = model.show(waiting)
            waiting = None
    if waiting is not None:
        fates[waiting.seq] = model.show(waiting)
    bills = [sent.usage for sent in model.sends] + model.summaries
    usd = sum(cost(usage, assumed.price) for usage in bills)
    counts = collections.Counter(fates.values())
    named = {fate.value: counts[fate] for fate in Fate if counts[fate]}
    return Estimate(tuple(model.sends), named, len(fates) / fps, usd, tuple(bills))


def _changes(frames: Iterable[Frame], detector: Detector) -> Iterator[tuple[float, Change]]:
    """What the detector says and when: at each frame, and when something is due before it comes.

    Behind the last frame the screen stays as it is, and what is awaited comes to rest.
    """
    earliest = -math.inf
    for frame in frames:
        while (due := _due(detector, earliest)) < frame.time - SLACK:
            change, earliest = detector.wake(due), due + SHORTEST_NAP
            if change is not None:
                yield due, change
        earliest = frame.time
        yield frame.time, detector.look(frame)
    end = earliest + AFTERMATH
    while (due := _due(detector, earliest)) <= end:
        change, earliest = detector.wake(due), due + SHORTEST_NAP
        if change is not None and change.cause is not Cause.HEARTBEAT:
            yield due, change


def _due(detector: Detector, earliest: float) -> float:
    due = detector.due()
    return math.inf if due is None else max(due, earliest)


class _Model:
    """Counts what it is shown, and is busy for a while."""

    def __init__(self, assumed: Assumptions, shoot: Shoot, fps: float) -> None:
        self.free_at = 0.0
        self.sends: list[Sent] = []
        self.summaries: list[Usage] = []
        """Of the turns that only sum up older notes."""
        self._assumed = assumed
        self._shoot = shoot
        self._fps = fps
        self._memory = assumed.memory()
        self._earlier: Request = ()

    def show(self, change: Change) -> Fate:
        """Ask about a change; that is its frame's fate."""
        shot, frame = self._shoot(change), change.frame
        usage = self._usage(shot.caption, shot.pictures, self._assumed.note_tokens)
        self.sends.append(
            Sent(
                frame.time,
                round(frame.time * self._fps),
                usage.input_tokens,
                shot.shown,
                usage,
            )
        )
        self.free_at = max(self.free_at, frame.time) + self._assumed.answer
        self._memory.add(shot.caption[:8], "x" * 4 * self._assumed.note_tokens)
        if self._memory.wants_summary:
            self.summaries.append(self._usage(SUMMARIZE, [], SUMMARY_TOKENS))
            self._memory.rebase("x" * 4 * SUMMARY_TOKENS)
        return Fate.SENT

    def _usage(self, caption: str, pictures: Sequence[Picture], output: int) -> Usage:
        """As the bill would say: the notes are a prefix that only grows, so they are cached."""
        notes = self._memory.text()
        request = [
            Segment.of_text(self._assumed.instructions),
            *([Segment.of_text(f"Notes so far:\n{notes}")] if notes else []),
            Segment.of_text(caption),
            *(Segment("image", id(each), view_tokens(each.view)) for each in pictures),
        ]
        count, cache = counted(request), cached(request, [self._earlier])
        self._earlier = request
        return Usage(
            input_tokens=count.total,
            text_tokens=count.text,
            image_tokens=count.image,
            cached_tokens=cache.total,
            cached_image_tokens=cache.image,
            output_tokens=output,
        )
