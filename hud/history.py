"""Writes down what becomes of each frame, and why: an observer of the edges and of the ledger."""

from __future__ import annotations

from typing import Any

import attrs
import trio

from hud.channel import Observer
from hud.fates import Entry, Exhibit
from hud.items import Change, Fate, Frame, NoteDelta, Rect, Shot, Status
from hud.ledger import Ledger
from hud.past import Past

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


class History(Observer):
    """Fills a past; give it the ledger that knows the ends, and let it watch before the ledger."""

    def __init__(self, ledger: Ledger, past: Past | None = None) -> None:
        self.past = past or Past()
        self._ledger = ledger
        self._flights: dict[int, _Flight] = {}
        self._in_hand: dict[str, int] = {}
        """Receiving stage → the frame it works on."""
        self._newest: tuple[int, str, tuple[Rect, ...]] = 0, "", ()
        """Of the newest change: number, rule and regions, without its pixels."""
        self._settled_last: dict[int, tuple[int, float, dict[str, float]]] = {}
        """Monitor → its last frame that met its end, when it had come there, and its stages."""
        ledger.settled = self._settled
        ledger.reopened = self._reopened

    def answer(self, wanted: str = "") -> dict[str, Any]:
        """What `hud why` asks: all entries, those in flight last; or of a turn all that is known.

        A frame's number gives its entries too, and the last turn about it.
        """
        exhibit = self._exhibit(wanted) if wanted else None
        entries = [entry for entry in self.past.entries if entry.frames]
        entries += [flight.entry for flight in self._flights.values()]
        if wanted:
            seq = int(wanted) if wanted.isdecimal() else exhibit.seq if exhibit is not None else -1
            entries = [entry for entry in entries if entry.concerns(seq)]
        entries.sort(key=lambda entry: entry.wall_time)
        return {
            "entries": [entry.record() for entry in entries],
            "exhibit": exhibit.record() if exhibit is not None else None,
        }

    def _exhibit(self, wanted: str) -> Exhibit | None:
        newest_first = reversed(self.past.exhibits.values())
        if wanted.isdecimal():
            return next((each for each in newest_first if each.seq == int(wanted)), None)
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
            self._passed(item.seq, edge.partition("→")[0], now)
            if isinstance(item, Change):
                self._know(item)
        elif isinstance(item, NoteDelta):
            self._answered(item)

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        if isinstance(item, Frame | Change | Shot):
            stage = edge.rpartition("→")[2]
            self._in_hand[stage] = item.seq
            self._passed(item.seq, f"before {stage}", trio.current_time())

    def merged(self, edge: str, older: object, into: object) -> None:
        """See Observer."""
        if isinstance(into, Change):
            self._know(into)
        if isinstance(older, Frame | Change | Shot) and isinstance(into, Frame | Change | Shot):
            flight = self._flights.get(older.seq)
            if flight is not None and older.seq != into.seq:
                flight.entry.into = into.seq

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
        self._newest = change.seq, change.rule, change.regions
        flight = self._flights.get(change.seq)
        if flight is not None:
            flight.entry.rule, flight.entry.regions = change.rule, change.regions

    def _answered(self, delta: NoteDelta) -> None:
        ended = delta.status is not Status.IN_PROGRESS
        flight = self._flights.get(delta.seq)
        if flight is None or not (ended or delta.id not in self.past.exhibits):
            return
        entry = flight.entry
        if ended:
            _book(flight, delta)
        if delta.status is not Status.WITHHELD:
            self.past.show(_exhibit(delta, entry))

    def _settled(self, seq: int, fate: Fate) -> None:
        flight = self._flights.pop(seq, None)
        if flight is not None:
            entry = flight.entry
            entry.fate, entry.rule = fate, entry.rule or _REASONS.get(fate, "")
            self._settled_last[entry.monitor] = seq, flight.since, dict(entry.stages)
            self.past.settle(entry)

    def _reopened(self, seq: int) -> None:
        """What came to rest is passed on with a frame that had met its end."""
        last = next((each for each in self._settled_last.values() if each[0] == seq), None)
        entry = self.past.reopen(seq, last[2]) if last is not None else None
        if last is not None and entry is not None:
            # The change came before its frame was open again.
            known, entry.rule, entry.regions = self._newest
            assert known == seq
            self._flights[seq] = flight = _Flight(entry, last[1])
            flight.passed("change", trio.current_time())

    def close(self) -> None:
        """Nothing moves any more; who knows that writes down the end of what was in flight."""
        self._ledger.close()


def _book(flight: _Flight, delta: NoteDelta) -> None:
    """Add the end of a turn to the frame it was about, which may have had others before."""
    entry = flight.entry
    if delta.sent_time >= flight.since:
        flight.passed("send", delta.sent_time)
        flight.passed("answer", delta.time)
    entry.note = delta.id
    entry.input_tokens += delta.usage.input_tokens
    entry.output_tokens += delta.usage.output_tokens
    if delta.usd is not None:
        entry.usd = (entry.usd or 0.0) + delta.usd
    entry.milliseconds = 1000 * (delta.time - delta.shot.change.frame.time)
    entry.text = " ".join(delta.text.split())
    if delta.status is Status.WITHHELD:
        entry.rule = delta.detail or _REASONS[Fate.WITHHELD_BY_BUDGET]
    else:
        entry.rule = delta.detail or entry.rule


def _exhibit(delta: NoteDelta, entry: Entry) -> Exhibit:
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
        milliseconds=entry.milliseconds if ended else None,
        stages=dict(entry.stages),
    )
