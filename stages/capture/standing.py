"""How the windows on an X desktop stand: what each event makes of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import xcffib
from xcffib import xproto

from hud.privacy.stack import Hidden, LostTrackError, Stack, Window
from hud.rect import Rect
from stages.capture.blanked import is_locked
from stages.capture.inquiry import Desktop, Facts, outer

Event = Any
"""One of a dozen classes of xcffib, which have nothing in common that is declared."""
MOVES = frozenset({xproto.ConfigureNotifyEvent, xproto.GravityNotifyEvent})
"""Events of windows that may have taken their pixels along."""
STRUCTURE = MOVES | {
    xproto.CreateNotifyEvent,
    xproto.DestroyNotifyEvent,
    xproto.MapNotifyEvent,
    xproto.UnmapNotifyEvent,
    xproto.ReparentNotifyEvent,
    xproto.CirculateNotifyEvent,
}
"""Events after which other windows, or other parts of them, may be seen."""
NOWHERE = Rect(0, 0, 0, 0)


class Standing:
    """The windows on one desktop, as far as they were told of."""

    def __init__(
        self,
        root: int,
        follow: Callable[[int, int], None],
        properties: frozenset[int],
        *,
        only_allowed: bool,
        owner_bits: int,
    ) -> None:
        """`follow` asks to be told of a window in a frame, `properties` are looked at anew."""
        self._root = root
        self._follow_it = follow
        self._properties = properties
        self._make = functools.partial(Stack, only_allowed=only_allowed, owner_bits=owner_bits)
        self.desktop = NOWHERE
        self.stack = self._make([], size=(0, 0))
        """From the lowest to the highest."""
        self.unsure = set[int]()
        """Windows on the desktop to look at again."""
        self.unjudged: dict[int, set[Rect]] = {}
        """Those of them that may show something new → where they were seen since, before changes.

        They may be forbidden by now, and may have been that already where they stood."""
        self.missed = set[Rect]()
        """Where such windows were seen that nobody can look at any more, for they are gone."""
        self._frame_of: dict[int, int] = {}
        """Windows that are followed → the window on the desktop that is or holds them."""
        self._hidden: Hidden | None = None
        """What must not be seen, as long as nothing changes."""
        self._locked: bool | None = None
        """Whether a locker covers them, as long as nothing changes."""
        self._changes: Mapping[type, Callable[[Event], bool]] = {
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
        }

    # -- as they stand

    @property
    def hidden(self) -> Hidden:
        """What must not be seen of them."""
        if self._hidden is None:
            self._hidden = self.stack.hidden()
        return self._hidden

    @property
    def locked(self) -> bool:
        """Whether a locker covers them."""
        if self._locked is None:
            self._locked = is_locked(self.stack, self.desktop)
        return self._locked

    def place(self, number: int) -> tuple[list[Rect], Rect | None]:
        """What is to be seen of a window, and where it lies, if that is known."""
        window = self.stack.get(number)
        if window is None or not window.visible:
            return [], None
        return self.stack.seen(number), window.rect if window.placed else None

    @property
    def strangers(self) -> list[int]:
        """Windows to be seen that nobody has looked at, and those to look at again."""
        unknown = {w.number for w in self.stack if w.visible and w.identity is None}
        return sorted(unknown | self.unsure)

    # -- what is known of them

    def follow(self, number: int, frame: int) -> None:
        """Be told of a window in a frame, or of a frame."""
        self._frame_of[number] = frame
        self._follow_it(number, frame)

    def follow_all(self, desktop: Desktop) -> None:
        """Be told of these windows, and of none that were known before."""
        self._frame_of, self.unsure, self.unjudged = {}, set(), {}
        for number in desktop.numbers:
            self.follow(number, number)

    def begin(self, desktop: Desktop, places: Mapping[int, tuple[Rect, bool]]) -> None:
        """They stand like this; where one lies and whether it is mapped may be ahead of it."""
        windows = []
        for number in desktop.numbers:
            # One that is gone is still told of, as being gone.
            rect, mapped = places.get(number, (NOWHERE, False))
            windows.append(Window(number=number, rect=rect, mapped=mapped, solid=False))
        self.desktop = Rect(0, 0, *desktop.size)
        self.stack = self._make(windows, size=desktop.size)
        self._changed()

    def learn(self, window: Window, facts: Facts, *, forbidden: bool, allowed: bool) -> None:
        """What a window is."""
        if not window.placed:
            # Only then: this is the present, ahead of what the server has told so far.
            window.rect = facts.rect
        window.solid, window.drawn = facts.solid, facts.drawn
        window.managed, window.margins = facts.managed, facts.margins
        window.identity = facts.identity
        window.forbidden, window.allowed = forbidden, allowed
        self.renamed()

    def renamed(self) -> None:
        """More, or other things, are known of what windows are."""
        self.stack.renamed()
        self._changed()

    def _changed(self) -> None:
        self._hidden = self._locked = None

    # -- how they change

    def take(self, event: Event) -> bool:
        """Take in an event; whether what must be hidden may be another now.

        Raises:
            LostTrackError: it does not fit to what is known.
        """
        if self.unjudged and type(event) in STRUCTURE:
            self._remember()
        change = self._changes.get(type(event))
        changed = change is not None and change(event)
        if changed:
            self._changed()
        return changed

    def _remember(self) -> None:
        for number, places in self.unjudged.items():
            window = self.stack.get(number)
            # What is hidden, or unknown, is hidden where it stands.
            if window is not None and window.identity is not None and not self.stack.hides(number):
                places.update(self.stack.seen(number))

    def _created(self, event: Event) -> bool:
        if event.parent != self._root:
            return self._reread(event.parent)
        self.stack.add(self._new(event.window, outer(event)))
        return False  # it is not mapped yet

    def _new(self, number: int, rect: Rect) -> Window:
        """A window that is not mapped yet and that nobody has looked at."""
        self.follow(number, number)
        return Window(number=number, rect=rect, mapped=False, solid=False)

    def _destroyed(self, event: Event) -> bool:
        self._frame_of.pop(event.window, None)
        if event.event != self._root:
            return self._reread(event.event, less=True)
        self._remove(event.window)
        return True

    def _remove(self, number: int) -> None:
        self.unsure.discard(number)
        self.missed |= self.unjudged.pop(number, set())
        self.stack.remove(number)

    def _mapped(self, event: Event, *, now: bool) -> bool:
        if event.event != self._root:
            return self._reread(event.event, less=not now)

        def change(window: Window) -> None:
            window.mapped = now

        self.stack.change(event.window, change)
        return True

    def _reparented(self, event: Event) -> bool:
        if event.event != self._root:
            return self._reread(event.event)
        if event.parent == self._root:
            # How large it is must be asked. It is mapped again behind this, if it was before.
            size = self.desktop.width, self.desktop.height
            window = self._new(event.window, Rect(event.x, event.y, *size))
            window.placed = False
            self.stack.add(window)
            return False
        self._remove(event.window)
        return self._reread(event.parent) or True

    def _configured(self, event: Event) -> bool:
        if event.event != self._root:
            return False
        if event.window == self._root:
            raise LostTrackError  # the desktop has another size now

        def change(window: Window) -> None:
            window.rect = outer(event)
            window.placed = True

        self.stack.change(event.window, change)
        self.stack.restack(event.window, event.above_sibling)
        return True

    def _moved(self, event: Event) -> bool:
        if event.event == self._root:
            raise LostTrackError
        return False

    def _circulated(self, event: Event) -> bool:
        if event.event == self._root:
            on_top = event.place == xproto.Place.OnTop
            self.stack.restack(event.window, None if on_top else 0)
        return True

    def _said(self, event: Event) -> bool:
        """A property changed: it is looked at, and until then what was known still holds."""
        interesting = event.atom in self._properties
        return self._reread(self._frame_of.get(event.window, 0)) if interesting else False

    def _shaped(self, event: Event) -> bool:
        return self._reread(event.affected_window)

    def _reread(self, number: int, *, less: bool = False) -> bool:
        """Look at a window again, soon; `less`: it shows nothing that it did not show before."""
        number = self._frame_of.get(number, number)
        if self.stack.get(number) is not None:
            self.unsure.add(number)
            if not less:
                self.unjudged.setdefault(number, set())
        return False
