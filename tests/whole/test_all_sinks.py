"""One run that feeds every sink at once, one of which hangs until the others are done."""

from __future__ import annotations

import collections
import contextlib
import pathlib
import sys
import threading
from collections.abc import Sequence

import attrs
import orjson
import pytest
import trio

from hud import database
from hud.channel import Handoff, Observer, Observers
from hud.history import History
from hud.items import Note, NoteDelta, Status
from hud.ledger import Ledger
from hud.pipeline import Pipeline, run_pipeline
from hud.stage import equip
from stages.assemble import Assemble
from stages.registry import SINKS
from tests import fakes
from tests.stages.test_sink_webhook import serving

COUNT = 60


@attrs.define
class Deliveries(Observer):
    """What each sink says it has delivered, in order, and what was made."""

    opened: threading.Event
    """Set when the file has every note: until then the webhook's server answers nobody."""
    made: list[int] = attrs.field(factory=list)
    seqs: dict[str, list[int]] = attrs.field(factory=lambda: collections.defaultdict(list))
    behind: int = -1
    """Notes that the webhook had delivered when the file got its last."""

    def offered(self, edge, item):
        sink, _, behind = edge.partition("→")
        if not isinstance(item, Note):
            return
        if sink == "assemble" and item.finished:
            self.made.append(item.seq)
        elif not behind:
            self.seqs[sink].append(item.seq)
            if len(self.seqs["file"]) == COUNT and not self.opened.is_set():
                self.behind = len(self.seqs["webhook"])
                self.opened.set()


@attrs.frozen
class InStep:
    """A capture whose next frame waits for the last one's note, so that none are united."""

    made: Sequence[int]
    period: float = 0.005

    async def run(self, inbox, outbox):
        captured = 0
        async for tick in inbox:
            if len(self.made) < captured:
                continue
            if captured == COUNT:
                return
            captured += 1
            await outbox.send(fakes.frame(captured, time=tick.time))


@attrs.frozen
class Answering:
    """A model that answers at once, in two pieces."""

    async def run(self, inbox, outbox):
        async for shot in inbox:
            now = trio.current_time()
            begin = NoteDelta(shot, "note ", now, now, session="sess")
            end = attrs.evolve(begin, text=f"note {shot.seq}", status=Status.COMPLETED)
            await outbox.send(begin)
            await outbox.send(end)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own, in its services
async def test_no_sink_waits_for_another_and_none_loses_or_doubles_a_note(
    tmp_path, monkeypatch, capfd
):
    log = tmp_path / "log"
    code = f"import sys; open({str(log)!r}, 'a').write(sys.stdin.read())"
    with serving() as chat, serving() as server:
        server.opened.clear()
        monkeypatch.setenv("HUD_NOTIFY_URLS", f"json://127.0.0.1:{chat.server_port}")
        sinks = {
            "terminal": SINKS["terminal"](),
            "file": SINKS["file"](path=str(tmp_path / "n.jsonl")),
            "file#2": SINKS["file"](path=str(tmp_path / "n.md")),
            "sqlite": SINKS["sqlite"](path=str(tmp_path / "n.db")),
            "web": SINKS["web"](),
            "webhook": SINKS["webhook"](url=server.url, timeout=60),
            "command": SINKS["command"](argv=(sys.executable, "-S", "-c", code)),
            "notify": SINKS["notify"](),
        }
        # A new kind of sink belongs here too.
        assert {name.partition("#")[0] for name in sinks} == set(SINKS)
        history = History(ledger := Ledger())
        gifts = {"past": history.past, "end_fates": history.close}
        gifts["state"] = lambda: {"frames": ledger.captured}
        deliveries = Deliveries(server.opened)
        line = Pipeline(
            capture=InStep(deliveries.made),
            change=fakes.Map(fakes.always),
            encode=fakes.Map(fakes.as_shot),
            send=Answering(),
            assemble=Assemble(),
            sinks={name: equip(sink, **gifts) for name, sink in sinks.items()},
            handoffs=dict.fromkeys(["change", "encode", "send"], Handoff.BLOCK),
        )
        with trio.fail_after(90):
            observer = Observers([history, ledger, deliveries])
            await run_pipeline(line, stop=trio.Event(), observer=observer)
        posted, chatted = server.seqs, len(chat.posts)
    expected = deliveries.made
    assert len(expected) == COUNT
    assert {name: deliveries.seqs[name] for name in sinks} == dict.fromkeys(sinks, expected)
    assert deliveries.behind == 0
    assert posted == expected
    assert chatted == len(expected)
    assert seqs(log) == seqs(tmp_path / "n.jsonl") == expected
    assert in_database(tmp_path / "n.db") == expected
    assert fates(tmp_path / "n.db") == (len(expected), COUNT, COUNT)
    words = [f"note {seq}" for seq in expected]
    assert [row[26:] for row in (tmp_path / "n.md").read_text().splitlines()] == words
    assert [row[10:] for row in capfd.readouterr().out.splitlines()] == words


def seqs(path: pathlib.Path) -> list[int]:
    return [orjson.loads(row)["seq"] for row in path.read_bytes().splitlines()]


def in_database(path: pathlib.Path) -> list[int]:
    with contextlib.closing(database.open_to_read(path)) as connection:
        return [seq for (seq,) in connection.execute("SELECT seq FROM notes ORDER BY number")]


def fates(path: pathlib.Path) -> tuple[int, int, int]:
    """Frames that were sent, all frames with a fate, and the frames of the run."""
    sent = "SELECT sum(count) FROM fates WHERE fate = 'sent'"
    every = "SELECT sum(count) FROM fates"
    with contextlib.closing(database.open_to_read(path)) as connection:
        return connection.execute(f"SELECT ({sent}), ({every}), frames FROM runs").fetchone()
