from __future__ import annotations

import pytest
import trio

from hud.items import Cause, Change, Fate, Note, Rect, Status
from hud.privacy.echo import ROUNDS, Echo
from tests.fakes import frame

TERMINAL, EDITOR = Rect(10, 300, 200, 15), Rect(600, 20, 100, 15)


class Screen:
    """A screen whose changes become notes."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.seq = 0
        self.echo = Echo(self.said.append)

    def changes(self, *regions: Rect) -> Change:
        """What goes on of a change that happens now."""
        self.seq += 1
        shown = frame(self.seq, time=trio.current_time())
        return self.echo.judge(Change(shown, regions, Cause.CONTENT, "test"))

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
        if not change.regions:
            assert change.fate is Fate.NOISE
            break
        passed += 1
    return passed


@pytest.mark.usefixtures("autojump_clock")
async def test_notes_about_notes_end_after_three_rounds():
    screen = Screen()
    assert screen.changes(EDITOR).regions == (EDITOR,)
    assert await go_round(screen, 20) == ROUNDS
    assert len(screen.said) == 1
    assert "privacy.mask" in screen.said[0]
    # What the screen shows by itself still goes on, without another three rounds.
    await trio.sleep(5)
    assert screen.changes(EDITOR).regions == (EDITOR,)
    assert await go_round(screen, 20) == 0
    await trio.sleep(5)
    assert screen.changes(TERMINAL).regions == (TERMINAL,)
    screen.note()
    assert screen.changes(TERMINAL, EDITOR).regions == (EDITOR,)
    assert len(screen.said) == 1


@pytest.mark.usefixtures("autojump_clock")
async def test_a_log_that_goes_on_between_the_notes_is_no_echo():
    screen = Screen()
    screen.changes(TERMINAL)
    assert await go_round(screen, 20, lambda: screen.changes(TERMINAL)) == 20
    assert screen.said == []


@pytest.mark.usefixtures("autojump_clock")
async def test_changes_elsewhere_are_no_echo():
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
