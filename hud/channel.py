"""The edges between stages: who waits, what is replaced, what is united, and who may watch.

An edge joins one Outbox to one Inbox. What happens when the receiver is not ready is the edge's
`Handoff`, never the length of a queue. Items that wait are keyed (one monitor must not replace
another, a note's newer snapshot replaces its older one); a waiting item keeps its turn when a newer
one of the same key takes its place.

Delivery is at most once: a stage that crashes loses the item in its hand, unless its supervisor
calls `Inbox.restore` or `Inbox.retry`.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

import attrs
import trio

T = TypeVar("T")


class Handoff(enum.Enum):
    """What happens to an item when the next stage is not ready."""

    BLOCK = "block"
    """The sender waits; nothing is ever dropped."""
    LATEST = "latest"
    """One slot for each key; the newer item replaces the waiting one, or is merged with it."""
    DEMAND = "demand"
    """The stage before the edge does not begin until the one behind it asks."""


class Observer:
    """Watches every edge and every crash, on trio's thread; override what you need."""

    def offered(self, edge: str, item: object) -> None:
        """A stage handed an item to the edge."""

    def ignored(self, edge: str, item: object) -> None:
        """The item says of itself that it goes no further."""

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """An item that waited and a newer one became one, which waits in their place."""

    def dropped(self, edge: str, item: object) -> None:
        """The item is lost: replaced by a newer one, or its sender was cancelled."""

    def withheld(self, edge: str, item: object) -> None:
        """The item is lost: nobody might take it as it is until the next stage was gone."""

    def taken(self, edge: str, item: object) -> None:
        """The next stage took the item."""

    def returned(self, edge: str, item: object) -> None:
        """A later stage gave up what was made of the item, which waits here again."""

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """A stage raised and starts again in `retry_in` seconds."""


class Observers(Observer):
    """Passes everything on to several observers, in their order; to each what it listens to."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._offered = [each.offered for each in observers if _hears(each, "offered")]
        self._ignored = [each.ignored for each in observers if _hears(each, "ignored")]
        self._merged = [each.merged for each in observers if _hears(each, "merged")]
        self._dropped = [each.dropped for each in observers if _hears(each, "dropped")]
        self._withheld = [each.withheld for each in observers if _hears(each, "withheld")]
        self._taken = [each.taken for each in observers if _hears(each, "taken")]
        self._returned = [each.returned for each in observers if _hears(each, "returned")]
        self._crashed = [each.crashed for each in observers if _hears(each, "crashed")]

    def offered(self, edge: str, item: object) -> None:
        """See Observer."""
        for tell in self._offered:
            tell(edge, item)

    def ignored(self, edge: str, item: object) -> None:
        """See Observer."""
        for tell in self._ignored:
            tell(edge, item)

    def merged(self, edge: str, older: object, newer: object, into: object) -> None:
        """See Observer."""
        for tell in self._merged:
            tell(edge, older, newer, into)

    def dropped(self, edge: str, item: object) -> None:
        """See Observer."""
        for tell in self._dropped:
            tell(edge, item)

    def withheld(self, edge: str, item: object) -> None:
        """See Observer."""
        for tell in self._withheld:
            tell(edge, item)

    def taken(self, edge: str, item: object) -> None:
        """See Observer."""
        for tell in self._taken:
            tell(edge, item)

    def returned(self, edge: str, item: object) -> None:
        """See Observer."""
        for tell in self._returned:
            tell(edge, item)

    def crashed(self, stage: str, error: Exception, retry_in: float) -> None:
        """See Observer."""
        for tell in self._crashed:
            tell(stage, error, retry_in)


def _hears(observer: Observer, event: str) -> bool:
    """Whether it does anything about such an event: most do about a few."""
    return getattr(type(observer), event, None) is not getattr(Observer, event)


@attrs.frozen
class ChannelStatistics:
    """A snapshot of one edge's counters."""

    offered: int
    """Items handed to the edge, those waiting for room included."""
    taken: int
    """Items the next stage took."""
    dropped: int
    """Items lost, those withheld included."""
    merged: int
    """Items whose content went on inside a newer one."""
    ignored: int
    """Items that said of themselves that they go no further."""

    @property
    def waiting(self) -> int:
        """Items that have not met their end yet."""
        return self.offered - self.taken - self.dropped - self.merged - self.ignored


