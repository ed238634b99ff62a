from __future__ import annotations

import numpy as np
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.channel import EdgeOptions, Handoff, Observer, Observers, open_edge
from hud.items import Cause, Change, Fate, Mark
from hud.rect import Rect
from tests import fakes


def latest(**options):
    return EdgeOptions(handoff=Handoff.LATEST, **options)


async def test_latest_gives_the_newest_and_counts_what_it_replaced():
    outbox, inbox = open_edge("a→b", latest())
    for number in range(5):
        await outbox.send(number)
    assert await inbox.receive() == 4
    statistics = outbox.statistics()
    assert (statistics.offered, statistics.taken, statistics.dropped) == (5, 1, 4)
    assert statistics.waiting == 0


async def test_latest_keeps_one_slot_for_each_key_and_their_turns():
    outbox, inbox = open_edge("a→b", latest(key=lambda item: item[0]))
    for item in ["a1", "b1", "a2", "b2", "a3"]:
        await outbox.send(item)
    assert [await inbox.receive(), await inbox.receive()] == ["a3", "b2"]


async def test_merge_forgets_no_region():
    options = latest(merge=lambda newer, older: newer.absorb(older))
    outbox, inbox = open_edge("a→b", options)
    far, near = Rect(50, 50, 4, 4), Rect(0, 0, 4, 4)
    await outbox.send(fakes.change(1, far))
    await outbox.send(fakes.change(2, near))
    merged = await inbox.receive()
    assert merged.seq == 2
    assert set(merged.regions) == {far, near}
    assert outbox.statistics().merged == 1


async def test_what_does_not_pass_is_ignored():
    events = fakes.Events()
    outbox, inbox = open_edge("a→b", latest(passes=lambda change: bool(change.regions)), events)
    await outbox.send(fakes.change(1))
    await outbox.send(fakes.change(2, fakes.BOX))
    assert (await inbox.receive()).seq == 2
    assert events.seen == [
        ("offered", "a→b", 1),
        ("ignored", "a→b", 1),
        ("offered", "a→b", 2),
        ("taken", "a→b", 2),
    ]


async def test_a_merge_that_comes_to_nothing_leaves_nothing_waiting():
    options = latest(passes=bool, merge=lambda newer, older: newer + older)
    outbox, inbox = open_edge("a→b", options)
    await outbox.send(5)
    await outbox.send(-5)
    statistics = inbox.statistics()
    assert (statistics.merged, statistics.ignored, statistics.waiting) == (1, 1, 0)
    await outbox.send(7)
    assert await inbox.receive() == 7


async def test_block_makes_the_sender_wait_and_drops_nothing(nursery):
    outbox, inbox = open_edge("a→b", EdgeOptions())
    sent = []

    async def send():
        for number in range(3):
            await outbox.send(number)
            sent.append(number)
        outbox.close()

    nursery.start_soon(send)
    await trio.testing.wait_all_tasks_blocked()
    assert sent == [0]
    assert [number async for number in inbox] == [0, 1, 2]


async def test_a_cancelled_send_has_not_happened():
    outbox, inbox = open_edge("a→b", EdgeOptions())
    await outbox.send(1)
    with trio.move_on_after(0) as scope:
        await outbox.send(2)
    assert scope.cancelled_caught
    with pytest.raises(trio.TooSlowError), trio.fail_after(0.01):
        assert await inbox.receive() == 1
        await inbox.receive()
    # Cancelled before it was offered at all: nothing to count as lost.
    assert outbox.statistics().offered == 1


async def test_a_send_cancelled_while_it_waits_is_counted_as_dropped(autojump_clock):
    outbox, _inbox = open_edge("a→b", EdgeOptions())
    await outbox.send(1)
    with trio.move_on_after(1):
        await outbox.send(2)
    statistics = outbox.statistics()
    assert (statistics.offered, statistics.dropped, statistics.waiting) == (2, 1, 1)


async def test_demand_holds_back_the_stage_before_until_somebody_asks(nursery):
    first_out, first_in = open_edge("a→b", latest())
    second_out, second_in = open_edge("b→c", EdgeOptions(handoff=Handoff.DEMAND))
    first_in.begin_when(second_out.wait_asked)
    worked = []

    async def work():
        async for item in first_in:
            worked.append(item)
            await second_out.send(item)

    nursery.start_soon(work)
    for number in range(4):
        await first_out.send(number)
        await trio.testing.wait_all_tasks_blocked()
    assert worked == []
    assert await second_in.receive() == 3
    assert worked == [3]
    nursery.cancel_scope.cancel()


