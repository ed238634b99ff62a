"""Whether a run does its work: from what has passed, and from what its parts say of themselves.

No timer says that all is well. A capture speaks when it has looked at the screen, a stage when it
has handed something on, a sink when it has delivered; who is silent for too long is stalled.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from typing import Any

import attrs
import trio

from hud.boottime import boottime
from hud.channel import Observer, ends
from hud.condition import Condition
from hud.items import Change, Frame, Note, NoteDelta, Status, clock
from hud.privacy.pause import Pause
from hud.stage import silent

STALLED = 20.0
"""Seconds that a stage may hold one item, or keep its word waiting."""
SLEPT = 10.0
"""Seconds that nothing ran, from which on it counts as sleep."""
LOOK_AGAIN = 2.0
"""Seconds after which it is looked again whether somebody is stalled; all else is told at once."""
MOST_NOTES = 1000
"""Notes that are remembered as not delivered yet, for each sink."""
CAPTURE, SIGHT, SESSION, BUDGET = "capture", "sight", "session", "budget"
"""Parts that speak for themselves, besides the sinks."""
_WORDS = {
    CAPTURE: "capture lost",
    SIGHT: "nothing to see",
    SESSION: "session down",
    BUDGET: "budget spent",
}
_WORKERS = ("change", "encode", "send")
"""Stages that hand something on for each item that they take."""


@attrs.frozen
class Finding:
    """One thing that keeps a run, or a part of it, from its work."""

    word: str
    """Such as `session down`."""
    since: float
    """On trio's clock."""
    reason: str = ""
    harmless: bool = False
    """Whether it is as the user wants it."""

    @property
    def text(self) -> str:
        """For the user."""
        began = clock(time.time() - (trio.current_time() - self.since))
        return f"{self.word} since {began}" + (f": {self.reason}" if self.reason else "")


