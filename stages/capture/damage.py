"""Sleeps until the X server says that something was drawn, and reads only that."""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs
import trio

from hud.errors import UsageError, unwrapped
from hud.items import Frame, Pixels, Tick
from hud.rect import Rect, common, together
from hud.threads import in_thread
from stages.capture.buffers import Buffers, Patch
from stages.capture.desktop import Boxes, Desktop, cannot_open, check_option, once_more
from stages.capture.films import PERIOD, Films
from stages.capture.lookout import Lookout, keep_watching
from stages.capture.rectangles import Piece, cut, strips
from stages.capture.shield import NOTHING, Grab, Shield

if TYPE_CHECKING:
    from stages.capture.x11 import Server

INLINE_PIXELS = 300_000
"""Up to which pixels are copied and compared in the loop: within half a millisecond."""
CHECKED = 2**18
"""Pixels that are looked at in one go, whether or not anything was drawn there.

They fit into the memory that is kept between two grabs: fresh pages cost more than all the rest.
"""
GATHER = 0.003
"""Seconds, at most, for which what goes on being drawn is waited for."""
ROOM = 0.05
"""Seconds, at most, for which a picture is waited for that nobody looks at any more."""
SETTLED = 0.5
"""Seconds from the first word of a change of monitors until they are looked at again."""
SOON = 0.1
"""Seconds until the next check after one that found something: this driver does not tell all."""


class NoDamageError(UsageError):
    """The display is there, but cannot say what is drawn on it; says why."""


@attrs.frozen
class Damage(Desktop):
    """Sleeps until the X server says that something was drawn, and reads only that."""

    check: float = check_option()

    is_woken = True
    """By what is drawn, not by ticks, so it looks whether or not somebody asks for a frame."""

    @property
    def manner(self) -> str:
        """How the screen is watched, for the user."""
        return "woken by what is drawn (X DAMAGE)"

    @property
    def period(self) -> float:
        """Never: the X server wakes this capture, not a clock."""
        return math.inf

    def preflight(self) -> None:
        """Check that there is an X server that can say what is drawn, with such a monitor.

        Raises:
            NoDamageError: the server cannot.
            UsageError: there is no display or no such monitor, and what to do about it.
        """
        with self._open() as server:
            self.chosen(server.monitors())

    def _open(self) -> Server:
        """Connect; blocks for some milliseconds."""
        self.need_display()
        try:
            from stages.capture import x11  # noqa: PLC0415 - other systems have no libxcb
        except (ImportError, OSError) as error:
            raise NoDamageError(f"the X library cannot be used here ({error})") from None
        try:
            return x11.Server(self.display)
        except x11.CannotOpenError as error:
            raise cannot_open(self.display, error) from None
        except x11.CannotWatchError as error:
            raise NoDamageError(f"the X server cannot say what is drawn: {error}") from None

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Tick], outbox: trio.abc.SendChannel[Frame]
    ) -> None:
        """Send every watched monitor once, then what is drawn, until the inbox ends.

        An X server or a monitor that goes away is waited for.
        """
        lookout = Lookout(self.condition, self.warn)
        with unwrapped():
            async with _while_open(inbox):
                # The stage behind may be gone; whoever ended it says why.
                with contextlib.suppress(trio.BrokenResourceError):
                    await keep_watching(functools.partial(self._watch, outbox, lookout), lookout)

    async def _watch(self, outbox: trio.abc.SendChannel[Frame], lookout: Lookout) -> None:
        """Watch until the monitors change.

        Raises:
            ScreenGoneError, UsageError, OSError: there is nothing to watch now.
        """
        from stages.capture.x11 import MonitorsChanged  # noqa: PLC0415 - as above

        opened = await in_thread(once_more, self._opened)
        with opened[0] as server:
            boxes = self.chosen(opened[1])
            async with self.shielding.raised(self.display, opened[1]) as shield:
                with contextlib.suppress(MonitorsChanged):
                    await _Watch(self, server, boxes, outbox, shield, lookout).go_on()
        # A change of mode comes in several steps, in some of which there is no monitor at all.
        await trio.sleep(SETTLED)
        self.warn("the monitors have changed; watching them as they are now")

    def _opened(self) -> tuple[Server, Boxes]:
        """A connection, and the monitors; blocks as `_open` does."""
        server = self._open()
        try:
            return server, server.monitors()
        except BaseException:
            server.close()
            raise