async def test_the_end_comes_behind_what_waits():
    outbox, inbox = open_edge("a→b", latest())
    await outbox.send(1)
    outbox.close()
    assert [item async for item in inbox] == [1]
    with pytest.raises(trio.ClosedResourceError):
        await outbox.send(2)


async def test_a_gone_receiver_breaks_the_sender_and_drops_what_waits(nursery):
    outbox, inbox = open_edge("a→b", EdgeOptions())
    await outbox.send(1)
    broken = trio.Event()

    async def send():
        with pytest.raises(trio.BrokenResourceError):
            await outbox.send(2)
        broken.set()

    nursery.start_soon(send)
    await trio.testing.wait_all_tasks_blocked()
    inbox.close()
    await broken.wait()
    assert outbox.statistics().dropped == 2
    assert outbox.broken


@pytest.mark.parametrize("end", [0, 1], ids=["outbox", "inbox"])
async def test_closing_either_end_wakes_whoever_waits_for_demand(end, autojump_clock):
    ends = outbox, _inbox = open_edge("a→b", EdgeOptions(handoff=Handoff.DEMAND))
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.wait_asked)
            await trio.testing.wait_all_tasks_blocked()
            ends[end].close()


async def test_a_wish_that_is_met_is_no_wish_any_more():
    """Whether the receiver has run since or not: trio decides that by chance, hence the rounds."""
    outbox, inbox = open_edge("a→b", EdgeOptions(handoff=Handoff.DEMAND))
    for number in range(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.receive)
            await outbox.wait_asked()
            await outbox.send(number)
            with trio.move_on_after(0) as asked_again:
                await outbox.wait_asked()
        assert asked_again.cancelled_caught


async def test_block_lets_as_many_wait_as_there_is_room_for(autojump_clock):
    outbox, _inbox = open_edge("a→b", EdgeOptions(room=2, key=lambda item: item))
    with trio.fail_after(1):
        await outbox.send(1)
        await outbox.send(2)
    with trio.move_on_after(1) as third:
        await outbox.send(3)
    assert third.cancelled_caught


async def test_with_nothing_in_hand_there_is_nothing_to_restore(autojump_clock):
    outbox, inbox = open_edge("a→b", latest())
    inbox.restore()
    await outbox.send(1)
    assert await inbox.receive() == 1
    # Whoever asks for the next one is done with the one before.
    with trio.move_on_after(1):
        await inbox.receive()
    inbox.restore()
    counts = outbox.statistics()
    assert (counts.offered, counts.taken, counts.waiting) == (1, 1, 0)


async def test_what_a_stage_crashed_over_is_tried_once_more():
    outbox, inbox = open_edge("a→b", latest())
    await outbox.send(1)
    assert await inbox.receive() == 1
    inbox.retry()
    assert await inbox.receive() == 1
    inbox.retry()
    await outbox.send(2)
    assert await inbox.receive() == 2
    inbox.retry()
    await outbox.send(3)
    assert await inbox.receive() == 3  # a newer frame shows what the older one does
    counts = outbox.statistics()
    assert counts.offered == counts.taken + counts.dropped + counts.waiting


@pytest.mark.parametrize("merge", [None, lambda newer, older: older + newer])
async def test_a_second_crash_over_the_same_is_the_last(merge):
    outbox, inbox = open_edge("a→b", latest(merge=merge))
    for item in ([1], [2]):
        await outbox.send(item)
        for waiting in (1, 0):
            assert await inbox.receive() == item
            inbox.retry()
            inbox.retry()  # nothing is in hand by now
            assert outbox.statistics().waiting == waiting


@pytest.mark.parametrize("merge", [None, fakes.Change.absorb])
async def test_a_second_try_is_told(merge):
    told = []

    class Watch(Observer):
        def returned(self, edge, item):
            told.append((edge, item.seq))

    outbox, inbox = open_edge("a→b", latest(merge=merge), Watch())
    inbox.retry()
    await outbox.send(fakes.change(1, fakes.BOX))
    await inbox.receive()
    inbox.retry()
    inbox.retry()
    assert told == [("a→b", 1)]


async def test_a_merge_is_told_with_what_was_and_what_came():
    told = []

    class Watch(Observer):
        def merged(self, edge, older, newer, into):
            told.append((edge, older, newer, into))

    outbox, _inbox = open_edge("a→b", latest(merge=lambda newer, older: older + newer), Watch())
    for item in ([1], [2]):
        await outbox.send(item)
    assert told == [("a→b", [1], [2], [1, 2])]


