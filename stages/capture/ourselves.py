"""Which windows on a desktop are our own: those of our processes, and our terminal's."""

from __future__ import annotations

import os

from hud.privacy.kin import ancestors
from hud.privacy.stack import Stack
from hud.threads import in_thread
from stages.capture.inquiry import Facts


class Ourselves:
    """What is known of us on one display."""

    def __init__(self, display: str | None) -> None:
        self._here = display in (None, os.environ.get("DISPLAY"))
        self._terminals = set[int]()
        """The process whose windows are our terminal, once it is found."""

    async def started_by(self) -> list[int]:
        """The processes among which our terminal is to be found, if it is not found yet."""
        return [] if self._terminals else await in_thread(ancestors, os.getpid())

    @property
    def _window_id(self) -> int:
        """The window that our terminal says it is, or -1; numbers mean nothing elsewhere."""
        named = os.environ.get("WINDOWID", "")
        return int(named) if named.isdigit() and self._here else -1

    def have(self, facts: Facts) -> bool:
        """Whether a window is ours."""
        if facts.ours or self._window_id in facts.identity.clients:
            return True
        return not self._terminals.isdisjoint(facts.identity.pids)

    def find_terminal(self, stack: Stack, started_by: list[int]) -> None:
        """Forbid the windows of the nearest process that started us and has any."""
        if self._terminals or any(
            window.identity and self._window_id in window.identity.clients for window in stack
        ):
            return
        for pid in started_by:
            theirs = [
                window
                for window in stack
                if window.identity and window.identity.managed and pid in window.identity.pids
            ]
            if theirs:
                self._terminals = {pid}
                for window in theirs:
                    window.forbidden = True
                return
