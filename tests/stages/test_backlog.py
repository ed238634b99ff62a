"""What waits for a sink outlives its crashes."""

from __future__ import annotations

import attrs
import trio

from hud.channel import EdgeOptions, open_edge
from hud.items import Note
from hud.pipeline import edges
from hud.supervise import FOR_SINKS, supervise
from stages.sink.backlog import AwayError, Backlog, Target, deliver_all
from tests.stages.sinking import notes


@attrs.define
class Store:
    """A sink whose deliveries go wrong as they are told to."""

    wrong: dict[int, list[Exception]] = attrs.field(factory=dict)
    """Number of a note → what is raised over it, one after the other."""
    together: int = 500
    taken: list[int] = attrs.field(factory=list)
    said: list[str] = attrs.field(factory=list)
    crashes: list[str] = attrs.field(factory=list)
    backlog: Backlog = attrs.field(factory=Backlog)

    async def deliver(self, given) -> None:
        await trio.sleep(0.01)
        for number, note in enumerate(given):
            if self.wrong.get(note.seq):
                error = self.wrong[note.seq].pop(0)
                if isinstance(error, AwayError):
                    error.delivered = number
                    self.taken += [each.seq for each in given[:number]]
                raise error
        self.taken += [note.seq for note in given]

    async def run(self, *items: Note) -> None:
        """Deliver these as the pipeline does, until they are all done with."""
        target = Target("store", self.deliver, self.said.append, self.backlog, self.together)
        feed, inbox = open_edge("sinks→store", edges({})["sink"])
        outbox, _nobody = open_edge("store→", EdgeOptions(passes=lambda _: False))

        def crashed(_name, error, _wait):
            inbox.restore()
            self.crashes.append(str(error))

        with feed:
            for item in items:
                await feed.send(item)
        with trio.fail_after(3600):
            await supervise("store", lambda: deliver_all(target, inbox, outbox), FOR_SINKS, crashed)


async def test_a_crash_loses_none_of_those_that_wait(autojump_clock):
    store = Store({1: [ValueError("what")]})
    await store.run(*notes(40))
    assert store.taken == list(range(1, 41))
    assert store.crashes == ["what"]
    assert store.said == []


async def test_where_the_system_has_no_more_threads_the_notes_wait(autojump_clock):
    store = Store({1: [RuntimeError("can't start new thread"), MemoryError("none")]})
    await store.run(*notes(3))
    assert store.taken == [1, 2, 3]
    assert store.crashes == []
    assert store.said[0] == "store: can't start new thread; the notes wait until it works"
    assert len(store.said) == 2


async def test_in_a_group_of_one_too(autojump_clock):
    store = Store({1: [ExceptionGroup("", [OSError(24, "Too many open files")])]})
    await store.run(*notes(2))
    assert store.taken == [1, 2]
    assert store.crashes == []


async def test_a_note_that_no_sink_can_bear_is_given_up_and_no_other(autojump_clock):
    store = Store({3: [TypeError("surrogates")] * 100})
    await store.run(*notes(5))
    assert store.taken == [1, 2, 4, 5]
    # Perhaps once with the others, then alone.
    assert len(store.crashes) in {5, 6}
    assert store.said == ["store: a note is given up: it cannot be delivered"]


async def test_what_was_taken_before_it_went_away_is_not_taken_again(autojump_clock):
    store = Store({3: [AwayError("full")]})
    await store.run(*notes(5))
    assert store.taken == [1, 2, 3, 4, 5]