async def test_what_a_stage_crashed_over_is_united_with_what_came_since():
    outbox, inbox = open_edge("a→b", latest(merge=lambda newer, older: older + newer))
    await outbox.send([1])
    await inbox.receive()
    await outbox.send([2])
    inbox.retry()
    assert await inbox.receive() == [1, 2]


async def test_restore_gives_the_item_in_hand_again():
    outbox, inbox = open_edge("a→b", EdgeOptions(room=9, key=lambda item: item))
    for number in range(3):
        await outbox.send(number)
    await inbox.receive()
    inbox.restore()
    inbox.restore()
    outbox.close()
    assert [item async for item in inbox] == [0, 1, 2]


async def test_a_newer_snapshot_takes_the_place_of_the_older():
    options = EdgeOptions(room=9, key=lambda item: item[0], merge=lambda newer, _older: newer)
    outbox, inbox = open_edge("a→b", options)
    for item in ["a1", "b1", "a2"]:
        await outbox.send(item)
    outbox.close()
    assert [item async for item in inbox] == ["a2", "b1"]


async def test_send_and_receive_are_checkpoints():
    outbox, inbox = open_edge("a→b", latest())
    with trio.testing.assert_checkpoints():
        await outbox.send(1)
    with trio.testing.assert_checkpoints():
        await inbox.receive()


def test_observers_all_hear_everything():
    heard = [fakes.Events(), fakes.Events()]
    both = Observers([*heard, Observer()])
    for step in ("offered", "taken", "dropped", "ignored"):
        getattr(both, step)("a→b", fakes.frame(1))
    both.merged("a→b", *map(fakes.frame, (1, 2, 3)))
    both.returned("a→b", fakes.frame(1))
    both.crashed("b", ValueError("x"), 1.0)
    assert heard[0] == heard[1]
    assert [step for step, *_ in heard[0].seen] == [
        "offered",
        "taken",
        "dropped",
        "ignored",
        "merged",
        "returned",
    ]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["send", "receive"]), max_size=40))
def test_latest_is_in_order_without_repeats_and_never_stale(script):
    async def play():
        outbox, inbox = open_edge("a→b", latest())
        received, number = [], 0
        for step in script:
            if step == "send":
                number += 1
                await outbox.send(number)
            elif inbox.statistics().waiting:
                received.append((await inbox.receive(), number))
        assert all(item == newest for item, newest in received)
        assert [item for item, _ in received] == sorted({item for item, _ in received})
        statistics = inbox.statistics()
        assert statistics.offered == statistics.taken + statistics.dropped + statistics.waiting

    trio.run(play)


def with_marks(seq, before, now):
    """A change of the whole frame, which showed `before` and shows `now`."""
    frame = fakes.frame(seq, pixels=np.full((64, 64, 4), now, np.uint8))
    mark = Mark(fakes.BOX, np.full((8, 8, 4), before, np.uint8))
    return Change(frame, (fakes.BOX,), Cause.CONTENT, "test", marks=(mark,))


def passed_by(seq, now):
    """A frame that went no further."""
    frame = fakes.frame(seq, pixels=np.full((64, 64, 4), now, np.uint8))
    return Change(frame, (), None, "test", Fate.NOISE)


def changes():
    return open_edge(
        "change→encode",
        latest(
            merge=lambda newer, older: newer.absorb(older),
            passes=lambda change: bool(change.regions),
            key=lambda change: change.monitor,
        ),
    )


async def test_what_is_given_back_comes_again_as_of_the_present():
    outbox, inbox = changes()
    await outbox.send(with_marks(1, before=0, now=100))
    taken = await inbox.receive()
    await outbox.send(passed_by(2, now=100))
    assert inbox.give_back(taken)
    await outbox.send(passed_by(3, now=110))
    again = await inbox.receive()
    assert (again.seq, again.regions, again.cause) == (3, (fakes.BOX,), Cause.CONTENT)
    counts = outbox.statistics()
    assert (counts.waiting, counts.taken, counts.merged, counts.ignored) == (0, 1, 1, 1)


