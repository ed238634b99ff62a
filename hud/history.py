"""Writes down what becomes of each frame, and why: an observer of the edges and of the ledger."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import trio

from hud.channel import Observer, ends
from hud.fates import Entry, Exhibit, frame_number
from hud.items import Change, Fate, Frame, NoteDelta, Shot, Status
from hud.ledger import Ledger
from hud.past import Past
from hud.rect import Rect

OPEN = 1000
"""Frames whose end is not known yet; far more than can be in flight."""
_REASONS = {
    Fate.REPLACED: "a newer frame came before it was looked at",
    Fate.WITHHELD_BY_PRIVACY: "paused, or what must be hidden was not known",
    Fate.WITHHELD_BY_BUDGET: "the budget is spent",
    Fate.FAILED: "it was on its way when the run ended",
}
"""Where no stage has said why."""


@attrs.define(eq=False)
class _Flight:
    """A frame whose end is not known yet."""

    entry: Entry
    since: float
    """When it came to where it is, on trio's clock."""

    def passed(self, stage: str, time: float) -> None:
        """Book the time until now on a stage."""
        spent = 1000 * (time - self.since)
        self.entry.stages[stage] = self.entry.stages.get(stage, 0.0) + spent
        self.since = time

    def answered(self, delta: NoteDelta) -> Mapping[str, float]:
        """Book the time of a turn; all stages by then."""
        if delta.sent_time >= self.since:
            self.passed("send", delta.sent_time)
            self.passed("answer", delta.time)
        return dict(self.entry.stages)


class History(Observer):
    """Fills a past; give it the ledger that knows the ends, and let it watch before the ledger."""

    def __init__(self, ledger: Ledger, past: Past | None = None) -> None:
        self.past = past or Past()
        self._ledger = ledger
        self._flights: dict[int, _Flight] = {}
        self._in_hand: dict[str, int] = {}
        """Receiving stage → the frame it works on."""
        self._newest: tuple[str, tuple[Rect, ...]] = "", ()
        """Rule and regions of the newest change, without its pixels."""
        self._ignored: dict[int, tuple[int, float, float, dict[str, float]]] = {}
        """Monitor → its last frame that went no further, which may still be passed on later:
        number, when it was captured, when it was judged, its stages."""
        ledger.settled = self._settled
        ledger.reopened = self._reopened

    def answer(self, wanted: str = "") -> dict[str, Any]:
        """What `hud why` asks: all entries, those in flight last; or of a turn all that is known.

        A frame's number gives its entries too, and the last turn about it; a number that is no
        frame's is looked for in the notes.
        """
        entries = [entry for entry in self.past.entries if entry.frames]
        entries += [flight.entry for flight in self._flights.values()]
        exhibit = None
        if wanted:
            number = frame_number(wanted)
            exhibit = self._about_frame(number)
            about = _concerning(entries, number)
            if exhibit is None and not about:
                exhibit = self._meant(wanted)
                about = _concerning(entries, None if exhibit is None else exhibit.seq)
            entries = about
        entries.sort(key=lambda entry: entry.wall_time)
        return {
            "entries": [entry.record() for entry in entries],
            "exhibit": exhibit.record() if exhibit is not None else None,
        }

    def _about_frame(self, number: int | None) -> Exhibit | None:
        newest_first = reversed(self.past.exhibits.values())
        return next((each for each in newest_first if each.seq == number), None)

    def _meant(self, wanted: str) -> Exhibit | None:
        newest_first = reversed(self.past.exhibits.values())
        return next((each for each in newest_first if each.is_meant(wanted)), None)

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        now = trio.current_time()
        if isinstance(item, Frame):
            entry = Entry(0, item.monitor, [(item.seq, item.seq)], item.wall_time, item.wall_time)
            self._flights[item.seq] = flight = _Flight(entry, item.time)
            flight.passed("capture", now)
            if len(self._flights) > OPEN:
                del self._flights[next(iter(self._flights))]
        elif isinstance(item, Change | Shot):
            self._passed(item.seq, ends(edge)[0], now)
            if isinstance(item, Change):
                self._know(item)
        elif isinstance(item, NoteDelta):
            self._answered(item)

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame | Change | Shot):
            stage = ends(edge)[1]
            self._in_hand[stage] = item.seq
            self._passed(item.seq, _waiting(stage), trio.current_time())

    def ignored(self, edge: str, item: object) -> None:
        """See Observer."""
        flight = self._flights.get(item.seq) if isinstance(item, Change) else None
        if flight is not None:
            entry = flight.entry
            stages = dict(entry.stages)
            self._ignored[entry.monitor] = entry.last, entry.wall_time, flight.since, stages

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """See Observer."""
        if isinstance(into, Change):
            self._know(into)
        if isinstance(older, Frame | Change | Shot) and isinstance(into, Frame | Change | Shot):
            flight = self._flights.get(older.seq)
            if flight is not None and older.seq != into.seq:
                flight.entry.into = into.seq

    def returned(self, edge: str, item: object) -> None:
        """See Observer."""
        self._in_hand.pop(ends(edge)[1], None)

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        flight = self._flights.get(self._in_hand.pop(stage, 0))
        if flight is not None:
            flight.entry.rule = f"{stage} failed: {type(error).__name__}"

    def _passed(self, seq: int, stage: str, now: float) -> None:
        flight = self._flights.get(seq)
        if flight is not None:
            flight.passed(stage, now)

    def _know(self, change: Change) -> None:
        self._newest = change.rule, change.regions
        flight = self._flights.get(change.seq)
        if flight is not None:
            flight.entry.rule, flight.entry.regions = change.rule, change.regions

    def _answered(self, delta: NoteDelta) -> None:
        ended = delta.status is not Status.IN_PROGRESS
        if not ended and delta.id in self.past.exhibits:
            return
        # A frame that has met its end may be asked about again, for another place in it.
        flight = self._flights.get(delta.seq)
        entry = flight.entry if flight is not None else self.past.entry_of(delta.seq)
        if ended and entry is not None:
            _book(entry, delta)
            if flight is None:
                self.past.touch(entry)
        if delta.status is not Status.WITHHELD:
            stages = flight.answered(delta) if flight is not None and ended else {}
            self.past.show(_exhibit(delta, stages or _answer_only(delta)))

    def _settled(self, seq: int, fate: Fate) -> None:
        flight = self._flights.pop(seq, None)
        if flight is not None:
            entry = flight.entry
            entry.fate, entry.rule = fate, entry.rule or _REASONS.get(fate, "")
            self.past.settle(entry)

    def _reopened(self, seq: int) -> None:
        """What came to rest is passed on with a frame that had met its end."""
        last = next((each for each in self._ignored.values() if each[0] == seq), None)
        if last is None:
            return
        _, wall_time, since, stages = last
        entry = self.past.reopen(seq, wall_time, stages)
        if entry is not None:
            # The change came before its frame was open again.
            entry.rule, entry.regions = self._newest
            self._flights[seq] = flight = _Flight(entry, since)
            flight.passed("change", trio.current_time())

    def close(self) -> None:
        """Nothing moves any more; who knows that writes down the end of what was in flight."""
        self._ledger.close()


