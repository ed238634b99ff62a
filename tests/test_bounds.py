"""What could grow in a long run does not: each bound at its edge."""

from __future__ import annotations

import attrs
import pytest
import trio

from hud.channel import EdgeOptions, open_edge
from hud.history import OPEN, History
from hud.ledger import Ledger
from hud.pipeline import SINK_BACKLOG, Pipeline, edges, run_pipeline
from hud.realtime.trouble import Cure, Trouble
from stages.assemble import Assemble
from stages.send.troubles import Troubles
from tests import fakes
from tests.stages.sinking import NOTE


async def test_a_ledger_holds_no_more_frames_than_are_on_their_way(autojump_clock):
    """A thousand frames, of which the model answers one in a hundred seconds."""
    ledger, most = Ledger(), [0]

    class Watch(Ledger):
        def offered(self, edge, item) -> None:
            ledger.offered(edge, item)
            most[0] = max(most[0], ledger.in_flight)

        merged, dropped = ledger.merged, ledger.dropped
        taken, ignored = ledger.taken, ledger.ignored

    line = Pipeline(
        fakes.Count(most=1000),
        fakes.Map(fakes.always),
        fakes.Map(fakes.as_shot),
        fakes.Map(fakes.answered, work=100.0),
        Assemble(),
        {},
    )
    await run_pipeline(line, stop=trio.Event(), observer=Watch())
    assert ledger.captured == 1000
    assert 2 <= most[0] <= 8


async def test_a_sink_that_takes_nothing_holds_so_many_notes_and_then_its_sender():
    outbox, inbox = open_edge("sinks→slow", edges({})["sink"])
    for seq in range(SINK_BACKLOG):
        await outbox.send(attrs.evolve(NOTE, seq=seq))
    with trio.move_on_after(0.1) as scope:
        await outbox.send(attrs.evolve(NOTE, seq=SINK_BACKLOG))
    assert scope.cancelled_caught
    assert (await inbox.receive()).seq == 0
    await outbox.send(attrs.evolve(NOTE, seq=SINK_BACKLOG))
    assert inbox.statistics().waiting == SINK_BACKLOG


@pytest.mark.parametrize("room", [1, 7])
async def test_a_blocking_edge_holds_its_room_and_no_more(room):
    outbox, _inbox = open_edge("a→b", EdgeOptions(room=room, key=lambda item: item))
    for item in range(room):
        await outbox.send(item)
    with trio.move_on_after(0.1) as scope:
        await outbox.send(room)
    assert scope.cancelled_caught


async def test_a_server_that_invents_troubles_fills_nothing(autojump_clock):
    troubles = Troubles()
    for number in range(10_000):
        troubles.tell(Trouble(f"code {number}", "odd", cure=Cure.ASK_AGAIN))
    assert len(troubles.counts) == 101
    assert troubles.counts["other"] == 10_000 - 100
    assert len(troubles._told) <= 101


async def test_frames_that_never_meet_an_end_are_forgotten():
    history = History(Ledger())
    for seq in range(3 * OPEN):
        history.offered("capture→change", fakes.frame(seq))
    assert len(history._flights) == OPEN