async def test_what_is_given_back_comes_as_of_the_present_though_nothing_follows():
    """A screen that lies still after the turn began gives no further frame."""
    outbox, inbox = changes()
    await outbox.send(with_marks(1, before=0, now=100))
    taken = await inbox.receive()
    await outbox.send(passed_by(2, now=110))
    assert inbox.give_back(taken)
    again = await inbox.receive()
    assert (again.seq, again.regions) == (2, (fakes.BOX,))
    counts = outbox.statistics()
    assert (counts.waiting, counts.taken, counts.merged, counts.ignored) == (0, 1, 1, 0)


async def test_what_is_given_back_is_united_with_what_waits():
    outbox, inbox = changes()
    await outbox.send(fakes.change(1, Rect(50, 50, 4, 4)))
    taken = await inbox.receive()
    await outbox.send(fakes.change(2, Rect(0, 0, 4, 4)))
    assert inbox.give_back(taken)
    again = await inbox.receive()
    assert again.seq == 2
    assert set(again.regions) == {Rect(50, 50, 4, 4), Rect(0, 0, 4, 4)}
    assert outbox.statistics().waiting == 0


async def test_what_was_passed_by_before_the_newest_is_not_the_present():
    outbox, inbox = changes()
    await outbox.send(with_marks(1, before=0, now=100))
    taken = await inbox.receive()
    await outbox.send(passed_by(2, now=100))
    await outbox.send(fakes.change(3, Rect(50, 50, 4, 4)))
    assert inbox.give_back(taken)
    assert (await inbox.receive()).seq == 3


@pytest.mark.parametrize("came_back", [False, True])
async def test_only_what_was_given_back_is_brought_up_to_date(came_back):
    outbox, inbox = changes()
    if came_back:  # and was taken again, which is the end of it
        await outbox.send(with_marks(1, before=0, now=100))
        assert inbox.give_back(await inbox.receive())
        await inbox.receive()
    await outbox.send(with_marks(2, before=0, now=100))
    await outbox.send(passed_by(3, now=110))
    assert (await inbox.receive()).seq == 2
    assert outbox.statistics().ignored == 1


def renewing():
    events = fakes.Events()
    options = latest(
        merge=lambda newer, older: newer.absorb(older),
        passes=lambda change: bool(change.regions),
        renew=lambda waiting, present: waiting.renewed(present),
    )
    return *open_edge("change→encode", options, events), events


async def test_what_waited_is_taken_as_of_the_present_if_it_is_the_same():
    outbox, inbox, events = renewing()
    await outbox.send(with_marks(1, before=0, now=100))
    for seq in (2, 3):
        await outbox.send(passed_by(seq, now=105))
    taken = await inbox.receive()
    assert (taken.seq, taken.regions, taken.rule) == (3, (fakes.BOX,), "test")
    assert (taken.frame.pixels == 105).all()
    assert [step for step, *_ in events.seen][-2:] == ["merged", "taken"]
    counts = outbox.statistics()
    assert (counts.waiting, counts.taken, counts.merged, counts.ignored) == (0, 1, 1, 1)


async def test_what_waited_is_taken_as_it_was_if_it_is_another_by_now():
    outbox, inbox, _ = renewing()
    await outbox.send(with_marks(1, before=0, now=100))
    await outbox.send(passed_by(2, now=0))
    assert (await inbox.receive()).seq == 1
    counts = outbox.statistics()
    assert (counts.waiting, counts.taken, counts.merged, counts.ignored) == (0, 1, 0, 1)


async def test_who_listens_is_told_what_each_item_became_as_of_the_present_of_its_key():
    told = []

    class Listening(Observer):
        def merged(self, edge, older, newer, into):
            told.append((edge, older, newer, into))

    options = latest(
        key=lambda item: item[0],
        merge=lambda newer, older: newer,
        passes=lambda item: item[1] > 0,
        renew=lambda waiting, present: (*waiting, present[1]),
    )
    outbox, inbox = open_edge("a→b", options, Listening())
    for item in (("x", 1), ("x", -2), ("y", 3), ("y", -4), ("z", 5)):
        await outbox.send(item)
    renewed = [("x", 1, -2), ("y", 3, -4)]
    assert [await inbox.receive() for _ in range(3)] == [*renewed, ("z", 5)]
    assert told == [("a→b", item[:2], (item[0], item[2]), item) for item in renewed]
    assert (outbox.statistics().merged, outbox.statistics().ignored) == (2, 0)


async def test_what_came_and_went_is_not_taken_again(autojump_clock):
    outbox, inbox = changes()
    await outbox.send(with_marks(1, before=0, now=100))
    taken = await inbox.receive()
    assert inbox.give_back(taken)
    await outbox.send(passed_by(2, now=0))
    with trio.move_on_after(1) as waiting:
        await inbox.receive()
    assert waiting.cancelled_caught
    assert outbox.statistics().waiting == 0


