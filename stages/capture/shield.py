"""What stands between the screen and everything that looks at it.

Pixels are painted over before a capture compares, keeps or sends them. Which ones is known only
when it is known how the windows stood while they were read: the states of the windows from before
the grab until after it are united, so a window may move whenever it likes. Without that knowledge
nothing goes on.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np
import trio

from hud.condition import Condition
from hud.items import Frame, Pixels
from hud.pixels import words
from hud.privacy.cover import Cover, unite
from hud.privacy.options import PrivacyOptions
from hud.privacy.pause import Pause
from hud.privacy.rules import parse
from hud.privacy.seeded import ALL
from hud.privacy.stack import CannotKnowError, Hidden
from hud.rect import Rect, common
from hud.stage import silent
from stages.capture.rectangles import Piece
from stages.capture.session import Session, present

if TYPE_CHECKING:
    from stages.capture.windows import Windows

PAINT = 0xFF1E1E1E
"""BGRA in one word, little-endian: nearly black."""
AGAIN = 0.25
"""Seconds between two attempts while nothing may be seen."""
TRIES = 3
"""Times to read pixels before the frame is given up; windows that are read anew cost one."""
Grab = Callable[[], Awaitable[Sequence[Piece]]]


@attrs.frozen
class Shielding:
    """What a capture is given to make its shield of."""

    options: PrivacyOptions | None = None
    """None: nothing is painted over, for tests of captures alone."""
    pause: Pause = attrs.field(factory=Pause)
    say: Callable[[str], None] = silent
    sight: Condition = attrs.field(factory=Condition)
    """Told whether the screen may be looked at."""

    def of_recordings(self) -> Shielding:
        """For pictures whose windows nobody can know any more: what names places still holds."""
        if self.options is None:
            return self
        places = tuple(text for text in self.options.mask if not parse(text).of_windows)
        return attrs.evolve(self, options=attrs.evolve(OPEN, mask=places))

    @contextlib.asynccontextmanager
    async def raised(
        self, display: str | None, monitors: Mapping[int, Rect]
    ) -> AsyncIterator[Shield]:
        """A shield in front of `monitors` (number → place on the desktop)."""
        session = await trio.to_thread.run_sync(present, display) if self.options else None
        shield = Shield(self, display, monitors, session)
        try:
            yield shield
        finally:
            shield.close()
            self.sight.works()


class Shield:
    """Paints over what must not be seen in everything that one capture reads."""

    def __init__(
        self,
        given: Shielding,
        display: str | None,
        monitors: Mapping[int, Rect],
        session: Session | None,
    ) -> None:
        self._session = session
        self._options = given.options or OPEN
        self._strict = given.options is not None
        self._pause = given.pause
        self._say = given.say
        self._sight = given.sight
        self._display = display
        self._places = frozenset(_places(self._options, monitors))
        self._follows = self._options.asks_for_windows and (
            sys.platform.startswith("linux") or self._options.needs_windows
        )
        self._windows: Windows | None = None
        self._cover = Cover()
        self._known = self._places
        """What was covered when the user of `refresh` last asked."""
        self._passing = frozenset[Rect]()
        """What was covered besides, since then."""
        self._reason = ""
        self._gaps: set[int] = set()

    def close(self) -> None:
        """Let go of the windows and the session."""
        self._forget_windows()
        self._forget_session()

    async def cover(self, grab: Grab) -> list[Piece] | None:
        """Grab places of the desktop, perhaps again, and paint over what must not be seen in them.

        The pixels that `grab` returns are painted in place where they can be written. None: nothing
        of it may be seen, and the user was told why.
        """
        reason = ""
        for _ in range(TRIES):
            if self._is_paused():
                return None
            try:
                await self._open()
                grabbed = await grab()
                painted = await self._settle()
            except CannotKnowError as error:
                reason = f"the windows on the screen cannot be known ({error})"
                continue
            reason = await self._away()
            if reason or self._is_paused():
                break
            self._pass(painted - self._known)
            self._tell("")
            return [(rect, paint(picture, rect, painted)) for rect, picture in grabbed]
        self._tell(reason)
        return None

    async def refresh(self) -> list[Rect]:
        """Places on the desktop that must be read anew, for what covers them has changed."""
        if self._windows is None:
            return []
        try:
            known = self._now()
            if self._windows.strangers:
                # Before anything is read: until it is known, a new window would be painted over.
                await self._windows.look()
                known = self._now()
        except CannotKnowError:
            # The next grab finds out whether they can be known again.
            self._forget()
            return []
        places = (known ^ self._known) | self._passing
        self._known, self._passing = known, frozenset()
        return sorted(places)

    async def wait_changed(self) -> None:
        """Sleep until what must be covered has changed, or may have.

        Once cancelled it leaves to others what is told, also before it has ended.
        """
        if self._windows is None:
            await trio.sleep_forever()
        with contextlib.suppress(CannotKnowError):
            while not (self._windows.strangers or self._now() != self._known):
                await self._windows.wait_changed()
                await trio.lowlevel.checkpoint_if_cancelled()

    async def wait_clear(self) -> None:
        """Sleep until the screen may be looked at again."""
        while True:
            if self._pause.paused:
                await self._pause.wait_changed()
                continue
            await trio.sleep(AGAIN)
            with contextlib.suppress(CannotKnowError):
                await self._open()
                await self._settle()
                if not await self._away():
                    return

    @property
    def due(self) -> float:
        """When to ask `refresh` at the latest, on trio's clock."""
        if self._passing:
            return -math.inf
        return min(self._cover.due, self._windows.due if self._windows is not None else math.inf)

    def frame(self, frame: Frame) -> Frame:
        """The frame, or what stands for it when it must not be seen for lack of any content."""
        if self._strict and not _is_colorful(frame) and is_one_color(frame.pixels):
            return self.withheld(frame)
        if frame.monitor in self._gaps:
            self._gaps.discard(frame.monitor)
            # Nobody saw the last one, whose damage is not in this one's.
            return attrs.evolve(frame, damage=None)
        return frame

    def withheld(self, frame: Frame) -> Frame:
        """What stands for a frame that nobody may see: its number and time, without pixels."""
        self._gaps.add(frame.monitor)
        return attrs.evolve(frame, pixels=NOTHING, damage=None, withheld=True)

    async def _away(self) -> str:
        """Why nobody may be at the screen, or ""."""
        if self._session is not None and self._session.has_news:
            try:
                await trio.to_thread.run_sync(self._session.learn)
            except OSError:
                # The bus has ended, and what was known with it; X still tells of lockers.
                self._forget_session()
        if self._session is not None and self._session.away:
            return self._session.away
        return self._windows.dark if self._windows is not None else ""

    def _is_paused(self) -> bool:
        return self._pause.paused

    async def _open(self) -> None:
        if not self._follows or self._windows is not None:
            return
        # Loading it takes longer than the loop may wait.
        kind = await trio.to_thread.run_sync(_followed, abandon_on_cancel=True)
        self._windows = await kind.opened(self._display, self._options)

    async def _settle(self) -> frozenset[Rect]:
        """What must be covered in what was read since the last call."""
        windows = self._windows
        if windows is None:
            return self._places
        try:
            states = [windows.hidden, *await windows.settle()]
            if windows.strangers:
                await windows.look()
                states.append(windows.hidden)
        except CannotKnowError:
            self._forget()
            raise
        unknown = frozenset[Rect]().union(*(state.unknown for state in states))
        return self._covered(states) | unknown

    def _forget(self) -> None:
        """Let go of a connection that has ended."""
        if self._windows is not None and self._windows.lost:
            self._forget_windows()

    def _forget_windows(self) -> None:
        if self._windows is not None:
            self._windows.close()
            self._windows = None

    def _forget_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _now(self) -> frozenset[Rect]:
        """What must be covered, as far as the server has told by itself."""
        assert self._windows is not None
        return self._covered([self._windows.hidden, *self._windows.told(), self._windows.hidden])

    def _covered(self, states: Sequence[Hidden]) -> frozenset[Rect]:
        time = trio.current_time()
        for state in states:
            self._cover.stood(state, time)
        return self._cover.at(time) | self._places

    def _pass(self, places: frozenset[Rect]) -> None:
        passing = list(self._passing)
        unite(passing, places - self._passing)
        self._passing = frozenset(passing)

    def _tell(self, reason: str) -> None:
        if reason == self._reason:
            return
        self._reason = reason
        dark = self._windows is not None and bool(self._windows.dark)
        (self._sight.fails(reason, harmless=dark) if reason else self._sight.works())
        self._say(f"{reason}: nothing of it is sent" if reason else "the screen is watched again")