PATIENCE = 3
"""Times that an item may be passed over by weightier ones."""


def _one_slot(_item: object) -> Hashable:
    return None


def _always(_item: object) -> bool:
    return True


def _never(_item: object) -> bool:
    return False


def _as_it_is(_waiting: object, _present: object) -> None:
    return


async def _at_once() -> None:
    return


@attrs.frozen(kw_only=True)
class EdgeOptions(Generic[T]):
    """How an edge treats its items."""

    handoff: Handoff = Handoff.BLOCK
    merge: Callable[[T, T], T] | None = None
    """Unites a newer item with the waiting one of its key: `merge(newer, older)`."""
    key: Callable[[T], Hashable] = _one_slot
    passes: Callable[[T], bool] = _always
    """Whether an item goes to the next stage at all."""
    held: Callable[[T], bool] = _never
    """Whether a waiting item must not be taken as it is: it waits to be united with a newer one."""
    renew: Callable[[T, T], T | None] = _as_it_is
    """What waits as of the present, an item that went no further: `renew(waiting, present)`. None:
    it would not be the same any more, and goes as it is."""
    room: int = 1
    """How many items may wait when the handoff blocks."""
    rank: Callable[[T], float] | None = None
    """What goes first when several wait: the highest; nobody is passed over more than thrice."""


@attrs.define(eq=False)
class _Edge(Generic[T]):
    name: str
    options: EdgeOptions[T]
    observer: Observer
    waiting: dict[Hashable, T] = attrs.field(factory=dict)
    passed_by: dict[Hashable, T] = attrs.field(factory=dict)
    """By key, the last item that went no further; where items merge, it is the present."""
    passed_over: dict[Hashable, int] = attrs.field(factory=dict)
    """By key, how often another one went first."""
    returned: set[Hashable] = attrs.field(factory=set)
    """Keys of what was given back, and so is older than the present."""
    asked: bool = False
    counts: dict[str, int] = attrs.field(
        factory=lambda: dict.fromkeys(["offered", "taken", "dropped", "merged", "ignored"], 0)
    )
    changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    def stir(self) -> None:
        """Let everybody who waits on this edge look again."""
        self.changed.unpark_all()

    def put(self, item: T) -> None:
        key = self.options.key(item)
        older = self.waiting.get(key)
        if older is not None and self.options.merge is not None:
            newer, item = item, self.options.merge(item, older)
            self.counts["merged"] += 1
            self.observer.merged(self.name, older, newer, item)
        elif older is not None:
            self.drop(older)
        if not self.options.passes(item):
            # What two items hold together can come to nothing.
            del self.waiting[key]
            self.ignore(item)
            return
        self.waiting[key] = item
        self.passed_by.pop(key, None)
        # The wish is met, though the receiver has not run yet to take it.
        self.asked = False
        self.stir()

    def ignore(self, item: T) -> None:
        if self.options.merge is not None:
            self.passed_by[self.options.key(item)] = item
            if self.options.key(item) in self.waiting:
                self.stir()  # what waits may be held until something newer comes
        self.counts["ignored"] += 1
        self.observer.ignored(self.name, item)

    def bring_up_to_date(self) -> bool:
        """Unite with the present what is held, and the first item if it was given back.

        United with the present, it may come to nothing. Any other first item is only renewed.
        False: nothing may be taken now.
        """
        for key in [key for key, item in self.waiting.items() if self.options.held(item)]:
            self._unite(key)
        while free := self.free():
            key = self.first(free)
            was_returned = key in self.returned
            self.returned.discard(key)
            if not (was_returned and self._unite(key)):
                self._renew(key)
                return True
        return False

    def _renew(self, key: Hashable) -> None:
        """Let the present stand for what waits, if that is still the same."""
        present, older = self.passed_by.get(key), self.waiting[key]
        renewed = None if present is None else self.options.renew(older, present)
        if renewed is None:
            return
        self.waiting[key] = renewed
        del self.passed_by[key]
        self.counts["ignored"] -= 1
        self.counts["merged"] += 1
        self.observer.merged(self.name, older, present, renewed)

    def _unite(self, key: Hashable) -> bool:
        """Unite what waits with the present; False: it is the present."""
        present = self.passed_by.pop(key, None)
        if present is None:
            return False
        self.counts["ignored"] -= 1
        self.put(present)
        return True

    def free(self) -> list[Hashable]:
        """The keys of what may be taken."""
        return [key for key, item in self.waiting.items() if not self.options.held(item)]

    def first(self, free: Sequence[Hashable]) -> Hashable:
        """The key of the item that goes next."""
        rank = self.options.rank
        if rank is None or len(free) == 1:
            return free[0]
        late = [key for key in free if self.passed_over.get(key, 0) >= PATIENCE]
        return late[0] if late else max(free, key=lambda key: rank(self.waiting[key]))

    def take(self) -> T:
        """The item that goes next; the others have been passed over once more."""
        free = self.free()
        key = self.first(free)
        self.passed_over.pop(key, None)
        if self.options.rank is not None:
            others = [each for each in free if each != key]
            self.passed_over.update({each: self.passed_over.get(each, 0) + 1 for each in others})
        return self.waiting.pop(key)

    def drop(self, item: T) -> None:
        self.counts["dropped"] += 1
        self.observer.dropped(self.name, item)

    def leave(self, item: T) -> None:
        """Nobody takes it any more."""
        if not self.options.held(item):
            self.drop(item)
            return
        self.counts["dropped"] += 1
        self.observer.withheld(self.name, item)

    def has_room_for(self, item: T) -> bool:
        if self.options.handoff is Handoff.LATEST:
            return True
        if self.options.key(item) in self.waiting:
            return self.options.merge is not None
        return len(self.waiting) < self.options.room


