"""The change stages around their detectors: one for each monitor, woken in time."""

from __future__ import annotations

import functools
import math

import attrs
import numpy as np
import pytest
import trio

from hud.items import Cause, Change, Fate, Frame
from hud.ledger import Ledger
from hud.pipeline import Pipeline, run_pipeline
from hud.rect import Rect
from stages.assemble import Assemble
from stages.change import judging
from stages.change.judging import Heartbeat, judge
from stages.change.places import Place, Places
from stages.change.tiles import Tiles
from stages.change.whole_frame import WholeFrame
from tests import fakes


@attrs.define
class Late:
    """Passes a frame on only when it is woken a second later."""

    frame: Frame | None = None
    at: float | None = None

    def look(self, frame):
        self.frame, self.at = frame, frame.time + 1.0
        return Change(frame, (), None, "not yet", Fate.MERGED)

    def wake(self, time):
        if self.at is None or time < self.at:
            return None
        self.at = None
        return Change(self.frame, (fakes.BOX,), Cause.CONTENT, "it rests")

    def due(self):
        return self.at


async def test_a_detector_is_woken_when_no_frame_comes(autojump_clock, inline_threads):
    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(9)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(judge, Late, inbox, outbox)
        start = trio.current_time()
        await before.send(fakes.frame(1, time=start))
        assert (await after.receive()).regions == ()
        assert (await after.receive()).regions == (fakes.BOX,)
        assert trio.current_time() == pytest.approx(start + 1.0, abs=0.1)
        before.close()


async def test_what_is_awaited_at_the_end_is_paid(inline_threads):
    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(9)
    await before.send(fakes.frame(1, time=trio.current_time()))
    await before.send(fakes.frame(2, monitor=2, time=trio.current_time()))
    before.close()
    with outbox:
        await judge(Late, inbox, outbox)
    changes = [change async for change in after]
    assert [change.seq for change in changes if change.regions] == [1, 2]


@pytest.fixture
def slow_threads(monkeypatch):
    """Judging takes a tenth of a second, in which frames may come."""

    async def in_thread(function, *arguments):
        await trio.sleep(0.1)
        return function(*arguments)

    monkeypatch.setattr(judging, "in_thread", in_thread)


class News:
    """Every frame is news."""

    def look(self, frame):
        return Change(frame, (fakes.BOX,), Cause.CONTENT, "news")

    def wake(self, time):
        return None

    def due(self):
        return None


@attrs.frozen
class Every:
    """A screen on which something is drawn so and so often."""

    seconds: float
    frames: int
    damage: tuple = ((),)
    """Of each; () is unknown."""
    pixels: list = attrs.field(factory=lambda: [None])
    period: float = math.inf

    async def run(self, inbox, outbox):
        for seq in range(1, self.frames + 1):
            pixels = self.pixels[(seq - 1) % len(self.pixels)]
            frame = fakes.frame(seq, time=trio.current_time(), pixels=pixels)
            damage = self.damage[(seq - 1) % len(self.damage)]
            await outbox.send(attrs.evolve(frame, damage=damage or None))
            await trio.sleep(self.seconds)


def about(seconds):
    return pytest.approx(seconds, abs=0.03)


async def shown(detector, screen, answer=0.0):
    """How old each frame is when a shot is made of it, and the ledger."""
    ledger, ages = Ledger(), []

    def shoot(change):
        ages.append((change.seq, trio.current_time() - change.frame.time))
        return fakes.as_shot(change)

    class Judges:
        async def run(self, inbox, outbox):
            await judge(detector, inbox, outbox)

    line = Pipeline(
        capture=screen,
        change=Judges(),
        encode=fakes.Map(shoot),
        send=fakes.Map(fakes.answered, work=answer),
        assemble=Assemble(),
        sinks={},
    )
    await run_pipeline(line, stop=trio.Event(), observer=ledger, grace=99)
    ledger.close()
    return ages, ledger


@attrs.define
class First(News):
    """The first frames are news, and what comes behind them is none."""

    most: int = 1

    def look(self, frame):
        change = super().look(frame)
        news = frame.seq <= self.most
        return change if news else attrs.evolve(change, regions=(), fate=Fate.NOISE)