def _followed() -> type[Windows]:
    try:
        from stages.capture.windows import Windows  # noqa: PLC0415 - not everywhere is an X
    except (ImportError, OSError) as error:
        raise CannotKnowError(f"the X library cannot be used here: {error}") from None
    return Windows


OPEN = PrivacyOptions(show=(ALL,), itself=False, echo=False)
"""Nothing is painted over."""
NOTHING: Pixels = np.zeros((0, 0, 4), np.uint8)


def _places(options: PrivacyOptions, monitors: Mapping[int, Rect]) -> Iterable[Rect]:
    """The rectangles and monitors that rules name, on the desktop."""
    for rule in options.masks:
        monitor = monitors.get(rule.monitor)
        if monitor is None or rule.of_windows:
            continue
        place = rule.rect
        if place is None:
            yield monitor
        else:
            moved = place.moved(monitor.x, monitor.y)
            part = common(moved, monitor)
            if part is not None:
                yield part


def paint(picture: Pixels, box: Rect, painted: Iterable[Rect]) -> Pixels:
    """Paint over places of the desktop in a picture of `box`; in place, where that is possible."""
    parts = [part for rect in painted if (part := common(rect, box)) is not None]
    if not parts:
        return picture
    if not picture.flags.writeable:
        picture = picture.copy()
    colors = words(picture)
    for part in parts:
        top, left = part.y - box.y, part.x - box.x
        # Copying a row into each costs a fifth less than writing one colour into all.
        row = np.full(part.width, PAINT, colors.dtype)
        colors[top : top + part.height, left : left + part.width] = row
    return picture


def _is_colorful(frame: Frame) -> bool:
    """Whether what is new tells already that the screen is not of one colour."""
    return any(not is_one_color(frame.pixels[rect.slices]) for rect in (frame.damage or ())[:1])


def is_one_color(picture: Pixels) -> bool:
    """Whether all pixels are the same: a screen that is off, or all painted over."""
    colors = words(picture)
    if colors.size < 2:
        return True
    first = colors[0, 0]
    # The first row with another colour ends it, mostly the first or second band.
    return all(bool((colors[top : top + 64] == first).all()) for top in range(0, len(colors), 64))