class Outbox(trio.abc.SendChannel[T]):
    """The sending end of an edge."""

    def __init__(self, edge: _Edge[T]) -> None:
        self._edge = edge
        self._closed = False
        self._peer_closed = False

    @property
    def handoff(self) -> Handoff:
        """The edge's handoff."""
        return self._edge.options.handoff

    @property
    def broken(self) -> bool:
        """Whether the next stage is gone."""
        return self._peer_closed

    async def send(self, value: T) -> None:
        """Hand over an item as the edge's handoff says.

        Raises:
            trio.BrokenResourceError: the next stage is gone.
            trio.ClosedResourceError: this end was closed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        edge = self._edge
        self._check()
        edge.counts["offered"] += 1
        edge.observer.offered(edge.name, value)
        if not edge.options.passes(value):
            edge.ignore(value)
        else:
            await self._put(value)
        # What was handed over cannot be taken back, so this checkpoint must not be cancelled.
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def _put(self, value: T) -> None:
        edge = self._edge
        try:
            while not edge.has_room_for(value):
                await edge.changed.park()
                self._check()
        except BaseException:
            edge.drop(value)
            raise
        edge.put(value)

    def _check(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        if self._peer_closed:
            raise trio.BrokenResourceError

    async def wait_asked(self) -> None:
        """Wait until the next stage asks for an item, or is gone."""
        while not (self._edge.asked or self._closed or self._peer_closed):
            await self._edge.changed.park()

    def close(self) -> None:
        """Close without waiting: the inbox sees the end after what is still waiting."""
        if not self._closed:
            self._closed = True
            self._edge.stir()

    async def aclose(self) -> None:
        """Close; prefer `with`, because a checkpoint here can replace an exception."""
        self.close()
        await trio.lowlevel.checkpoint()

    def __enter__(self) -> Outbox[T]:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def statistics(self) -> ChannelStatistics:
        """Counters of the edge so far."""
        return ChannelStatistics(**self._edge.counts)


class Inbox(trio.abc.ReceiveChannel[T]):
    """The receiving end of an edge."""

    def __init__(self, edge: _Edge[T], outbox: Outbox[T]) -> None:
        self._edge = edge
        self._outbox = outbox
        self._closed = False
        self._gate: Callable[[], Awaitable[None]] = _at_once
        self._in_hand: T | None = None
        self._crashed = self._is_second_try = False

    def begin_when(self, gate: Callable[[], Awaitable[None]]) -> None:
        """Take nothing before `gate` returns: this is how demand reaches the stage before it."""
        self._gate = gate

    async def receive(self) -> T:
        """Take the freshest item: first the permission to begin, then whatever is newest by then.

        Raises:
            trio.EndOfChannel: the outbox was closed and nothing waits that might be taken.
            trio.ClosedResourceError: this end was closed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._in_hand = None
        edge = self._edge
        try:
            while True:
                # The permission may lapse while nothing waits here, so it is asked for each time.
                await self._gate()
                if edge.bring_up_to_date():
                    break
                edge.asked = True
                edge.stir()
                if self._closed:
                    raise trio.ClosedResourceError
                if self._outbox._closed:
                    raise trio.EndOfChannel
                await edge.changed.park()
        finally:
            edge.asked = False
        item = edge.take()
        self._in_hand = item
        self._is_second_try, self._crashed = self._crashed, False
        edge.counts["taken"] += 1
        edge.observer.taken(edge.name, item)
        edge.stir()
        await trio.lowlevel.cancel_shielded_checkpoint()
        return item

    def restore(self) -> None:
        """Put the item in hand back to the front, so that a restarted stage meets it again."""
        item, edge = self._in_hand, self._edge
        self._in_hand = None
        if item is None:
            return
        key = edge.options.key(item)
        edge.counts["taken"] -= 1
        if key in edge.waiting:
            edge.drop(item)
            return
        edge.waiting = {key: item, **edge.waiting}
        edge.stir()

    def retry(self) -> None:
        """Let a restarted stage meet the item in hand, or what it is part of by then, once more."""
        item = self._in_hand
        if item is None or self._is_second_try:
            return
        self._crashed = True
        if self.give_back(item):
            self._in_hand = None
        else:
            self._edge.observer.returned(self._edge.name, item)
            self.restore()

    def give_back(self, item: T) -> bool:
        """Take back an item that came to nothing; it waits again, and comes as of the present.

        False if this end is closed, so that nobody would take it again.
        """
        edge = self._edge
        if self._closed or edge.options.merge is None:
            return False
        key = edge.options.key(item)
        edge.counts["taken"] -= 1
        edge.observer.returned(edge.name, item)
        newer, present = edge.waiting.pop(key, None), edge.passed_by.get(key)
        if newer is not None:
            edge.waiting[key] = item
        edge.put(item if newer is None else newer)
        if present is not None:
            edge.passed_by[key] = present  # it came after what waits now
        if key in edge.waiting:
            edge.returned.add(key)
        return True

    def close(self) -> None:
        """Close without waiting: the outbox sees a broken channel, what waits is dropped."""
        if self._closed:
            return
        self._closed = self._outbox._peer_closed = True
        edge = self._edge
        for item in edge.waiting.values():
            edge.leave(item)
        edge.waiting.clear()
        edge.stir()

    async def aclose(self) -> None:
        """Close; prefer `with`, because a checkpoint here can replace an exception."""
        self.close()
        await trio.lowlevel.checkpoint()

    def __enter__(self) -> Inbox[T]:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def statistics(self) -> ChannelStatistics:
        """Counters of the edge so far."""
        return ChannelStatistics(**self._edge.counts)


@functools.lru_cache(maxsize=64)
def ends(edge: str) -> tuple[str, str]:
    """The stages before and behind an edge; the same strings each time, for many are kept."""
    before, _, behind = edge.partition("→")
    return before, behind


def open_edge(
    name: str, options: EdgeOptions[T], observer: Observer | None = None
) -> tuple[Outbox[T], Inbox[T]]:
    """Make an edge. `name` is what the observer is told, such as `capture→change`."""
    edge = _Edge(name, options, observer or Observer())
    outbox = Outbox(edge)
    return outbox, Inbox(edge, outbox)
