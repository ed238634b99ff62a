"""What forbidden windows leave behind on an X desktop, and what becomes of it.

Which pixels are stale is told by how windows change, until something is drawn there; both are told
in one stream, so each event is taken in as it comes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import trio
from xcffib import xproto

from hud.privacy.stack import Hidden
from hud.privacy.stale import PATIENCE, Stale
from hud.rect import Rect, common, inside, without
from stages.capture.drawn import Drawing
from stages.capture.standing import MOVES, Event, Standing
from stages.capture.stream import Stream

LISTEN = 0.05
"""Seconds between two requests to be told anew of drawing in hidden places; a film is not."""


class Leavings:
    """The stale places on the desktop whose windows stand like that."""

    def __init__(self, stream: Stream, standing: Standing) -> None:
        self._stream, self._standing = stream, standing
        self._stale = Stale()
        self._time = -math.inf
        """On trio's clock, when the last of what was told was taken in."""
        self._listen_at = -math.inf
        """When to be told anew of drawing in what is hidden, at the earliest."""

    @property
    def places(self) -> frozenset[Rect]:
        """All of them; they may overlap."""
        return self._stale.places

    @property
    def ends(self) -> float:
        """When one is shown again without any word of the server; infinite: never."""
        return self._stale.ends

    def reach(self, time: float) -> bool:
        """What is told from now on happened by `time`; whether any place is stale no more."""
        self._time = time
        return self._stale.wait(time)

    def bound(self) -> None:
        """Let there be no more than a bounded number of them."""
        self._stale.bound()

    # -- what is drawn

    def draw(self, drawing: Drawing) -> set[Rect]:
        """Take in what was drawn; where it may have been copies."""
        copies = set[Rect]()
        # Less and less of it is stale as it is taken in.
        stale, windows = self._stale.places, None
        hidden = self._standing.hidden.places
        for place in drawing.places:
            if self._stale and not self._stale.holds(place) and not _lies_in(place, hidden):
                windows = self._around(stale) if windows is None else windows
                copies.update(part for rect in windows if (part := common(rect, place)))
            self._stale.draw(place, drawing.sequence, self._time)
        return copies

    def _around(self, stale: Iterable[Rect]) -> list[Rect]:
        """Windows that show what is stale, and may copy it to elsewhere in themselves."""
        stack = self._standing.stack
        return [
            window.rect
            for window in stack
            if window.visible
            and any(place.intersects(window.rect) for place in stale)
            and not stack.hides(window.number)
        ]

    def listen(self) -> None:
        """Be told what is drawn while any of it may be of interest."""
        drawn = self._stream.drawn
        if drawn is None:
            return
        hidden = self._standing.hidden.places
        drawn.follow(wanted=bool(hidden or self._stale))
        muted = drawn.told and (self._stale or drawn.was_told(hidden))
        if muted and self._time >= self._listen_at:
            # Before what is hidden goes, so that what is drawn behind it then is told.
            drawn.again()
            self._listen_at = self._time + LISTEN
        self._stream.connection.flush()

    # -- how windows change

    def take(self, event: Event) -> bool:
        """Let the windows take in an event that moves pixels, and take in what that leaves.

        Returns whether what must be hidden of the windows may be another now.

        Raises:
            LostTrackError: the event does not fit to what is known.
        """
        standing, number = self._standing.hidden, event.window
        if not (standing.places or self._stale):
            return self._standing.take(event)
        seen, old = self._standing.place(number)
        changed = self._standing.take(event)
        if getattr(event, "event", 0) == self._stream.root:
            self._stale.trust()
        # In this order: what was carried away is not what the server paints behind it.
        self._follow_pixels(event, seen, old)
        self._uncover(number, seen)
        self._leave(standing, number, seen, new=isinstance(event, xproto.MapNotifyEvent))
        return changed

    def expect(self, places: Iterable[Rect]) -> None:
        """Something forbidden may still be shown there; by the end of our patience it is not."""
        self._stale.leave(places, trio.current_time() + PATIENCE)

    def _uncover(self, number: int, seen: list[Rect]) -> None:
        """A window has gone from where it was seen: the server paints there what it can."""
        drawn = self._stream.drawn
        if not self._stale.within(seen) or drawn is None:
            return
        now, _ = self._standing.place(number)
        _, untold = drawn.split(without(seen, now), self._stream.sequence)
        self._stale.limit(untold, self._time + PATIENCE)

    def _follow_pixels(self, event: Event, seen: list[Rect], old: Rect | None) -> None:
        """A window was moved or resized, or one inside of it: what is stale in it moves along."""
        if not self._stale or type(event) not in MOVES:
            return
        stack, root, drawn = self._standing.stack, self._stream.root, self._stream.drawn
        number = event.event if event.event != root else event.window
        window = stack.get(number)
        if window is None or not window.visible or stack.hides(number):
            return
        if event.event != root:
            seen = stack.seen(number)
        if not self._stale.within(seen):
            return
        # What follows at once are the copies that the server itself makes.
        counts = drawn.again() if drawn is not None and drawn.followed else 0
        desktop = self._standing.desktop
        if old is not None and event.event == root and _size(old) == _size(window.rect):
            x, y = window.rect.x - old.x, window.rect.y - old.y
            self._stale.carry(seen, x, y, desktop, counts)
        elif (place := common(window.rect, desktop)) is not None:
            self._stale.stir(place, counts)

    def _leave(self, standing: Hidden, number: int, seen: list[Rect], *, new: bool) -> None:
        """What was hidden and is not any longer is stale, as is what is behind another window."""
        now = self._standing.hidden.places
        self._lose(without(standing.places - now, list(now)))
        stack = self._standing.stack
        window = stack.get(number)
        if window is None or not window.visible or window.solid or stack.hides(number):
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
        untold, drawn = places, self._stream.drawn
        if drawn is not None:
            told, untold = drawn.split(places, self._stream.sequence)
            self._stale.leave(told)
        self._stale.leave(untold, self._time + PATIENCE)


def _lies_in(rect: Rect, places: Iterable[Rect]) -> bool:
    return any(inside(rect, place) for place in places)


def _size(rect: Rect) -> tuple[int, int]:
    return rect.width, rect.height