@functools.lru_cache(maxsize=64)
def _waiting(stage: str) -> str:
    """The time before a stage: one string for all entries that tell of it."""
    return f"before {stage}"


def _concerning(entries: Iterable[Entry], seq: int | None) -> list[Entry]:
    return [entry for entry in entries if seq is not None and entry.concerns(seq)]


def _book(entry: Entry, delta: NoteDelta) -> None:
    """Add the end of a turn to the frame it was about, which may have had others before."""
    entry.note = delta.id
    entry.input_tokens += delta.usage.input_tokens
    entry.output_tokens += delta.usage.output_tokens
    if delta.usd is not None:
        entry.usd = (entry.usd or 0.0) + delta.usd
    entry.milliseconds = _milliseconds(delta)
    entry.text = " ".join(delta.text.split())
    entry.rule = delta.detail or _reason(delta) or entry.rule


def _reason(delta: NoteDelta) -> str:
    if delta.status is not Status.WITHHELD:
        return ""
    by_privacy = delta.shot.withheld
    return _REASONS[Fate.WITHHELD_BY_PRIVACY if by_privacy else Fate.WITHHELD_BY_BUDGET]


def _answer_only(delta: NoteDelta) -> Mapping[str, float]:
    return {"answer": 1000 * (delta.time - delta.sent_time)}


def _milliseconds(delta: NoteDelta) -> float:
    return 1000 * (delta.time - delta.shot.change.frame.time)


def _exhibit(delta: NoteDelta, stages: Mapping[str, float]) -> Exhibit:
    change = delta.shot.change
    ended = delta.status is not Status.IN_PROGRESS
    return Exhibit(
        id=delta.id,
        seq=delta.seq,
        monitor=change.monitor,
        size=(change.frame.width, change.frame.height),
        wall_time=change.frame.wall_time,
        cause=change.cause.value if change.cause is not None else "",
        rule=change.rule,
        regions=change.regions,
        caption=delta.shot.caption,
        # Not the shot, which holds on to all pixels of the frame.
        pictures=delta.shot.pictures,
        status=delta.status,
        text=delta.text if ended else "",
        session=delta.session,
        model=delta.model,
        detail=delta.detail,
        usage=delta.usage,
        usd=delta.usd,
        milliseconds=_milliseconds(delta) if ended else None,
        stages=stages,
    )
