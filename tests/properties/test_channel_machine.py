"""An edge under random sends, receives, cancellations, closes and ways back, each at any time."""

from __future__ import annotations

import collections
import itertools

import attrs
import trio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hud.channel import PATIENCE, EdgeOptions, Handoff, Observer, open_edge
from tests.properties.loop import Loop

KEYS = "abc"
WHICH = st.sampled_from("aaa" + KEYS)
SELDOM = st.integers(0, 15).map(lambda number: number == 15)


@attrs.frozen(eq=False)
class Item:
    """Something with contents that must not be forgotten; what it `removes` came and went."""

    number: int
    key: str
    adds: frozenset[int]
    removes: frozenset[int] = frozenset()
    weight: int = 0


def united(newer: Item, older: Item) -> Item:
    adds = newer.adds | (older.adds - newer.removes)
    return attrs.evolve(newer, adds=adds, removes=newer.removes | older.removes)


@attrs.define
class Clerk(Observer):
    """Keeps the books of every item: where it is now."""

    open: set[Item] = attrs.field(factory=set)
    """Offered, and not at an end."""
    dropped_items: list[Item] = attrs.field(factory=list)
    ignored_items: list[Item] = attrs.field(factory=list)
    counts: collections.Counter = attrs.field(factory=collections.Counter)

    def offered(self, edge, item) -> None:
        assert edge == "a→b"
        assert isinstance(item, Item)
        self.counts["offered"] += 1

    def ignored(self, edge, item) -> None:
        assert edge == "a→b"
        self.counts["ignored"] += 1
        self.ignored_items.append(item)

    def merged(self, edge, older, newer, into) -> None:
        assert edge == "a→b"
        self.counts["merged"] += 1
        assert into.number >= older.number, "an older item took the place of a newer one"
        assert older.adds - into.adds <= into.removes, "what the older one held is forgotten"

    def dropped(self, edge, item) -> None:
        assert edge == "a→b"
        self.counts["dropped"] += 1
        self.dropped_items.append(item)

    def taken(self, edge, item) -> None:
        assert edge == "a→b"
        assert isinstance(item, Item)
        self.counts["taken"] += 1


@attrs.define(eq=False)
class Act:
    """A task that sends or receives; cancelled through its scope."""

    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    done: bool = False
    error: Exception | None = None
    item: Item | None = None


class EdgeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop()
        self.clerk = Clerk()
        self.numbers = itertools.count(1)
        self.atoms = itertools.count(1)
        self.sending: Act | None = None
        self.receiving: Act | None = None
        self.sent: list[Item] = []
        """Whose `send` returned."""
        self.received: list[Item] = []
        """Every item that was received, in that order."""
        self.held: list[Item] = []
        """Received and neither given back nor restored."""
        self.came_back: set[Item] = set()
        self.back: set[str] = set()
        """Keys of what was given back since one of them was received."""
        self.in_hand: Item | None = None
        self.ended = self.inbox_closed = self.outbox_closed = False
        self.gate = trio.Event()
        self.gate.set()

    @initialize(
        handoff=st.sampled_from(Handoff),
        merges=st.booleans(),
        keyed=st.booleans(),
        room=st.integers(1, 3),
        ranked=st.booleans(),
    )
    def open(self, handoff, merges, keyed, room, ranked) -> None:
        self.merges, self.keyed, self.ranked = merges, keyed, ranked
        self.handoff, self.room = handoff, room
        options = EdgeOptions(
            handoff=handoff,
            merge=united if merges else None,
            key=(lambda item: item.key) if keyed else (lambda _item: None),
            passes=lambda item: bool(item.adds),
            room=room,
            rank=(lambda item: item.weight) if ranked else None,
        )
        self.outbox, self.inbox = open_edge("a→b", options, self.clerk)
        self.edge = self.inbox._edge
        self.inbox.begin_when(self._wait_gate)

    async def _wait_gate(self) -> None:
        await self.gate.wait()

    def teardown(self) -> None:
        self.loop.close()

    # What stages do --------------------------------------------------------------------------

    @precondition(lambda self: self.sending is None)
    @rule(
        key=st.sampled_from("aaa" + KEYS),
        size=st.integers(0, 2),
        weight=st.integers(0, 9),
        data=st.data(),
    )
    def send(self, key, size, weight, data) -> None:
        older = [atom for item in self.sent[-4:] if item.key == key for atom in item.adds]
        removes = data.draw(st.sets(st.sampled_from(older))) if older else set()
        adds = frozenset(itertools.islice(self.atoms, size))
        item = Item(next(self.numbers), key, adds, frozenset(removes), weight)
        act = self.sending = Act(item=item)
        self.loop.start(self._send, act)
        self.loop.settle()
        if self.handoff is Handoff.LATEST:
            assert act.done, "the newest never waits"

    async def _send(self, act: Act) -> None:
        with act.scope:
            try:
                await self.outbox.send(act.item)
                self.sent.append(act.item)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                act.error = error
        act.done, self.sending = True, None
        if isinstance(act.error, trio.ClosedResourceError):
            assert self.outbox_closed
        if isinstance(act.error, trio.BrokenResourceError):
            assert self.inbox_closed

    @precondition(lambda self: self.receiving is None)
    @rule()
    def receive(self) -> None:
        self.in_hand = None
        self.receiving = Act()
        self.loop.start(self._receive, self.receiving)
        self.loop.settle()

    async def _receive(self, act: Act) -> None:
        with act.scope:
            try:
                act.item = await self.inbox.receive()
            except trio.EndOfChannel:
                self.ended = True
                assert self.outbox_closed
                assert not self.edge.waiting
            except trio.ClosedResourceError:
                assert self.inbox_closed
        self.receiving = None
        if act.item is not None:
            self._check_taken(act.item)

    def _check_taken(self, item: Item) -> None:
        assert item.adds, "an item that holds nothing was passed on"
        same = [each for each in self.received if self._same(each, item)]
        if same:
            again = same[-1] in self.came_back and item.number >= same[-1].number
            assert item.number > same[-1].number or again, "out of order"
        if self._key(item) in self.back:
            self.back.remove(self._key(item))
            assert item.number >= self._newest(item), "what was given back comes as of the present"
        self.received.append(item)
        self.held.append(item)
        self.in_hand = item

    def _key(self, item: Item) -> str:
        return item.key if self.keyed else ""

    def _same(self, one: Item, other: Item) -> bool:
        return self._key(one) == self._key(other)

    def _newest(self, item: Item) -> int:
        return max(each.number for each in self.sent if self._same(each, item))

    @precondition(lambda self: self.sending is not None)
    @rule()
    def cancel_send(self) -> None:
        act, dropped = self.sending, len(self.clerk.dropped_items)
        self.loop.call(act.scope.cancel)
        assert act.done
        # Cancelled means not sent; it was waiting for room, so it is counted as dropped.
        assert act.item in self.sent or act.item in self.clerk.dropped_items[dropped:]

    @precondition(lambda self: self.receiving is not None)
    @rule()
    def cancel_receive(self) -> None:
        waiting = len(self.edge.waiting)
        self.loop.call(self.receiving.scope.cancel)
        assert self.receiving is None
        assert len(self.edge.waiting) == waiting, "a cancelled receive took something"
        assert not self.edge.asked

    @rule(shut=SELDOM)
    def turn_gate(self, shut) -> None:
        if not shut:
            self.loop.call(self.gate.set)
        elif self.gate.is_set():
            self.gate = trio.Event()

    @precondition(lambda self: self.in_hand is not None and self.receiving is None)
    @precondition(lambda self: self.in_hand in self.held and not self.inbox_closed)
    @rule()
    def restore(self) -> None:
        item, self.in_hand = self.in_hand, None
        key = self.edge.options.key(item)
        there = key in self.edge.waiting
        self.held.remove(item)
        self.came_back.add(item)
        self.loop.call(self.inbox.restore)
        if there:
            assert item in self.clerk.dropped_items
        else:
            assert next(iter(self.edge.waiting)) == key, "it comes first again"

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data) -> None:
        # What is given back is the last of its key: there is one turn at a time.
        last = {self._key(each): each for each in self.held}
        item = data.draw(st.sampled_from(sorted(last.values(), key=lambda each: each.number)))
        if item is self.in_hand:
            self.in_hand = None
        if any(each.number > item.number for each in self.received if self._same(each, item)):
            return
        takes = self.merges and not self.inbox_closed
        if takes:
            self.held.remove(item)
            self.came_back.add(item)
            self.back.add(self._key(item))
        assert self.loop.call(self.inbox.give_back, item) is takes

    @rule(now=SELDOM)
    def close_outbox(self, now) -> None:
        if not now:
            return
        self.outbox_closed = True
        self.loop.call(self.outbox.close)

    @rule(now=SELDOM)
    def close_inbox(self, now) -> None:
        if not now:
            return
        self.inbox_closed = True
        self.loop.call(self.inbox.close)

    # What holds at every moment --------------------------------------------------------------

    @invariant()
    def counts_add_up(self) -> None:
        counts = self.inbox.statistics()
        blocked = self.sending is not None
        assert counts == self.outbox.statistics()
        assert counts.waiting == len(self.edge.waiting) + blocked
        assert min(attrs.astuple(counts)) >= 0
        assert counts.taken == len(self.held)
        assert counts.dropped == len(self.clerk.dropped_items)
        assert counts.merged == self.clerk.counts["merged"]

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        """Each content that was sent is in one place, or was undone by what came after it."""
        sent = collections.Counter(a for item in self.sent for a in item.adds)
        there = collections.Counter(a for item in self.edge.waiting.values() for a in item.adds)
        got = collections.Counter(a for item in self.held for a in item.adds)
        lost = {a for item in self.clerk.dropped_items for a in item.adds}
        undone = {a for item in [*self.sent, *self.received] for a in item.removes}
        undone |= {a for item in self.clerk.ignored_items for a in item.removes}
        for atom in sent:
            assert there[atom] + got[atom] <= 1, "doubled"
            assert there[atom] + got[atom] == 1 or atom in lost | undone, "lost"
        for atom in [*there, *got]:
            assert atom in sent, "what was not sent arrived"

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        if self.receiving is not None and self.gate.is_set():
            assert not self.edge.waiting
            assert not self.inbox_closed
            assert not self.outbox_closed
            assert self.edge.asked
        if self.sending is not None:
            assert not self.edge.has_room_for(self.sending.item)
            assert not self.inbox_closed

    @invariant()
    def what_waits_is_bounded(self) -> None:
        most = len(KEYS) if self.keyed else 1
        assert len(self.edge.waiting) <= most
        if self.handoff is not Handoff.LATEST and not self.came_back:
            assert len(self.edge.waiting) <= self.room
        for book in (self.edge.passed_by, self.edge.passed_over, self.edge.returned):
            assert len(book) <= most

    @invariant()
    def nothing_is_dropped_but_by_the_latest(self) -> None:
        if self.handoff is not Handoff.LATEST and not (self.inbox_closed or self.came_back):
            assert all(each not in self.sent for each in self.clerk.dropped_items)

    @invariant()
    def nobody_starves(self) -> None:
        # Of those whose patience ended together, one waits for the other.
        assert all(count <= PATIENCE + len(KEYS) - 2 for count in self.edge.passed_over.values())


TestEdge = EdgeMachine.TestCase
TestEdge.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