class Health(Observer):
    """Judges a run by its edges and by the conditions of its parts."""

    def __init__(
        self,
        pause: Pause | None = None,
        say: Callable[[str], None] = silent,
        patience: Mapping[str, float] | None = None,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._pause = pause or Pause()
        self._say = say
        self._patience = patience or {}
        """Stage or sink → seconds that its work on one item may take, besides."""
        self._conditions: dict[str, Condition] = {}
        self._in_hand: dict[str, float] = {}
        """Stage → since when it works on an item."""
        self._undelivered: dict[str, dict[Hashable, float]] = {}
        """Sink → its newest notes that are not delivered, and when they came."""
        self._delivered: dict[str, float] = {}
        """Sink → when it last delivered something; after a crash, when it starts again."""
        self._crashed: dict[str, tuple[float, str]] = {}
        """Stage → when it raised and what, until it hands something on again."""
        self._passed: dict[str, float] = {}
        """Kind of item → when the last one passed."""
        self._clock = clock
        self._turned, self._woken = trio.Event(), trio.Event()
        self._awake_since = -math.inf

    def of(self, name: str) -> Condition:
        """The condition of a part, which it is given."""
        return self._conditions.setdefault(name, Condition(self._turn))

    # -- what passes

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        stage = ends(edge)[0]
        now = trio.current_time()
        self._in_hand.pop(stage, None)
        if self._crashed.pop(stage, None):
            self._turn()
        if isinstance(item, Frame):
            self._seen(now)
        elif isinstance(item, Change) and item.regions:
            self._passed["change"] = now
        elif isinstance(item, NoteDelta) and item.status is Status.IN_PROGRESS:
            self._in_hand[stage] = now
        elif isinstance(item, Note) and item.finished:
            self._note_passed(stage, item, now)

    def _seen(self, now: float) -> None:
        """A capture of another package does not speak for itself: its frames do."""
        capture = self.of(CAPTURE)
        capture.worked = now
        if capture.since == -math.inf:
            capture.works()

    def _note_passed(self, stage: str, note: Note, now: float) -> None:
        if stage == "assemble":
            self._passed["note"] = now
        notes = self._undelivered.get(stage, {})
        if note.key in notes:
            # Sinks deliver in order, so what came before this one was delivered or given up.
            while next(iter(notes)) != note.key:
                del notes[next(iter(notes))]
            del notes[note.key]
            self._delivered[stage] = now

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        stage = ends(edge)[1]
        if stage in _WORKERS or (stage == CAPTURE and self.of(CAPTURE).due == math.inf):
            self._in_hand.setdefault(stage, trio.current_time())
        elif isinstance(item, Note) and item.finished and edge.startswith("sinks→"):
            notes = self._undelivered.setdefault(stage, {})
            notes.setdefault(item.key, trio.current_time())
            if len(notes) > MOST_NOTES:
                del notes[next(iter(notes))]

    def returned(self, edge: str, item: object) -> None:
        """See Observer; when the sender gives something up it waits for a better time."""
        if edge.endswith("→encode"):
            self._in_hand.pop("send", None)

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        self._in_hand.pop(stage, None)
        self._delivered[stage] = trio.current_time() + retry_in
        self._crashed[stage] = trio.current_time(), f"{type(error).__name__}: {error}"
        self._turn()

    # -- what that means

    @property
    def findings(self) -> list[Finding]:
        """What is not as it could be, the gravest first; nothing while all do their work."""
        found = [*self._stalled(), *self._crashes()]
        if self._pause.paused:
            found.append(Finding("paused", self._pause.since, harmless=True))
        for name, condition in self._conditions.items():
            if condition.reason:
                word = _WORDS.get(name, f"sink {name} down")
                found.append(Finding(word, condition.since, condition.reason, condition.harmless))
        return sorted(found, key=_gravity)

    @property
    def is_stuck(self) -> bool:
        """Whether somebody is stalled who should speak, so that only a restart may help."""
        return bool(self._stalled())

    def line(self) -> str:
        """In one line: `watching`, or what is wrong."""
        return "; ".join(finding.text for finding in self.findings) or "watching"

    def word(self) -> str:
        """As short as can be, for the status line: the gravest, and how many more there are."""
        found = self.findings
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return found[0].text + more if found else "watching"

    def ages(self) -> dict[str, float | None]:
        """Seconds since something last passed, by kind; None: nothing did yet."""
        now = trio.current_time()
        times = {"looked": self.of(CAPTURE).worked} | {
            kind: self._passed.get(kind, -math.inf) for kind in ("change", "note")
        }
        return {
            kind: None if time == -math.inf else round(now - time, 3)
            for kind, time in times.items()
        }

    def record(self) -> dict[str, Any]:
        """As plain data, for `hud status`."""
        found = self.findings
        return {
            "process": os.getpid(),
            "healthy": all(finding.harmless for finding in found),
            "state": found[0].word if found else "watching",
            "findings": [_plain(finding) for finding in found],
            "ages": self.ages(),
        }

    def _stalled(self) -> list[Finding]:
        """Who is silent for longer than it may be."""
        now, found = trio.current_time(), list[Finding]()
        for name, condition in self._conditions.items():
            since = max(condition.due, self._awake_since)
            if now > since + STALLED:
                reason = f"no word for {STALLED:g} s"
                found.append(Finding(f"{name} stalled", since, reason))
        for stage, begun in self._in_hand.items():
            since = max(begun, self._freed(stage))
            if now > since + STALLED + self._patience.get(stage, 0.0):
                found.append(Finding(f"{stage} stalled", since, "at work on one item"))
        for sink, notes in self._undelivered.items():
            oldest = next(iter(notes.values()), math.inf)
            since = max(oldest, self._freed(sink), self._delivered.get(sink, -math.inf))
            if now > since + STALLED + self._patience.get(sink, 0.0):
                reason = f"{len(notes)} not delivered"
                found.append(Finding(f"sink {sink} stalled", since, reason))
        return found

    def _freed(self, stage: str) -> float:
        """Since when nothing keeps a stage from its work; inf: something does."""
        names = (SESSION, BUDGET) if stage == "send" else (stage,)
        conditions = [self._conditions[name] for name in names if name in self._conditions]
        freed = [math.inf if each.reason else each.since for each in conditions]
        return max([self._awake_since, *freed])

    def _crashes(self) -> list[Finding]:
        return [
            Finding(f"{stage} restarting", since, reason)
            for stage, (since, reason) in self._crashed.items()
        ]

    # -- who waits for it

    def _turn(self) -> None:
        self._turned.set()
        self._turned = trio.Event()

    async def wait_turned(self) -> None:
        """Sleep until something has begun or ended to be wrong."""
        await self._turned.wait()

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Look for who is stalled, and for sleep, while the context lasts."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, name="health")
            nursery.start_soon(self._follow_pause, name="pause")
            yield
            nursery.cancel_scope.cancel()

    async def _follow_pause(self) -> None:
        while True:
            await self._pause.wait_changed()
            self._turn()

    async def _keep(self) -> None:
        stalled = set[str]()
        while True:
            begun = self._clock()
            with trio.move_on_after(LOOK_AGAIN):
                await self.wait_turned()
            self._notice_sleep(self._clock() - begun)
            now = {finding.word: finding for finding in self._stalled()}
            for word in now.keys() - stalled:
                self._say(f"{now[word].text}; the others go on")
            for word in stalled - now.keys():
                self._say(f"{word.removesuffix(' stalled')} goes on")
            if now.keys() != stalled:
                stalled = set(now)
                self._turn()

    def _notice_sleep(self, passed: float) -> None:
        """Whoever was silent because nothing ran is not to blame."""
        if passed < LOOK_AGAIN + SLEPT:
            return
        self._awake_since = trio.current_time()
        self._say(f"nothing ran for {passed:.0f} s: the machine slept, or the program was stopped")
        self._woken.set()
        self._woken = trio.Event()

    async def wait_woken(self) -> None:
        """Sleep until the program runs again after it did not for a while."""
        await self._woken.wait()


def _gravity(finding: Finding) -> int:
    order = ("stalled", "capture lost", "restarting", "paused", "nothing to see", "session")
    return next((n for n, word in enumerate(order) if word in finding.word), len(order))


def _plain(finding: Finding) -> dict[str, Any]:
    seconds = round(trio.current_time() - finding.since, 3)
    return attrs.asdict(finding) | {"since": time.time() - seconds, "seconds": seconds}