async def test_a_closed_end_takes_nothing_back():
    outbox, inbox = changes()
    await outbox.send(fakes.change(1, fakes.BOX))
    taken = await inbox.receive()
    inbox.close()
    assert not inbox.give_back(taken)


async def test_the_weightier_goes_first_but_nobody_starves():
    outbox, inbox = open_edge("a→b", latest(key=lambda item: item[0], rank=lambda item: item[1]))
    taken = []
    for _ in range(9):
        await outbox.send(("small", 1))
        await outbox.send(("large", 9))
        taken.append((await inbox.receive())[0])
    assert taken[:4] == ["large", "large", "large", "small"]
    assert taken.count("small") == 2


@pytest.mark.parametrize(
    "told",
    [
        ("offered", "a→b", 1),
        ("ignored", "a→b", 1),
        ("merged", "a→b", 1, 2, 3),
        ("dropped", "a→b", 1),
        ("withheld", "a→b", 1),
        ("taken", "a→b", 1),
        ("returned", "a→b", 1),
        ("crashed", "encode", ValueError("x"), 0.5),
    ],
    ids=lambda told: told[0],
)
def test_each_observer_is_told_all_of_it(told):
    heard = []
    name, *words = told
    hears = {name: lambda self, *words: heard.append((self, name, *words))}
    listening = type("Listening", (Observer,), hears)
    first, deaf, second = listening(), Observer(), listening()
    both = Observers([first, deaf, second])
    getattr(both, name)(*words)
    assert heard == [(first, *told), (second, *told)]
    for other in {each for each in vars(Observer) if each[0] != "_"} - {name}:
        words = {"merged": 4, "crashed": 3}.get(other, 2)
        getattr(both, other)(*range(words))
    assert len(heard) == 2


async def test_what_is_restored_is_counted_as_not_taken_and_waits_under_its_own_key():
    edge = latest(key=lambda item: item[0])
    outbox, inbox = open_edge("a→b", edge)
    for item in ("a1", "b1", "c1"):
        await outbox.send(item)
    assert [await inbox.receive() for _ in range(3)] == ["a1", "b1", "c1"]
    await outbox.send("a2")
    inbox.restore()
    counts = outbox.statistics()
    assert (counts.taken, counts.waiting, counts.dropped) == (2, 2, 0)
    assert [await inbox.receive() for _ in range(2)] == ["c1", "a2"]
    await outbox.send("a3")
    inbox.restore()
    counts = outbox.statistics()
    # A newer one of its key waits already: the older one is dropped.
    assert (counts.taken, counts.waiting, counts.dropped) == (3, 1, 1)


async def test_what_is_held_waits_to_be_united_with_something_newer(nursery):
    """United with what went no further, too; until then nobody takes it, nor is it in the way."""
    held = latest(
        merge=lambda newer, older: (newer[0], newer[1] + older[1]),
        key=lambda item: item[0][0],
        passes=lambda item: item[1],
        held=lambda item: item[0].endswith("-"),
    )
    outbox, inbox = open_edge("a→b", held)
    await outbox.send(("a-", "x"))
    await outbox.send(("b", "y"))
    assert await inbox.receive() == ("b", "y")
    got = []

    async def receive():
        got.append(await inbox.receive())

    nursery.start_soon(receive)
    await trio.testing.wait_all_tasks_blocked()
    await outbox.send(("a-", ""))
    await trio.testing.wait_all_tasks_blocked()
    assert got == []
    await outbox.send(("a", ""))
    await trio.testing.wait_all_tasks_blocked()
    assert got == [("a", "x")]
    assert outbox.statistics().waiting == 0


async def test_what_is_held_to_the_end_is_withheld():
    class Watch(Observer):
        def withheld(self, edge, item):
            lost.append((edge, item))

    lost = []
    held = latest(held=lambda item: item < 0, key=lambda item: item)
    outbox, inbox = open_edge("a→b", held, Observers([Watch()]))
    for item in (-1, -2):
        await outbox.send(item)
    outbox.close()
    with pytest.raises(trio.EndOfChannel):
        await inbox.receive()
    inbox.close()
    assert lost == [("a→b", -1), ("a→b", -2)]
    assert (outbox.statistics().waiting, outbox.statistics().dropped) == (0, 2)
