"""What an hour costs, and whether the five hundredth note costs what the thirtieth did.

    hour.py SCENE... [--every SECONDS] [--hours H]

The product's sender, in simulated time, against the project's own server, which bills by the rules
(a prompt cache of exact prefixes from 1,024 tokens in steps of 128, pictures in 512-pixel tiles).
One change every 10 s, their pictures taken in turn from what the given recordings would send; each
note has 60 tokens.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import platform
import sys
from pathlib import Path

import attrs
import trio
import trio.testing

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.replay import load, play
from hud.context import ContextOptions
from hud.items import Change, NoteDelta, Shot, Status
from hud.local.server import Terms, serve_stream
from hud.realtime.models import MODELS, cost
from hud.spending import BudgetOptions
from hud.stage import silent
from stages.change.tiles import Tiles
from stages.encode.jpeg import Jpeg
from stages.send.admission import Admission
from stages.send.realtime import Realtime

NOTE = "word " * 48
"""240 characters, 60 tokens."""
EARLY, LATE = 30, 500
"""Notes whose input is compared: cost must not grow with the length of a run."""


async def shots(scene: Path) -> list[Shot]:
    """What the product would show of a recording."""
    changes = play(load(scene)[1], Tiles().detector())
    before, inbox = trio.open_memory_channel[Change](len(changes))
    outbox, after = trio.open_memory_channel[Shot](len(changes))
    with before:
        for change in changes:
            before.send_nowait(change)
    with outbox:
        await Jpeg().run(inbox, outbox)
    return [shot async for shot in after]


class Writer:
    """A model that always writes sixty tokens."""

    async def note(self, _session: str, _sights: object) -> str:
        """Answer."""
        await trio.sleep(1.0)
        return NOTE

    def forget(self, _session: str) -> None:
        """Nothing was kept."""


@attrs.define
class Hour:
    """One run of the sender and what it was billed."""

    model: str
    policy: str
    every: float
    seconds: float
    ends: list[NoteDelta] = attrs.field(factory=list)
    admission: Admission | None = None

    async def run(self, pictures: list[Shot]) -> None:
        """Show the pictures one after the other, again and again."""
        began = trio.current_time()

        def wall() -> float:
            return 1.8e9 + trio.current_time()

        self.admission = Admission(
            BudgetOptions().make(words=False, local=False),
            MODELS[self.model].price,
            300,
            silent,
            wall=wall,
        )
        async with trio.open_nursery() as nursery:
            terms = Terms(Writer(), "key", 3600.0, trio.Event())

            async def dial(_url: str) -> trio.abc.Stream:
                ours, theirs = trio.testing.memory_stream_pair()
                nursery.start_soon(serve_stream, terms, theirs)
                return ours

            sender = Realtime(
                url="wss://server.example/v1/realtime",
                model=self.model,
                key="key",
                dial=dial,
                admission=self.admission,
                memory=ContextOptions(policy=self.policy).make(can_summarize=True),
            )
            shots_in, inbox = trio.open_memory_channel[Shot](0)
            outbox, deltas = trio.open_memory_channel[NoteDelta](0)
            nursery.start_soon(sender.run, inbox, outbox)
            nursery.start_soon(self._collect, deltas)
            with shots_in:
                for number, shot in enumerate(itertools.cycle(pictures)):
                    await trio.sleep_until(began + number * self.every)
                    if trio.current_time() - began >= self.seconds:
                        break
                    await shots_in.send(shot)
            nursery.cancel_scope.cancel()

    async def _collect(self, deltas: trio.MemoryReceiveChannel[NoteDelta]) -> None:
        async for delta in deltas:
            if delta.status is not Status.IN_PROGRESS:
                self.ends.append(delta)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scenes", nargs="+", type=Path)
    arguments.add_argument("--every", type=float, default=10.0)
    arguments.add_argument("--hours", type=float, default=1.5)
    given = arguments.parse_args()
    pictures = [shot for scene in given.scenes for shot in trio.run(shots, scene)]
    print(
        f"{datetime.date.today()}, {platform.machine()}; {len(pictures)} different turns, ", end=""
    )
    print(f"one every {given.every:g} s, {given.hours:g} h simulated")
    print("model                  context   $ an hour   image  text (cached)  out   text, 30 → 500")
    for model, policy in itertools.product(
        ("gpt-realtime-1.5", "gpt-realtime-2.1", "gpt-realtime-2.1-mini"), ("summary", "notes")
    ):
        hour = Hour(model, policy, given.every, given.hours * 3600)
        clock = trio.testing.MockClock(autojump_threshold=0)
        trio.run(hour.run, pictures, clock=clock)
        usages, count = [end.usage for end in hour.ends], len(hour.ends)
        image = sum(each.image_tokens for each in usages) / count
        text = sum(each.text_tokens for each in usages) / count
        cached = sum(each.cached_tokens for each in usages) / count
        assert hour.admission is not None
        notes = sum(cost(each, MODELS[model].price) for each in usages)
        late = " → ".join(str(usages[note - 1].text_tokens) for note in (EARLY, LATE))
        print(
            f"{model:22} {policy:8}  {hour.admission.spent / given.hours:9.3f}  "
            f"{image:6.0f} {text:6.0f} ({cached:5.0f})   60   {late}   notes alone "
            f"{notes / given.hours:.3f}"
        )


if __name__ == "__main__":
    main()