async def test_what_was_judged_for_long_is_shown_as_of_the_next_frame(autojump_clock, slow_threads):
    """The second frame came while the first was judged; it is shown, and then judged."""
    ages, ledger = await shown(First, Every(0.05, 2))
    assert ages == [(2, about(0.05))]
    assert +ledger.fates == {Fate.MERGED: 1, Fate.SENT: 1}


async def test_what_the_next_frame_brings_by_itself_is_shown_too(autojump_clock, slow_threads):
    ages, ledger = await shown(News, Every(0.05, 2))
    assert ages == [(2, about(0.05)), (2, about(0.15))]
    assert +ledger.fates == {Fate.MERGED: 1, Fate.SENT: 1}


async def test_what_is_judged_at_once_goes_together(autojump_clock, slow_threads):
    """Of the second frame so little is new that it is judged before anything is shown."""
    ages, ledger = await shown(News, Every(0.05, 2, damage=((), (fakes.BOX,))))
    assert ages == [(2, about(0.05))]
    assert +ledger.fates == {Fate.MERGED: 1, Fate.SENT: 1}


async def test_a_place_that_changed_meanwhile_is_judged_before_it_is_shown(
    autojump_clock, slow_threads
):
    """What is now to be seen there is news of its own, and would be shown twice."""
    levels = [np.full((64, 64, 4), level, np.uint8) for level in (0, 200)]
    ages, ledger = await shown(News, Every(0.05, 2, pixels=levels))
    assert ages == [(2, about(0.15))]
    assert +ledger.fates == {Fate.MERGED: 1, Fate.SENT: 1}


async def test_no_more_than_one_frame_is_waited_for(autojump_clock, slow_threads):
    """Where judging takes longer than drawing, there is always one more."""
    ages, ledger = await shown(News, Every(0.05, 40))
    assert len(ages) >= 8
    assert max(age for _, age in ages) < 0.19
    assert sum(ledger.fates.values()) == 40


async def test_what_waited_for_the_model_is_shown_as_of_the_present(autojump_clock, inline_threads):
    """The first two frames are news; the others come while the model answers for a second."""
    first = functools.partial(First, most=2)
    ages, ledger = await shown(first, Every(0.03, 60), answer=1.0)
    assert ages == [(1, about(0.0)), (pytest.approx(34, abs=1), about(0.0))]
    assert +ledger.fates == {Fate.SENT: 2, Fate.MERGED: 1, Fate.NOISE: 57}


async def test_what_rested_is_shown_as_of_the_frame_that_came_meanwhile(
    autojump_clock, slow_threads
):
    """It is judged for a tenth of a second from 1.0 on; at 1.05 something else is drawn."""
    ages, _ = await shown(Late, Every(1.05, 2))
    assert ages[0][0] == 2
    assert ages[0][1] < 0.2


async def test_a_frame_that_is_there_goes_before_what_is_due(autojump_clock, slow_threads):
    """A detector that is always behind with something would never see a frame again."""

    class Behind(Late):
        def due(self):
            return 0.0

        def wake(self, time):
            return None

    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(9)
    for seq in (1, 2, 3):
        await before.send(fakes.frame(seq))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(judge, Behind, inbox, outbox)
        with trio.fail_after(0.35):
            assert [(await after.receive()).seq for _ in range(3)] == [1, 2, 3]
        nursery.cancel_scope.cancel()


async def test_a_change_is_not_lost_with_the_frame_that_was_to_bring_it(
    autojump_clock, slow_threads
):
    """The detector fails over the newer frame; the one that follows it begins anew."""

    class Fails(News):
        def look(self, frame):
            if frame.seq == 2 and not failures:
                failures.append(frame.seq)
                raise ValueError("no such pixel")
            return super().look(frame)

    failures = []
    ages, ledger = await shown(Fails, Every(0.05, 2))
    assert failures == [2]
    assert {seq for seq, _ in ages} == {2}
    assert sum(ledger.fates.values()) == 2
    assert ledger.fates[Fate.SENT] == 1


def test_a_heartbeat_shows_a_silent_screen():
    detector = Heartbeat(Tiles().detector(), 10.0)
    causes = [detector.look(fakes.frame(t, time=float(t))).cause for t in range(1, 25)]
    assert [cause for cause in causes if cause] == [Cause.FIRST, Cause.HEARTBEAT, Cause.HEARTBEAT]
    assert detector.due() is None or math.isfinite(detector.due())