@attrs.define(eq=False)
class _Watch:
    """Watching one arrangement of monitors."""

    _options: Damage
    _server: Server
    _boxes: Boxes
    _outbox: trio.abc.SendChannel[Frame]
    _shield: Shield
    _lookout: Lookout
    _films: Films = attrs.field(init=False)
    _buffers: dict[int, Buffers] = attrs.field(init=False, factory=dict)
    _due: set[Rect] = attrs.field(init=False, factory=set)
    """Where on the desktop something was drawn, or covered, that was not read since."""
    _looked: float = -math.inf
    """When there was a reason to look last, the clock of the checks aside."""
    _wait: trio.CancelScope | None = None
    """That of the wait for something to be drawn, while there is one."""
    _heeding: trio.CancelScope = attrs.field(init=False, factory=trio.CancelScope)
    _waits: trio.lowlevel.ParkingLot = attrs.field(init=False, factory=trio.lowlevel.ParkingLot)

    def __attrs_post_init__(self) -> None:
        self._films = Films(*self._server.size)

    async def go_on(self) -> None:
        """Watch for ever, from the beginning after each time in which nothing may be seen."""
        async with _beside(self._heed):
            await self._go_on()

    async def _go_on(self) -> None:
        while True:
            with contextlib.suppress(_WithheldError):
                await self._follow()
            # Where there is no X server any more, that is what is wrong, not its windows.
            self._server.was_drawn()
            self._lookout.looked(math.inf)
            for monitor in self._boxes:
                frame = Frame(next(self._options.seqs), monitor, *_now(), NOTHING)
                await self._outbox.send(self._shield.withheld(frame))
            await self._shield.wait_clear()

    async def _follow(self) -> None:
        pause = self._options.shielding.pause
        turned = pause.since
        await self._server.listen()
        self._due.clear()
        for monitor, box in self._boxes.items():
            await self._begin(monitor, box)
        longest = wait = self._options.check
        check_at = trio.current_time() + wait
        film_at, left = -math.inf, False
        while True:
            films = self._films.present(trio.current_time())
            latest = min(check_at, film_at if films or left else math.inf)
            with (
                trio.move_on_at(min(latest, self._shield.due)) as scope,
                pause.ends(scope),
                self._heeded(scope),
            ):
                await self._server.wait_drawn(films)
            if pause.since != turned:
                # What waits to be sent needs a frame from after the pause, however short that was.
                raise _WithheldError
            await self._pace()
            woken = trio.current_time()
            if woken < check_at:
                # Else it may be the clock's doing, and what is drawn next need not wait for it.
                self._looked = woken
            if woken >= latest:
                films, film_at = [], woken + PERIOD
            # What was drawn in a film meanwhile must be asked for, also when the film has ended.
            left = bool(films)
            await self._look(films)
            if woken >= check_at:
                told = await self._check()
                wait = min(2 * wait, longest) if told else min(SOON, longest)
                check_at = trio.current_time() + wait

    @contextlib.contextmanager
    def _heeded(self, wait: trio.CancelScope) -> Iterator[None]:
        """End a wait also when what must be covered changes."""
        self._wait = wait
        self._waits.unpark_all()
        try:
            yield
        finally:
            # At once, so that the windows can be asked, while the other task need not run first.
            self._wait = None
            self._heeding.cancel()

    async def _heed(self) -> None:
        """Listen, during each wait, to what tells of the windows; a look does so by itself."""
        while True:
            while self._wait is None:
                await self._waits.park()
            with trio.CancelScope() as self._heeding:
                await self._shield.wait_changed()
                if self._wait is not None:
                    self._wait.cancel()
                    self._wait = None

    async def _pace(self) -> None:
        """Wait where the last look was too short a time ago."""
        due = self._looked + 1 / self._options.max_fps
        if due > trio.current_time():
            await trio.sleep_until(due)

    async def _begin(self, monitor: int, box: Rect) -> None:
        moment = _now()
        ((_, whole),) = await self._read(functools.partial(self._grab, [box]))
        buffers = await in_thread(Buffers, whole)
        self._buffers[monitor] = buffers
        await self._send(monitor, moment, buffers.show(), None)
        self._server.forget()
        await in_thread(buffers.prepare)

    async def _look(self, films: Sequence[Rect]) -> None:
        """Read what was drawn outside of films, and send it where it is not what stood there."""
        self._due.update(await self._shield.refresh())
        if not (self._due or self._server.was_drawn(films)):
            return
        await self._room()
        moment = _now()
        self._looked = moment[0]
        pieces = await self._read(functools.partial(self._gather, films))
        self._due.clear()
        for monitor, box in self._boxes.items():
            parts = [part for each in pieces if (part := cut(each, box)) is not None]
            await self._renew(monitor, moment, self._buffers[monitor].news(parts))

    async def _room(self) -> None:
        """Let the stages behind finish what they look at, rather than keep one picture more.

        Not for long: what waits for an answer of the model keeps its picture too.
        """
        for _ in range(10):
            if not any(buffers.crowded for buffers in self._buffers.values()):
                return
            await trio.sleep(ROOM / 10)

    async def _gather(self, films: Sequence[Rect]) -> list[Piece]:
        """What was drawn, and what is drawn while we read: a line may come in several pieces."""
        latest = trio.current_time() + GATHER
        while True:
            drawn = self._server.take_drawn(films)
            for rect in drawn:
                self._films.drawn(rect, trio.current_time())
            # What cannot be shown now is read again, so it stays due.
            self._due.update(drawn)
            seen = (common(rect, box) for rect in self._due for box in self._boxes.values())
            rects = together([rect for rect in seen if rect is not None])
            late = trio.current_time() >= latest
            if sum(rect.area for rect in rects) > INLINE_PIXELS and not late:
                # To hear first whether that is all takes less than to read it twice.
                await self._server.catch_up()
                if self._server.was_drawn(films):
                    continue
            pieces = await self._grab(rects)
            if late or not self._server.was_drawn(films):
                return pieces

    async def _grab(self, rects: Sequence[Rect]) -> list[Piece]:
        """Pixels of rectangles of the desktop that do not overlap; valid until the next call."""
        return list(zip(rects, await self._server.read(rects), strict=True))

    async def _read(self, grab: Grab) -> list[Piece]:
        """What may be seen of what is grabbed."""
        pieces = await self._shield.cover(grab)
        if pieces is None:
            raise _WithheldError
        self._lookout.looked(self._options.check)
        return pieces

    async def _check(self) -> bool:
        """Look at everything; whether X had told of all that has changed.

        In strips, so that what is drawn meanwhile need not wait for long.
        """
        told = True
        for monitor, box in self._boxes.items():
            for strip in strips(box, CHECKED):
                told &= await self._check_strip(monitor, box, strip)
                films = self._films.present(trio.current_time())
                if self._server.was_drawn(films):
                    await self._look(films)
            self._buffers[monitor].trim()
        self._server.forget()
        return told

    async def _check_strip(self, monitor: int, box: Rect, strip: Rect) -> bool:
        moment, buffers = _now(), self._buffers[monitor]
        ((_, pixels),) = await self._read(functools.partial(self._grab, [strip]))
        patches = buffers.differences(strip.y - box.y, pixels)
        # What was drawn in the meantime X has told of, though nobody has asked where.
        told = not patches or self._server.was_drawn()
        await self._renew(monitor, moment, patches)
        return told

    async def _renew(
        self, monitor: int, moment: tuple[float, float], patches: Sequence[Patch]
    ) -> None:
        if not patches:
            return
        rects, buffers = tuple(rect for rect, _ in patches), self._buffers[monitor]
        if buffers.behind(rects) + sum(rect.area for rect in rects) <= INLINE_PIXELS:
            picture = buffers.take(patches)
        else:
            picture = await in_thread(buffers.take, patches)
        await self._send(monitor, moment, picture, rects)

    async def _send(
        self,
        monitor: int,
        moment: tuple[float, float],
        picture: Pixels,
        damage: tuple[Rect, ...] | None,
    ) -> None:
        seq = next(self._options.seqs)
        frame = Frame(seq, monitor, *moment, picture, damage, woken=True)
        await self._outbox.send(self._shield.frame(frame))


class _WithheldError(Exception):
    """Nothing may be seen now."""


@contextlib.asynccontextmanager
async def _beside(task: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a task beside this context; what is raised in here is not put into a group."""
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task, name="changes of windows")
        try:
            yield
        except Exception as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _now() -> tuple[float, float]:
    """On trio's clock, and in seconds since the epoch."""
    return trio.current_time(), time.time()


@contextlib.asynccontextmanager
async def _while_open(inbox: trio.abc.ReceiveChannel[Tick]) -> AsyncIterator[None]:
    """Cancel what is done in this context when the inbox ends."""

    async def wait_end(scope: trio.CancelScope) -> None:
        async for _tick in inbox:
            pass
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_end, nursery.cancel_scope, name="end of ticks")
        yield
        nursery.cancel_scope.cancel()
