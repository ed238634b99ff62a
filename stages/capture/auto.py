"""Chooses how to watch the screen: woken by what is drawn where that is possible, else looking."""

from __future__ import annotations

import functools
from typing import TypeVar

import attrs
import trio

from hud.items import Frame, Tick
from hud.stage import given
from stages.capture.damage import Damage, NoDamageError
from stages.capture.desktop import Desktop, check_option, once_more, rest_option
from stages.capture.screen import Screen

T = TypeVar("T", bound=Desktop)


@attrs.frozen
class Auto(Desktop):
    """Watches by `damage` where X can say what is drawn, else as `screen` does."""

    check: float = check_option()
    rest_fps: float = rest_option()
    decision: tuple[type[Damage | Screen], str] | None = given(None)
    """The choice, once it was made."""

    is_woken = True
    """See Damage: it may be chosen."""

    def settled(self) -> Auto:
        """The same with its choice made, so that nobody connects to X again to make it."""
        capture, reason = self.choice
        return attrs.evolve(self, decision=(type(capture), reason))

    @functools.cached_property
    def choice(self) -> tuple[Damage | Screen, str]:
        """The capture that is used, and why it is not the other one ("" if it is the better).

        Raises:
            UsageError: there is nothing to watch here.
        """
        if self.decision is not None:
            capture, reason = self.decision
            return self._as(capture), reason
        damage = self._as(Damage)
        try:
            damage.preflight()
        except NoDamageError as error:
            return self._looking(), str(error)
        return damage, ""

    @property
    def manner(self) -> str:
        """How the screen is watched and why so, for the user."""
        capture, reason = self.choice
        return f"{capture.manner}, because {reason}" if reason else capture.manner

    @property
    def period(self) -> float:
        """Seconds until the next tick."""
        return self.choice[0].period

    def preflight(self) -> None:
        """Choose.

        Raises:
            UsageError: there is nothing to watch here.
        """
        _ = self.choice

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Tick], outbox: trio.abc.SendChannel[Frame]
    ) -> None:
        """Do what the chosen capture does."""
        await self.choice[0].run(inbox, outbox)

    def _looking(self) -> Screen:
        screen = self._as(Screen)
        once_more(screen.preflight)
        return screen

    def _as(self, capture: type[T]) -> T:
        """Another capture with all of our options that it has too."""
        fields = attrs.fields(capture)
        return capture(**{f.name: getattr(self, f.name) for f in fields if hasattr(self, f.name)})
