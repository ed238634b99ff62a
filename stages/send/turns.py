"""One turn after the other: what is asked, asked again, or left out."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio

from hud.errors import ConnectionLostError
from hud.items import NoteDelta, Shot, Status, Usage, clock
from hud.privacy.curtain import Curtain
from hud.realtime.backoff import Backoff
from hud.realtime.events import AnswerEnded, Refused, TextArrived
from hud.realtime.memory import SUMMARIZE, Memory
from hud.realtime.prompt import is_nothing
from hud.realtime.requests import Turn
from hud.realtime.trouble import Cure, Trouble
from stages.send.admission import Admission, Booking
from stages.send.endpoint import LOCAL
from stages.send.link import Link, OnText
from stages.send.sessions import Sessions
from stages.send.troubles import Troubles

MOST_REFUSALS = 3
"""Turns in a row that the server may call wrong before their change is left out."""
MOST_TRIES = 20
"""Turns in a row that may fail in any other way; with the waits between them, some ten minutes."""
LAST_CHANCE = 3.0
"""Seconds that a stopping program waits for a server that is away."""
_ANSWERS = frozenset({Status.COMPLETED, Status.INCOMPLETE})

QUIET = 3.0
"""Seconds without a change after which the older notes are summed up."""
_LOOK_AGAIN = 60.0
"""Seconds after which a wait for the budget is reckoned again."""

GiveBack = Callable[[Shot], bool]
Fallback = Callable[[], Awaitable[Sessions]]


def keep(_shot: Shot) -> bool:
    """The way back of a shot where there is none."""
    return False


@attrs.frozen(eq=False)
class Turns:
    """Shows one shot after the other to whichever session is in use."""

    sessions: Sessions
    outbox: trio.abc.SendChannel[NoteDelta]
    model: str = attrs.field(kw_only=True)
    instructions: str = attrs.field(kw_only=True)
    patience: float = attrs.field(kw_only=True)
    admission: Admission = attrs.field(kw_only=True)
    fallback: Fallback = attrs.field(kw_only=True)
    """The local model's sessions, for when the money is spent."""
    numbers: Iterator[int] = attrs.field(kw_only=True)
    """Of the turns."""
    memory: Memory = attrs.field(kw_only=True)
    backoff: Backoff = attrs.field(kw_only=True)
    troubles: Troubles = attrs.field(kw_only=True)
    curtain: Curtain = attrs.field(kw_only=True)
    give_back: GiveBack = attrs.field(kw_only=True)
    stop: trio.Event | None = attrs.field(kw_only=True)

    async def serve(self, inbox: trio.abc.ReceiveChannel[Shot]) -> None:
        """Until the inbox ends, or the program stops while the server is away.

        Raises:
            ServiceError: nothing will be answered any more.
        """
        shot: Shot | None = None
        while True:
            if not await self._is_admitted():
                await self._withhold(shot, inbox)
                return
            if not await self._has_session(await self._chosen()):
                await self._leave(shot)
                return
            if shot is None:
                try:
                    shot = await self._next(inbox)
                except trio.EndOfChannel:
                    return
            # While nothing happened on the screen, money came in or the session went.
            booking = await self._booked(shot) if self.admission.wait() == 0.0 else None
            link = (await self._chosen()).current
            if link is None or booking is None:
                self.admission.cancel(booking)
                shot = self._as_of_now(shot)
                continue
            if self.curtain.hides(shot.change):
                self.admission.cancel(booking)
                await self._hidden(shot)
                shot = None
                continue
            trouble = await self._turn(link, shot, booking)
            shot = self._as_of_now(shot) if trouble is not None else None
            if trouble is not None and link.trouble is None:
                await self._pause(trouble)

    async def _is_admitted(self) -> bool:
        """Wait until a turn fits into the budget; False if none ever will, or the program stops."""
        while (wait := self.admission.wait()) > 0.0:
            if math.isinf(wait) or (self.stop is not None and self.stop.is_set()):
                return False
            await self._sleep(min(wait, _LOOK_AGAIN))
        return True

    async def _next(self, inbox: trio.abc.ReceiveChannel[Shot]) -> Shot:
        """The next shot; when none comes for a while, the older notes are summed up meanwhile."""
        while self.memory.wants_summary:
            with trio.move_on_after(QUIET):
                return await inbox.receive()
            if not self.curtain.closed:
                await self._sum_up()
        return await inbox.receive()

    async def _sum_up(self) -> None:
        """Let a summary take the place of the older notes, or nothing if there is none."""
        turn, summary = Turn(self.memory.text(), SUMMARIZE, []), ""
        texts = (self.instructions, turn.notes, turn.caption)
        booking = await self.admission.book(self.admission.size_of(texts))
        link = self.sessions.current
        if link is None or booking is None or booking.is_local:
            self.admission.cancel(booking)
        else:
            end = await self._answer(link, turn, _not_shown)
            self.admission.settle(booking, _usage(end))
            if isinstance(end, AnswerEnded) and end.status in _ANSWERS:
                summary = end.text
        self.memory.rebase(summary)

    async def _chosen(self) -> Sessions:
        return await self.fallback() if self.admission.is_local else self.sessions

    async def _booked(self, shot: Shot) -> Booking | None:
        size = self.admission.size(shot, self.instructions, self.memory.text())
        return await self.admission.book(size)

    async def _withhold(self, shot: Shot | None, inbox: trio.abc.ReceiveChannel[Shot]) -> None:
        """Nothing is asked any more: say so of each shot until there are no more."""
        if shot is not None:
            await self.outbox.send(self._unasked(shot, Status.WITHHELD))
        async for each in inbox:
            await self.outbox.send(self._unasked(each, Status.WITHHELD))

    async def _hidden(self, shot: Shot) -> None:
        """It was seen before a pause: it goes back to wait for its end, or is left out."""
        if not self.give_back(shot):
            nothing = Shot(shot.change, (), "", withheld=True)
            await self.outbox.send(self._unasked(nothing, Status.WITHHELD))

    async def _has_session(self, sessions: Sessions) -> bool:
        """Wait for one; False if the program stops meanwhile."""
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                if self.stop is not None:
                    nursery.start_soon(_cancel_after, self.stop, scope)
                await sessions.ready()
                nursery.cancel_scope.cancel()
        return not scope.cancelled_caught

    def _as_of_now(self, shot: Shot) -> Shot | None:
        """Give a shot back, for it has grown old; without a way back it is shown as it is."""
        return None if self.give_back(shot) else shot

    async def _turn(self, link: Link, shot: Shot, booking: Booking) -> Trouble | None:
        """Ask once; why to ask again, None if the shot is done with."""
        model = LOCAL if booking.is_local else self.model
        session, number = link.session.id, next(self.numbers)
        begin = NoteDelta(shot, "", 0.0, 0.0, session=session, model=model, turn=number)
        said = False

        async def on_text(event: TextArrived) -> None:
            nonlocal said
            said = True
            now = trio.current_time()
            delta = attrs.evolve(begin, text=event.text, time=now, sent_time=link.sent_time)
            await self.outbox.send(delta)

        end = await self._asked(link, shot, booking, on_text)
        usd = self.admission.settle(booking, _usage(end))
        begin = attrs.evolve(begin, usd=usd, sent_time=link.sent_time)
        if isinstance(end, AnswerEnded) and end.status in _ANSWERS:
            self._remember(shot, end)
            await self.outbox.send(self._end(begin, end.status, end))
            return None
        trouble = end.trouble or Trouble("cancelled", "the server cancelled the answer")
        if self._is_hopeless(link, trouble):
            await self.outbox.send(self._end(begin, Status.FAILED, end))
            return None
        if said:
            await self.outbox.send(self._end(begin, Status.WITHDRAWN, end))
        return trouble

    async def _asked(
        self, link: Link, shot: Shot, booking: Booking, on_text: OnText
    ) -> AnswerEnded | Refused:
        jpegs = [each.jpeg for each in shot.pictures]
        details = [each.view.detail for each in shot.pictures]
        turn = Turn(self.memory.text(), shot.caption, jpegs, details)
        try:
            return await self._answer(link, turn, on_text)
        except Exception:
            # The stage starts again, and shall meet it again.
            self.give_back(shot)
            self.admission.settle(booking, None)
            raise

    async def _answer(self, link: Link, turn: Turn, on_text: OnText) -> AnswerEnded | Refused:
        try:
            return await link.ask(turn, on_text, self.patience)
        except ConnectionLostError as error:
            return Refused(error.trouble)

    def _remember(self, shot: Shot, end: AnswerEnded) -> None:
        self.backoff.reset()
        self.troubles.finished()
        if not is_nothing(end.text):
            self.memory.add(clock(shot.change.frame.wall_time), end.text)

    def _is_hopeless(self, link: Link, trouble: Trouble) -> bool:
        """Tell of a failed turn, and judge whether the change is left out.

        What went wrong with the session is told by who opens the next one.

        Raises:
            ServiceError: nothing will be answered any more.
        """
        if trouble.cure is Cure.STOP:
            raise self.troubles.final(trouble)
        failed = self.troubles.turn_failed(trouble)
        if failed > 1 and trouble.is_internal:
            # The same session failed before: another one may be better off.
            link.lose(attrs.evolve(trouble, cure=Cure.RECONNECT))
        most = MOST_REFUSALS if trouble.is_refusal else MOST_TRIES
        hopeless = trouble.cure is Cure.DROP or failed % most == 0
        if hopeless:
            self.troubles.tell(trouble, Cure.DROP.value)
        elif link.trouble is None:
            self.troubles.tell(trouble)
        return hopeless

    async def _pause(self, trouble: Trouble) -> None:
        """Wait as long as the service says, and longer each time; a stop ends the wait."""
        await self._sleep(max(trouble.wait or 0.0, self.backoff.next()))

    async def _sleep(self, seconds: float) -> None:
        if self.stop is None or self.stop.is_set():
            await trio.sleep(seconds if self.stop is None else min(seconds, 1.0))
            return
        with trio.move_on_after(seconds):
            await self.stop.wait()

    async def _leave(self, shot: Shot | None) -> None:
        away = Trouble("stopped", "the model's server is away", cure=Cure.DROP)
        self.troubles.tell(away, "what changed last is not answered")
        if shot is not None:
            await self.outbox.send(self._unasked(shot, Status.FAILED, str(away)))

    def _end(self, begin: NoteDelta, status: Status, end: AnswerEnded | Refused) -> NoteDelta:
        # The detail goes into files and to other services, and servers repeat keys.
        detail = "" if end.trouble is None else self.troubles.scrubbed(end.trouble)
        ended = attrs.evolve(begin, time=trio.current_time(), status=status, detail=detail)
        if isinstance(end, AnswerEnded):
            return attrs.evolve(ended, text=end.text, usage=end.usage)
        return ended

    def _unasked(self, shot: Shot, status: Status, detail: str = "") -> NoteDelta:
        now, number = trio.current_time(), next(self.numbers)
        return NoteDelta(shot, "", now, now, status, model=self.model, detail=detail, turn=number)


async def _not_shown(_event: TextArrived) -> None:
    await trio.lowlevel.checkpoint()


async def _cancel_after(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    await trio.sleep(LAST_CHANCE)
    scope.cancel()


def _usage(end: AnswerEnded | Refused) -> Usage | None:
    """What an answer was billed, None where nobody knows.

    A request that was refused, and an answer that failed without a usage, cost nothing.
    """
    if isinstance(end, AnswerEnded):
        lost = end.status in _ANSWERS and not end.usage.input_tokens
        return None if lost else end.usage
    return Usage() if end.trouble.cure in {Cure.WAIT, Cure.STOP} or end.ends_turn else None
