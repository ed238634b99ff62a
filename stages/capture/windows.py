"""The windows on an X desktop, followed as they change.

The X server tells each client of changes in the order in which they happen, and a reply comes
behind everything that was told before it (X Window System Protocol, X Version 11, section 1: events
and replies share one ordered stream). So after a question that is asked behind a grab, every state
of the windows that the grab may have seen is known, without stopping the server for anybody.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import math
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import trio
import xcffib
from xcffib import xproto
from xcffib.ffi import ffi

from hud.items import Rect
from hud.privacy.kin import ancestors
from hud.privacy.options import PrivacyOptions
from hud.privacy.regions import common, without
from hud.privacy.seeded import LOCKERS
from hud.privacy.stack import CannotKnowError, Hidden, LostTrackError, Stack, Window
from hud.privacy.stale import PATIENCE, Stale
from hud.threads import in_thread
from stages.capture.drawn import Drawn
from stages.capture.inquiry import Facts, Inquiry, outer
from stages.capture.xcb import REPLY, awaited, before, connect, extension

LOCKER = 0.8
"""Share of the desktop that a locker covers."""
LISTEN = 0.05
"""Seconds between two requests to be told anew of drawing in hidden places; a film is not."""
SENT_BY_PROGRAM = 0x80


class Windows:
    """One connection that follows all windows and what rules say about them.

    It belongs to one task: threads read only what has nothing to do with it.
    """

    def __init__(self, display: str | None, options: PrivacyOptions) -> None:
        """Connect, which blocks for some milliseconds; `opened` does all that is needed.

        Raises:
            CannotKnowError: the server does not answer.
        """
        self._options = options
        try:
            self._connection = connect(display)
        except xcffib.ConnectionException as error:
            raise CannotKnowError(f"the X server does not answer ({error})") from None
        self._here = display in (None, os.environ.get("DISPLAY"))
        self._sleeping = False
        self._saving = False
        self._frame_of: dict[int, int] = {}
        """Windows that are followed → the window on the desktop that is or holds them."""
        self._standing: Hidden | None = None
        """What must not be seen of the windows as they stand, as long as nothing changes."""
        self._size, self._desktop = (0, 0), Rect(0, 0, 0, 0)
        self._stack = Stack([], size=self._size)
        self._stale = Stale()
        self._drawn: Drawn | None = None
        self._time = -math.inf
        """On trio's clock, when something was last asked of this object."""
        self._listen_at = -math.inf
        """When to be told anew of drawing in what is hidden, at the earliest."""
        self._sequence = 0
        """The last request that the server had done when it sent the latest event."""
        self._astray = False
        """Whether the windows must be read anew."""
        self.lost = False
        """Whether the connection has ended."""
        self._unsure = set[int]()
        """Windows on the desktop to look at again."""
        self._terminals = set[int]()
        """The process whose windows are our terminal, once it is found."""
        try:
            with self._alive():
                self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._changes: dict[type, Callable[[Any], bool]] = {
            xproto.CreateNotifyEvent: self._created,
            xproto.DestroyNotifyEvent: self._destroyed,
            xproto.MapNotifyEvent: functools.partial(self._mapped, now=True),
            xproto.UnmapNotifyEvent: functools.partial(self._mapped, now=False),
            xproto.ReparentNotifyEvent: self._reparented,
            xproto.ConfigureNotifyEvent: self._configured,
            xproto.GravityNotifyEvent: self._moved,
            xproto.CirculateNotifyEvent: self._circulated,
            xproto.PropertyNotifyEvent: self._said,
            xcffib.shape.NotifyEvent: self._shaped,
            xcffib.screensaver.NotifyEvent: self._saved,
        }
        connection = self._connection
        setup = connection.get_setup()
        screen = setup.roots[connection.pref_screen]
        self._root = screen.root
        self._fd = connection.get_file_descriptor()
        self._owner_bits = 0xFFFFFFFF ^ setup.resource_id_mask
        self._inquiry = Inquiry(connection, self._root)
        self._shape = extension(connection, xcffib.shape)
        self._dpms = extension(connection, xcffib.dpms)
        saver = extension(connection, xcffib.screensaver)
        fixes, damage = (extension(connection, each) for each in (xcffib.xfixes, xcffib.damage))
        if fixes is not None and damage is not None:
            self._drawn = Drawn(connection, self._root)
        if saver is not None:
            saver.SelectInput(self._root, xcffib.screensaver.Event.NotifyMask)
            self._saving = saver.QueryInfo(self._root).reply().state == 1
        events = xproto.EventMask.SubstructureNotify | xproto.EventMask.StructureNotify
        connection.core.ChangeWindowAttributes(self._root, xproto.CW.EventMask, [events])

    @classmethod
    async def opened(cls, display: str | None, options: PrivacyOptions) -> Windows:
        """Connect and read all windows.

        Raises:
            CannotKnowError: the server does not answer.
        """
        windows = await in_thread(cls, display, options)
        try:
            await windows.look(anew=True)
        except BaseException:
            windows.close()
            raise
        return windows

    def close(self) -> None:
        """Disconnect."""
        self._connection.disconnect()

    @property
    def dark(self) -> str:
        """Why nobody can be looking at the screen, or ""."""
        if self._sleeping or self._saving:
            return "the screen is blanked"
        area = self._size[0] * self._size[1]
        large = (w for w in self._stack if w.visible and w.rect.area >= LOCKER * area)
        identities = [window.identity for window in large if window.identity]
        locked = any(rule.names(identity) for identity in identities for rule in LOCKERS)
        return "the screen is locked" if locked else ""

    @property
    def hidden(self) -> Hidden:
        """What must not be seen, as far as the server has told; what is left of it included."""
        standing = self._stand()
        if not self._stale:
            return standing
        return Hidden(standing.known | self._stale.places, standing.unknown)

    @property
    def due(self) -> float:
        """When less may have to be hidden without any word of the server; infinite: never."""
        return self._stale.ends

    def _stand(self) -> Hidden:
        if self._standing is None:
            self._standing = self._stack.hidden()
        return self._standing

    async def wait_changed(self) -> None:
        """Sleep until the server has something to tell."""
        await trio.lowlevel.wait_readable(self._fd)

    async def settle(self) -> list[Hidden]:
        """Ask the server to tell everything up to now; what had to be hidden from state to state.

        Raises:
            CannotKnowError: it does not answer, or its windows had to be read anew.
        """
        with self._alive():
            if self._drawn is not None and self._drawn.told:
                self._drawn.again()
            if self._dpms is not None:
                answer = await awaited(self._connection, self._dpms.Info())
                # power_level, state: behind 8 bytes of header.
                level, enabled = struct.unpack_from("=HB", answer, 8)
                self._sleeping = bool(enabled and level)
            else:
                await awaited(self._connection, self._connection.core.GetInputFocus())
            states = self.told()
            if self._astray:
                await self._read_all()
                raise CannotKnowError("the windows changed in a way that was not told")
            return states

    def told(self) -> list[Hidden]:
        """What had to be hidden from state to state, as far as the server has told by itself.

        Raises:
            CannotKnowError: the server does not answer.
        """
        self._time = trio.current_time()
        try:
            with self._alive():
                states = list(self._news())
                self._follow_drawing()
                return states
        except LostTrackError:
            self._astray = True
            return []

    def _news(self, since: int | None = None) -> Iterator[Hidden]:
        """Take in what was told; what had to be hidden after each change.

        How windows changed before the request `since` is known already.
        """
        last = self.hidden
        if self._stale.wait(self._time):
            yield self.hidden
        for drawing, events in itertools.groupby(self._events(), _is_drawing):
            if drawing:
                copies = self._draw(events)
                if copies:
                    yield Hidden(last.known | copies, last.unknown)
                self._stale.bound()
                if self.hidden != last:
                    last = self.hidden
                    yield last
                continue
            for event in events:
                changes = isinstance(event, STRUCTURE)
                if changes and since is not None and before(self._sequence, since):
                    continue
                if self._take(event):
                    self._standing = None
                elif not changes:
                    continue
                self._stale.bound()
                if self.hidden != last:
                    last = self.hidden
                    yield last

    def _draw(self, places: Iterable[Rect]) -> set[Rect]:
        """Take in what was drawn, one after the other; where it may have been copies."""
        copies = set[Rect]()
        if not self._stale:
            # Nothing gets stale by drawing; they are only to be counted.
            collections.deque(places, maxlen=0)
            return copies
        # Less and less of it is stale as they are taken in.
        windows = [
            window.rect
            for window in self._stack
            if window.visible
            and self._stale.within([window.rect])
            and not self._stack.hides(window.number)
        ]
        for place in places:
            if self._stale and not self._stale.holds(place):
                copies.update(part for rect in windows if (part := common(rect, place)))
            self._stale.draw(place, self._sequence, self._time)
        return copies

    def _follow_drawing(self) -> None:
        """Be told what is drawn while any of it may be of interest."""
        if self._drawn is None:
            return
        hidden = self._stand().places
        self._drawn.follow(wanted=bool(hidden or self._stale))
        muted = self._drawn.told and (self._stale or self._drawn.was_told(hidden))
        if muted and self._time >= self._listen_at:
            # Before what is hidden goes, so that what is drawn behind it then is told.
            self._drawn.again()
            self._listen_at = self._time + LISTEN
        self._connection.flush()

    @property
    def strangers(self) -> bool:
        """Whether there are windows that `look` would find out more about."""
        return bool(self.hidden.unknown or self._unsure) or self._astray

    async def look(self, *, anew: bool = False) -> None:
        """Look at the windows that are not known, or call themselves otherwise now; at all anew.

        Raises:
            CannotKnowError: the server does not answer.
        """
        self._time = trio.current_time()
        with self._alive():
            await (self._read_all() if anew or self._astray else self._look())

    @contextlib.contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except xcffib.ConnectionException:
            self.lost = True
            raise CannotKnowError("the X server does not answer") from None

    # -- events

    def _events(self) -> Iterator[Any]:
        """What the server has told; a rectangle: something was drawn there."""
        lib, pointer = xcffib.lib, self._connection._conn
        while (event := lib.xcb_poll_for_event(pointer)) != ffi.NULL:
            event = ffi.gc(event, xcffib.c_free)
            # Programs may send each other events of any content; only the server's own count.
            if event.response_type & SENT_BY_PROGRAM:
                continue
            self._sequence = event.full_sequence
            if self._drawn is not None:
                self._drawn.reach(self._sequence)
                if event.response_type == self._drawn.event:
                    yield self._drawn.take(ffi.buffer(event, REPLY))
                    continue
            # An error is about a window that was gone before we asked for anything of it.
            with contextlib.suppress(xcffib.Error):
                yield self._connection.hoist_event(event)
        self._connection.invalid()

    def _take(self, event: Any) -> bool:  # noqa: ANN401 - one of a dozen classes
        """Take in an event; whether what must be hidden may be another now."""
        change = self._changes.get(type(event))
        if change is None:
            return False
        if not isinstance(event, STRUCTURE):
            return change(event)
        number, standing = event.window, self._stand()
        if not (standing.places or self._stale):
            return change(event)
        seen, old = self._place(number)
        changed = change(event)
        self._standing = None
        if getattr(event, "event", 0) == self._root:
            self._stale.trust()
        # In this order: what was carried away is not what the server paints behind it.
        self._follow_pixels(event, seen, old)
        self._uncover(number, seen)
        self._leave(standing, number, seen, new=isinstance(event, xproto.MapNotifyEvent))
        return changed

    def _place(self, number: int) -> tuple[list[Rect], Rect | None]:
        """What is to be seen of a window, and where it lies, if that is known."""
        window = self._stack.get(number)
        if window is None or not window.visible:
            return [], None
        return self._stack.seen(number), window.rect if window.placed else None

    # -- what is left behind

    def _uncover(self, number: int, seen: list[Rect]) -> None:
        """A window has gone from where it was seen: the server paints there what it can."""
        if not self._stale.within(seen) or self._drawn is None:
            return
        now, _ = self._place(number)
        _, untold = self._drawn.split(without(seen, now), self._sequence)
        self._stale.limit(untold, self._time + PATIENCE)

    def _follow_pixels(self, event: Any, seen: list[Rect], old: Rect | None) -> None:  # noqa: ANN401
        """A window was moved or resized, or one inside of it: what is stale in it moves along."""
        if not self._stale or not isinstance(event, MOVES):
            return
        number = event.event if event.event != self._root else event.window
        window = self._stack.get(number)
        if window is None or not window.visible or self._stack.hides(number):
            return
        if event.event != self._root:
            seen = self._stack.seen(number)
        if not self._stale.within(seen):
            return
        # What follows at once are the copies that the server itself makes.
        counts = self._drawn.again() if self._drawn is not None and self._drawn.followed else 0
        if old is not None and event.event == self._root and _size(old) == _size(window.rect):
            x, y = window.rect.x - old.x, window.rect.y - old.y
            self._stale.carry(seen, x, y, self._desktop, counts)
        elif (place := common(window.rect, self._desktop)) is not None:
            self._stale.stir(place, counts)

    def _leave(self, standing: Hidden, number: int, seen: list[Rect], *, new: bool) -> None:
        """What was hidden and is not any longer is stale, as is what is behind another window."""
        now = self._stand().places
        self._lose(without(standing.places - now, list(now)))
        window = self._stack.get(number)
        if window is None or not window.visible or window.solid or self._stack.hides(number):
            return
        others = without(standing.places, seen)
        behind = [part for rect in others if (part := common(rect, window.rect)) is not None]
        if new or window.identity is None:
            self._lose(behind)
        else:
            # Most of it is drawn already, of which nobody tells.
            self._stale.leave(behind, self._time + PATIENCE)

    def _lose(self, places: list[Rect]) -> None:
        """Something that must not be seen may stay on the screen there."""
        untold = places
        if self._drawn is not None:
            told, untold = self._drawn.split(places, self._sequence)
            self._stale.leave(told)
        self._stale.leave(untold, self._time + PATIENCE)

    # -- how windows change

    def _created(self, event: Any) -> bool:  # noqa: ANN401 - as _take, and so below
        if event.parent != self._root:
            return self._reread(event.parent)
        self._stack.add(self._new(event.window, outer(event)))
        return False  # it is not mapped yet

    def _new(self, number: int, rect: Rect) -> Window:
        """A window that is not mapped yet and that nobody has looked at."""
        self._follow(number, number)
        return Window(number=number, rect=rect, mapped=False, solid=False)

    def _destroyed(self, event: Any) -> bool:  # noqa: ANN401
        self._frame_of.pop(event.window, None)
        self._unsure.discard(event.window)
        if event.event != self._root:
            return self._reread(event.event)
        self._stack.remove(event.window)
        return True

    def _mapped(self, event: Any, *, now: bool) -> bool:  # noqa: ANN401
        if event.event != self._root:
            return self._reread(event.event)

        def change(window: Window) -> None:
            window.mapped = now

        self._stack.change(event.window, change)
        return True

    def _reparented(self, event: Any) -> bool:  # noqa: ANN401
        if event.event != self._root:
            return self._reread(event.event)
        if event.parent == self._root:
            # How large it is must be asked. It is mapped again behind this, if it was before.
            window = self._new(event.window, Rect(event.x, event.y, *self._size))
            window.placed = False
            self._stack.add(window)
            return False
        self._stack.remove(event.window)
        self._unsure.discard(event.window)
        return self._reread(event.parent) or True

    def _configured(self, event: Any) -> bool:  # noqa: ANN401
        if event.event != self._root:
            return False
        if event.window == self._root:
            raise LostTrackError  # the desktop has another size now

        def change(window: Window) -> None:
            window.rect = outer(event)
            window.placed = True

        self._stack.change(event.window, change)
        self._stack.restack(event.window, event.above_sibling)
        return True

    def _moved(self, event: Any) -> bool:  # noqa: ANN401
        if event.event == self._root:
            raise LostTrackError
        return False

    def _circulated(self, event: Any) -> bool:  # noqa: ANN401
        if event.event == self._root:
            on_top = event.place == xproto.Place.OnTop
            self._stack.restack(event.window, None if on_top else 0)
        return True

    def _said(self, event: Any) -> bool:  # noqa: ANN401
        """A property changed: it is looked at, and until then what was known still holds."""
        interesting = event.atom in self._inquiry.followed
        return self._reread(self._frame_of.get(event.window, 0)) if interesting else False

    def _shaped(self, event: Any) -> bool:  # noqa: ANN401
        return self._reread(event.affected_window)

    def _saved(self, event: Any) -> bool:  # noqa: ANN401
        self._saving = event.state == 1
        return False

    def _reread(self, number: int) -> bool:
        """Look at a window again, soon."""
        number = self._frame_of.get(number, number)
        if self._stack.get(number) is not None:
            self._unsure.add(number)
        return False

    # -- looking

    def _follow(self, number: int, frame: int) -> None:
        """Be told when the window changes its properties, or its children."""
        self._frame_of[number] = frame
        mask = xproto.EventMask.PropertyChange
        if number == frame:
            mask |= xproto.EventMask.SubstructureNotify
            if self._shape is not None:
                self._shape.SelectInput(number, True)
        self._connection.core.ChangeWindowAttributes(number, xproto.CW.EventMask, [mask])

    async def _read_all(self) -> None:
        """All windows as they stand.

        They need not rest meanwhile: where they lie is asked after it is known which there are, so
        it may be ahead of what was told in between; the last word told of each window says the same
        as the answer, or more.

        Raises:
            CannotKnowError: what was told does not fit to the answers.
        """
        self._astray = True
        desktop = await self._inquiry.desktop()
        self._frame_of, self._unsure = {}, set()
        windows = [self._new(number, NOWHERE) for number in desktop.numbers]
        places = await self._inquiry.places(desktop.numbers)
        for window in windows:
            # One that is gone is still told of, as being gone.
            window.rect, window.mapped = places.get(window.number, (NOWHERE, False))
        self._stale.leave(self._stand().places, self._time + PATIENCE)
        self._size, self._desktop = desktop.size, Rect(0, 0, *desktop.size)
        self._stack = Stack(
            windows,
            size=desktop.size,
            only_allowed=bool(self._options.only),
            owner_bits=self._owner_bits,
        )
        self._standing = None
        try:
            for _state in self._news(desktop.since):
                pass
        except LostTrackError:
            raise CannotKnowError("the windows changed in a way that was not told") from None
        await self._look()
        self._astray = False

    async def _look(self) -> None:
        """Find out about every window that nobody has looked at, or that changed its words."""
        unknown = {w.number for w in self._stack if w.visible and w.identity is None}
        asked = sorted(unknown | self._unsure)
        self._unsure.clear()
        found = await self._inquiry.windows(asked, self._follow) if asked else {}
        wanted = self._options.itself and not self._terminals
        started_by = await in_thread(ancestors, os.getpid()) if wanted else []
        # From here on without a pause: who asks in between gets what was known before.
        for number, facts in found.items():
            window = self._stack.get(number)
            if window is not None:
                self._learn(window, facts)
        self._find_terminal(started_by)
        self._stack.renamed()
        self._standing = None

    def _learn(self, window: Window, facts: Facts) -> None:
        before = self._stand().places if window.identity else ()
        if not window.placed:
            # Only then: this is the present, ahead of what the server has told so far.
            window.rect = facts.rect
        window.solid, window.drawn = facts.solid, facts.drawn
        window.managed, window.margins = facts.managed, facts.margins
        window.identity = facts.identity
        ours = self._options.itself and self._is_ours(facts)
        window.forbidden = self._options.forbids(facts.identity) or ours
        window.allowed = self._options.allows(facts.identity)
        self._stack.renamed()
        self._standing = None
        if before:
            # What it was called before may still be what it shows.
            now = self._stand().places
            self._stale.leave(without(before - now, list(now)), self._time + PATIENCE)

    # -- ourselves

    @property
    def _window_id(self) -> int:
        """The window that our terminal says it is, or -1; numbers mean nothing elsewhere."""
        named = os.environ.get("WINDOWID", "")
        return int(named) if named.isdigit() and self._here else -1

    def _is_ours(self, facts: Facts) -> bool:
        if facts.ours or self._window_id in facts.identity.clients:
            return True
        return not self._terminals.isdisjoint(facts.identity.pids)

    def _find_terminal(self, started_by: Iterable[int]) -> None:
        """The window of the nearest process that started us and has one."""
        if self._terminals or any(
            window.identity and self._window_id in window.identity.clients for window in self._stack
        ):
            return
        for pid in started_by:
            theirs = [
                window
                for window in self._stack
                if window.identity and window.identity.managed and pid in window.identity.pids
            ]
            if theirs:
                self._terminals = {pid}
                for window in theirs:
                    window.forbidden = True
                return


NOWHERE = Rect(0, 0, 0, 0)
MOVES = (xproto.ConfigureNotifyEvent, xproto.GravityNotifyEvent)
STRUCTURE = (
    xproto.CreateNotifyEvent,
    xproto.DestroyNotifyEvent,
    xproto.MapNotifyEvent,
    xproto.UnmapNotifyEvent,
    xproto.ReparentNotifyEvent,
    xproto.ConfigureNotifyEvent,
    xproto.GravityNotifyEvent,
    xproto.CirculateNotifyEvent,
)


def _is_drawing(event: Any) -> bool:  # noqa: ANN401 - one of a dozen classes
    return isinstance(event, Rect)


def _size(rect: Rect) -> tuple[int, int]:
    return rect.width, rect.height
