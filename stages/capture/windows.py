"""The windows on an X desktop, followed as they change.

After a question that is asked behind a grab, every state of the windows that the grab may have seen
is known, without stopping the server for anybody: all that was told before its reply comes first.
"""

from __future__ import annotations

from collections.abc import Iterator

import trio
import xcffib

from hud.privacy.options import PrivacyOptions
from hud.privacy.stack import CannotKnowError, Hidden, LostTrackError, Window
from hud.rect import Rect, without
from hud.threads import in_thread
from stages.capture.blanked import Blanked
from stages.capture.drawn import Drawing
from stages.capture.inquiry import Facts, Inquiry
from stages.capture.leavings import Leavings
from stages.capture.ourselves import Ourselves
from stages.capture.standing import STRUCTURE, Event, Standing
from stages.capture.stream import Stream
from stages.capture.xcb import before


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
        self._ourselves = Ourselves(display)
        self._astray = False
        """Whether the windows must be read anew."""
        self._stream = Stream(display)
        try:
            with self._stream.alive():
                self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        stream = self._stream
        self._inquiry = Inquiry(stream.connection, stream.root)
        self._blanked = Blanked(stream.connection, stream.root)
        self._standing = Standing(
            stream.root,
            stream.follow,
            self._inquiry.followed,
            only_allowed=bool(self._options.only),
            owner_bits=stream.owner_bits,
        )
        self._leavings = Leavings(stream, self._standing)

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
        self._stream.close()

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        return self._stream.lost

    @property
    def dark(self) -> str:
        """Why nobody can be looking at the screen, or ""."""
        if self._blanked.dark:
            return "the screen is blanked"
        return "the screen is locked" if self._standing.locked else ""

    @property
    def hidden(self) -> Hidden:
        """What must not be seen, as far as the server has told; what is left of it included."""
        standing, left = self._standing.hidden, self._leavings.places
        return Hidden(standing.known | left, standing.unknown) if left else standing

    @property
    def due(self) -> float:
        """When less may have to be hidden without any word of the server; infinite: never."""
        return self._leavings.ends

    async def wait_changed(self) -> None:
        """Sleep until the server has something to tell."""
        await self._stream.wait_told()

    # -- what changes

    async def settle(self) -> list[Hidden]:
        """Ask the server to tell everything up to now; what had to be hidden from state to state.

        Raises:
            CannotKnowError: it does not answer, or its windows had to be read anew.
        """
        with self._stream.alive():
            drawn = self._stream.drawn
            if drawn is not None and drawn.told:
                drawn.again()
            asked = await self._blanked.ask()
            states = self.told()
            if drawn is not None:
                # Nothing need have been told behind it for it to be done.
                drawn.reach(asked)
            if self._astray:
                await self._read_all()
                raise CannotKnowError("the windows changed in a way that was not told")
            return states

    def told(self) -> list[Hidden]:
        """What had to be hidden from state to state, as far as the server has told by itself.

        Raises:
            CannotKnowError: the server does not answer.
        """
        try:
            with self._stream.alive():
                states = list(self._news())
                self._leavings.listen()
                return states
        except LostTrackError:
            self._astray = True
            return []

    def _news(self, since: int | None = None) -> Iterator[Hidden]:
        """Take in what was told; what had to be hidden after each change.

        How windows changed before the request `since` is known already.
        """
        last = self.hidden
        if self._leavings.reach(trio.current_time()):
            yield self.hidden
        for event in self._stream.events():
            if isinstance(event, Drawing):
                copies = self._leavings.draw(event)
                if copies:
                    yield Hidden(last.known | copies, last.unknown)
            elif not self._take(event, since):
                continue
            self._leavings.bound()
            if (now := self.hidden) != last:
                last = now
                yield last

    def _take(self, event: Event, since: int | None) -> bool:
        """Take in an event; whether what must be hidden may be another now."""
        if type(event) not in STRUCTURE:
            if isinstance(event, xcffib.screensaver.NotifyEvent):
                self._blanked.take(event)
                return False
            return self._standing.take(event)
        if since is not None and before(self._stream.sequence, since):
            return False
        self._leavings.take(event)
        self._leavings.expect(self._standing.missed)
        self._standing.missed.clear()
        return True

    # -- looking

    @property
    def strangers(self) -> bool:
        """Whether there are windows that `look` would find out more about."""
        return bool(self._standing.hidden.unknown or self._standing.unsure) or self._astray

    async def look(self, *, anew: bool = False) -> None:
        """Look at the windows that are not known, or call themselves otherwise now; at all anew.

        Raises:
            CannotKnowError: the server does not answer.
        """
        with self._stream.alive():
            await (self._read_all() if anew or self._astray else self._look())

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
        self._standing.follow_all(desktop)
        places = await self._inquiry.places(desktop.numbers)
        self._leavings.expect(self._standing.hidden.places)
        self._standing.begin(desktop, places)
        try:
            for _state in self._news(desktop.since):
                pass
        except LostTrackError:
            raise CannotKnowError("the windows changed in a way that was not told") from None
        await self._look()
        self._astray = False

    async def _look(self) -> None:
        """Find out about every window that nobody has looked at, or that changed its words."""
        asked, unjudged = self._standing.strangers, self._standing.unjudged
        self._standing.unsure, self._standing.unjudged = set(), {}
        found = await self._inquiry.windows(asked, self._standing.follow) if asked else {}
        started_by = await self._ourselves.started_by() if self._options.itself else []
        # From here on without a pause: who asks in between gets what was known before.
        for number, facts in found.items():
            window = self._standing.stack.get(number)
            if window is not None:
                self._learn(window, facts)
                if number in unjudged and self._standing.stack.hides(number):
                    self._leavings.expect(unjudged[number])
        self._ourselves.find_terminal(self._standing.stack, started_by)
        self._standing.renamed()

    def _learn(self, window: Window, facts: Facts) -> None:
        known = self._standing.hidden.places if window.identity else frozenset[Rect]()
        ours = self._options.itself and self._ourselves.have(facts)
        self._standing.learn(
            window,
            facts,
            forbidden=self._options.forbids(facts.identity) or ours,
            allowed=self._options.allows(facts.identity),
        )
        if known:
            # What it was called before may still be what it shows.
            now = self._standing.hidden.places
            self._leavings.expect(without(known - now, list(now)))