async def test_a_heartbeat_needs_no_frame_and_ends_with_the_screen(autojump_clock, inline_threads):
    """A capture that is woken by what is drawn sends none while nothing is."""
    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(99)
    start = trio.current_time()
    async with trio.open_nursery() as nursery:

        async def run():
            with outbox:
                await Tiles(heartbeat=10.0).run(inbox, outbox)

        nursery.start_soon(run)
        await before.send(fakes.frame(1, time=start))
        await trio.sleep(35.0)
        before.close()
        changes = [(change.cause, trio.current_time() - start) async for change in after]
    assert [cause for cause, _ in changes] == [Cause.FIRST] + 3 * [Cause.HEARTBEAT]


async def test_every_beat_about_one_frame_leaves_it_one_fate(autojump_clock, inline_threads):
    ledger, stop = Ledger(), trio.Event()
    line = Pipeline(
        capture=Still(stop),
        change=Tiles(heartbeat=10.0),
        encode=fakes.Map(fakes.as_shot),
        send=fakes.Map(fakes.answered, work=25.0),
        assemble=Assemble(),
        sinks={},
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            functools.partial(run_pipeline, line, stop=stop, observer=ledger, grace=99)
        )
        await trio.sleep(100.0)
        stop.set()
    ledger.close()
    assert ledger.captured == 2
    assert +ledger.fates == {Fate.SENT: 2}
    assert min(ledger.fates.values()) >= 0


@attrs.frozen
class Still:
    """A screen on which nothing is drawn."""

    stop: trio.Event
    period: float = math.inf

    async def run(self, inbox, outbox):
        for seq in (1, 2):
            await outbox.send(fakes.frame(seq, time=trio.current_time()))
            await trio.sleep(1)
        await self.stop.wait()


def frames(*rects):
    """A screen on which black boxes appear, one a second and for good."""
    pixels = np.full((240, 320, 4), 255, np.uint8)
    for second, rect in enumerate([None, *rects]):
        if rect is not None:
            pixels = pixels.copy()
            x, y, width, height = rect
            pixels[y : y + height, x : x + width, :3] = np.random.default_rng(second).integers(
                0, 2, (height, width, 1)
            ) * np.uint8(255)
        for tick in range(20):
            time = 4 * second + tick / 5
            yield Frame(second * 20 + tick, 1, time, time, pixels)


def passed(stage, *rects):
    detector = stage.detector()
    changes = [detector.look(frame) for frame in frames(*rects)]
    return [change.regions for change in changes if change.regions][1:]


LEFT, RIGHT = (20, 100, 60, 14), (220, 100, 60, 14)


def test_a_place_can_be_left_out():
    assert len(passed(Tiles(), LEFT, RIGHT)) == 2
    quiet = Tiles(places=(Place(region=(200, 0, 120, 240), sensitivity="off"),))
    ((shown,),) = passed(quiet, LEFT, RIGHT)
    assert shown.right < 200


def test_news_that_reaches_out_of_a_place_is_passed_on():
    """Its middle lies in the place; what is shown is the part that does not."""
    quiet = Tiles(places=(Place(region=(200, 90, 120, 40), sensitivity="off"),))
    ((shown,),) = passed(quiet, (150, 100, 160, 14))
    assert shown.x <= 150
    assert 200 <= shown.right <= 204


def test_news_beside_a_place_is_passed_on_though_they_are_one_region():
    """A line of text over the edge of the place changes together with what is in it."""
    quiet = Tiles(places=(Place(region=(100, 0, 220, 240), sensitivity="off"),))
    ((shown,),) = passed(quiet, (60, 100, 200, 40), (20, 180, 280, 14))[1:]
    assert shown.x <= 20
    assert shown.right <= 104


def test_what_changes_at_the_very_edge_of_a_place_stays_in_it():
    quiet = Tiles(places=(Place(region=(200, 80, 100, 60), sensitivity="off"),))
    assert passed(quiet, (200, 80, 60, 2), (240, 138, 60, 2), (200, 90, 100, 50)) == []


def test_a_place_looks_at_no_more_than_what_was_drawn_in_it():
    seen = []

    class Sees(Quiet):
        def look(self, frame):
            seen.append(frame.damage)
            return super().look(frame)

    places = Places(Quiet(), [Place(region=(20, 10, 30, 30), sensitivity="low")], lambda _: Sees())
    for damage in (None, (), (Rect(0, 0, 64, 4), Rect(10, 30, 20, 20))):
        places.look(attrs.evolve(fakes.frame(1), damage=damage))
    assert seen == [None, (), (Rect(0, 20, 10, 10),)]


