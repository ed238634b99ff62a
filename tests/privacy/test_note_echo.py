from __future__ import annotations

import attrs
import pytest
import trio

from hud.items import Cause, Change, Fate, Note, Status
from hud.privacy.echo import QUIET, ROUNDS, TRIALS, Echo, Guarded
from hud.rect import Rect
from tests.fakes import frame

TERMINAL, EDITOR = Rect(10, 30, 20, 15), Rect(600, 20, 100, 15)


@attrs.define
class Told:
    """A detector that finds what it is told."""

    regions: tuple[Rect, ...] = ()

    def look(self, frame):
        return Change(frame, self.regions, Cause.CONTENT, "test")

    def wake(self, time):
        return None

    def due(self):
        return None


class Screen:
    """A screen whose changes become notes."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.seq = 0
        self.told = Told()
        self.echo = Echo(self.said.append)
        self.guarded = Guarded(self.told, self.echo)

    def changes(self, *regions: Rect) -> Change:
        """What goes on of a change that happens now."""
        self.seq += 1
        self.told.regions = regions
        return self.guarded.look(frame(self.seq, time=trio.current_time()))

    async def rests(self, seconds: float) -> Change | None:
        """What goes on meanwhile of what was held back."""
        end = trio.current_time() + seconds
        while (due := self.guarded.due()) is not None and due <= end:
            await trio.sleep_until(due)
            if (change := self.guarded.wake(due)) is not None:
                return change
        await trio.sleep_until(end)
        return None

    def note(self) -> None:
        """The note of the last change is shown."""
        note = Note(self.seq, "words", Status.COMPLETED, 1, (), 0, 0, 0, 0, 0)
        self.echo.taken("sinks→terminal", note)


async def go_round(screen: Screen, times: int, between=lambda: None) -> int:
    """How many changes of the terminal go on when each note is printed there."""
    passed = 0
    for _ in range(times):
        await trio.sleep(1.0)
        between()
        await trio.sleep(0.5)
        screen.note()
        await trio.sleep(0.1)
        change = screen.changes(TERMINAL)
        if not change.regions and await screen.rests(5) is None:
            break
        passed += 1
    return passed


async def test_notes_about_notes_end_after_five_rounds(autojump_clock):
    screen = Screen()
    assert screen.changes(EDITOR).regions == (EDITOR,)
    assert await go_round(screen, 20) == ROUNDS + TRIALS
    assert len(screen.said) == 1
    assert "privacy.mask" in screen.said[0]
    # What the screen shows by itself still goes on, without another five rounds.
    await trio.sleep(5)
    assert screen.changes(EDITOR).regions == (EDITOR,)
    assert await go_round(screen, 20) == 0
    await trio.sleep(5)
    assert screen.changes(TERMINAL).regions == (TERMINAL,)
    # So something else is going on there: it is listened to again, for as many rounds.
    assert await go_round(screen, 20) <= ROUNDS + TRIALS
    screen.note()
    assert screen.changes(TERMINAL, EDITOR).regions == (EDITOR,)
    assert len(screen.said) == 1


async def test_a_note_about_a_newer_frame_is_an_echo_too(autojump_clock):
    """While the model is busy a change is shown as of the present, which has another number."""
    screen = Screen()
    screen.changes(EDITOR)

    def renew():
        older = Change(frame(screen.seq), (TERMINAL,), Cause.CONTENT, "test")
        screen.seq += 1
        newer = attrs.evolve(older, frame=frame(screen.seq))
        screen.echo.merged("change→encode", older, newer, newer)

    assert await go_round(screen, 20, renew) == ROUNDS + TRIALS


async def test_what_only_goes_with_the_notes_now_and_then_is_not_left_out(autojump_clock):
    """Changes of several places are united while the model answers: one of them goes on."""
    screen, places = Screen(), [TERMINAL, EDITOR]
    for number in range(40):
        await trio.sleep(1.5)
        screen.note()
        await trio.sleep(0.1)
        both = screen.changes(*places) if number % 2 else screen.changes(places[number // 2 % 2])
        assert both.regions or await screen.rests(5) is not None
    assert screen.said == []


async def test_a_log_that_goes_on_between_the_notes_is_no_echo(autojump_clock):
    screen = Screen()
    screen.changes(TERMINAL)
    assert await go_round(screen, 20, lambda: screen.changes(TERMINAL)) == 20
    assert screen.said == []


@pytest.mark.parametrize(("every", "answer"), [(1.0, 0.5), (1.5, 1.0), (0.8, 0.3), (0.5, 0.2)])
async def test_a_log_as_fast_as_the_model_loses_no_line(autojump_clock, every, answer):
    """Each line comes right behind the note about the one before it."""
    screen, shown = Screen(), 0

    def count(change: Change | None) -> int:
        regions = change.regions if change is not None else ()
        return sum(rect.holds(line) for line in lines for rect in regions)

    lines = [Rect(10, 30 + 18 * number, 300, 15) for number in range(30)]
    for line in lines:
        change = screen.changes(line)
        shown += count(change)
        if change.regions:
            await trio.sleep(answer)
            screen.note()
            await trio.sleep(every - answer)
        else:
            assert change.fate is Fate.MERGED
            shown += count(await screen.rests(every))
    shown += count(await screen.rests(QUIET))
    assert shown >= len(lines)
    assert screen.said == []


async def test_what_was_held_back_goes_on_when_nothing_follows(autojump_clock):
    screen = Screen()
    for _ in range(ROUNDS + 1):
        assert screen.changes(TERMINAL).regions
        await trio.sleep(0.5)
        screen.note()
        await trio.sleep(0.3)
    assert screen.changes(TERMINAL).regions == ()
    released = await screen.rests(QUIET)
    assert released is not None
    assert released.regions == (TERMINAL,)


async def test_changes_elsewhere_are_no_echo(autojump_clock):
    screen = Screen()
    for _ in range(20):
        assert screen.changes(TERMINAL).regions
        await trio.sleep(1)
        screen.note()
        await trio.sleep(0.1)
        assert screen.changes(EDITOR).regions
        await trio.sleep(1)
        screen.note()
        await trio.sleep(0.1)
    assert screen.said == []