@pytest.mark.parametrize(("stage", "threads"), [(Tiles(), 1), (WholeFrame(), 2)])
async def test_a_look_at_all_of_a_frame_is_not_for_the_loop(monkeypatch, stage, threads):
    calls = []

    async def in_thread(function, *arguments):
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(judging, "in_thread", in_thread)
    before, inbox = trio.open_memory_channel(9)
    outbox, _after = trio.open_memory_channel(9)
    await before.send(fakes.frame(1))
    await before.send(attrs.evolve(fakes.frame(2), damage=(fakes.BOX,)))
    before.close()
    await stage.run(inbox, outbox)
    assert len(calls) == threads


async def test_what_is_due_is_not_judged_in_the_loop(monkeypatch):
    """A look at a little more would judge it too, and it may be large."""
    looks = []

    async def in_thread(function, *arguments):
        looks.append([each.seq for each in arguments if isinstance(each, Frame)])
        return function(*arguments)

    monkeypatch.setattr(judging, "in_thread", in_thread)
    before, inbox = trio.open_memory_channel(9)
    outbox, _after = trio.open_memory_channel(99)
    for seq, time in enumerate([0.0, 0.9, 1.0, 1.5], 1):  # the first one is due at 1.0
        await before.send(attrs.evolve(fakes.frame(seq, time=time), damage=(fakes.BOX,)))
    before.close()
    await judge(Patient, inbox, outbox)
    assert [seqs for seqs in looks if seqs] == [[3]]


class Patient(Late):
    """Waits until a second after the first frame."""

    def look(self, frame):
        if self.at is None or frame.time >= self.at:
            return super().look(frame)
        return Change(frame, (), None, "not yet", Fate.MERGED)


class Blind:
    """Everything is news, and nothing is known of what was there before."""

    def __init__(self, rect):
        self.rect = rect

    def look(self, frame):
        return Change(frame, (self.rect,), Cause.CONTENT, "blind")


def test_where_nothing_is_known_of_before_only_what_lies_wholly_in_places_is_left_out():
    places = [Place(region=(0, 0, 32, 64)), Place(region=(32, 0, 22, 30))]

    def regions(*rect):
        return Places(Blind(Rect(*rect)), places, Late).look(fakes.frame(1)).regions

    assert regions(10, 4, 40, 16) == ()
    assert regions(10, 4, 40, 60) == (Rect(41, 39, 9, 25),)


def test_a_place_can_be_more_sensitive_and_keeps_its_coordinates():
    place = Place(region=(200, 0, 120, 240), sensitivity="high")
    ((shown,),) = passed(Tiles(places=(place,)), RIGHT)
    assert 200 <= shown.x <= 220
    assert shown.right >= 280


def test_what_comes_to_rest_in_a_place_is_passed_on_though_no_frame_comes():
    place = Place(region=(30, 20, 20, 20), sensitivity="low")
    detector = Places(Quiet(), [place], lambda _word: Late())
    detector.look(fakes.frame(1, time=5.0))
    assert detector.due() == 6.0
    change = detector.wake(6.0)
    assert change.regions == (Rect(30, 20, 8, 8),)
    assert change.frame.whole == Rect(0, 0, 64, 64)
    assert detector.due() is None


class Quiet:
    """Nothing is ever news."""

    def look(self, frame):
        return Change(frame, (), None, "quiet", Fate.NOISE)

    def wake(self, time):
        return None

    def due(self):
        return None


def test_a_place_in_the_middle_leaves_the_first_frame():
    quiet = Tiles(places=(Place(region=(100, 80, 120, 80), sensitivity="off"),))
    (whole,) = quiet.detector().look(next(frames())).regions
    assert (whole.width, whole.height) == (320, 240)


def test_numbers_override_the_word():
    assert Tiles(sensitivity="low", word=0.5).limits.word == 0.5
    assert Tiles(sensitivity="low").limits.word > Tiles().limits.word


def test_a_whole_frame_hash_has_a_threshold():
    assert passed(WholeFrame(hash="dhash", threshold=0), (0, 0, 320, 240))
    assert passed(WholeFrame(hash="dhash", threshold=63), (0, 0, 320, 240)) == []
