"""Lets a turn begin when its cost fits into the budget, and books what it cost."""

from __future__ import annotations

import collections
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs
import trio

from hud.condition import Condition
from hud.items import Shot, Usage, clock
from hud.realtime.budget import PATIENCE, Budget, Reservation, Step
from hud.realtime.cover import Cover
from hud.realtime.forecast import Forecast, Size
from hud.realtime.models import Price, cost
from hud.realtime.tokens import text_tokens, view_tokens
from hud.threads import in_thread

KEEP_AGAIN = 5.0
"""Seconds after which it is tried again to keep what is spent."""
AHEAD = 2
"""Turns that the file covers before they begin: one is asked while the next are written down."""
_RECENT = 8
"""Turns of which the dearest says what one may need."""
_LAST_WRITE = 1.0
"""Seconds that a program which ends gives the disk."""
_NOTHING = Reservation(0.0, 0.0)
_SHARES = {Step.FULL: 1.0, Step.SMALLER: 0.7, Step.WORDS: 0.5, Step.LOCAL: 0.0}
"""What a turn is likely to cost at each step, as part of a full one, until it is known."""
_FIRST = Size(2500, 323)
"""What a turn may hold, before there was one."""


class Keeper(Protocol):
    """Keeps the spending across runs."""

    def state(self) -> tuple[int, str]:
        """What to keep, and its number."""

    def save(self, state: tuple[int, str]) -> None:
        """Keep it; called in a thread."""


@attrs.frozen
class Booking:
    """A turn that was admitted."""

    size: Size
    reserved: Reservation
    is_local: bool
    """Whether the local model is asked."""


@attrs.define(eq=False)
class Admission:
    """The budget of one run at work."""

    budget: Budget
    price: Price
    max_output_tokens: int
    say: Callable[[str], None]
    keeper: Keeper | None = None
    strict: bool = False
    """Whether nothing may be spent that is not kept, for a limit reaches beyond this run."""
    wall: Callable[[], float] = time.time
    """Seconds since the epoch."""
    clock: Callable[[], float] = trio.current_time
    """Seconds on a clock that nobody can set."""
    condition: Condition = attrs.field(factory=Condition)
    """Told whether there is money for a turn."""
    spent: float = 0.0
    """Dollars in this run."""
    _forecast: Forecast = attrs.field(init=False)
    _likely: dict[Step, Reservation] = attrs.field(init=False)
    _started: tuple[float, float] | None = None
    _told_step: Step = Step.FULL
    _told_end: bool = False
    _unkept: str = ""
    """Why what is spent cannot be kept."""
    _closed_until: float = -math.inf
    """When it is tried again to keep it."""
    _cover: Cover = attrs.field(init=False, factory=Cover)
    _needs: collections.deque[Reservation] = attrs.field(init=False)
    """Of the latest turns."""
    _one_writes: trio.Lock = attrs.field(init=False, factory=trio.Lock)
    _changed: trio.Event = attrs.field(init=False, factory=trio.Event)
    """Set when what is kept is no longer what is spent."""

    def __attrs_post_init__(self) -> None:
        self._forecast = Forecast(self.price, self.max_output_tokens)
        full = self._forecast.reservation(_FIRST)
        self._needs = collections.deque([full], _RECENT)
        self._likely = {
            step: Reservation(full.usd * share, full.tokens * share)
            for step, share in _SHARES.items()
        }

    @property
    def is_local(self) -> bool:
        """Whether the next turn goes to the local model."""
        return self.budget.step is Step.LOCAL

    @property
    def now(self) -> float:
        """Seconds since the epoch, on a clock that nobody can set while the program runs."""
        wall, start = self._started = self._started or (self.wall(), self.clock())
        return wall + self.clock() - start

    def wait(self) -> float:
        """Choose how the next turn is made; seconds until it may begin, inf for never again."""
        wait = max(self.budget.choose(self.now, self._likely), self._closed_until - self.now)
        self._tell(wait)
        if self._unkept and self.strict:
            self.condition.fails(f"what is spent cannot be kept: {self._unkept}")
        elif wait > PATIENCE:
            again = "" if math.isinf(wait) else f"; again at {clock(self.wall() + wait)[:5]}"
            self.condition.fails(self._state() + again)
        else:
            self.condition.works()
        return wait

    def size(self, shot: Shot, *texts: str) -> Size:
        """What a turn about a shot holds, by our rules of counting."""
        image = sum(view_tokens(picture.view) for picture in shot.pictures)
        return attrs.evolve(self.size_of([*texts, shot.caption]), image_tokens=image)

    def size_of(self, texts: Sequence[str]) -> Size:
        """What a turn of nothing but text holds."""
        return Size(sum(map(text_tokens, texts)), 0)

    async def book(self, size: Size) -> Booking | None:
        """Reserve what a turn may cost; None if that does not fit after all."""
        if self.is_local:
            return Booking(size, Reservation(0.0, 0.0), is_local=True)
        need = self._forecast.reservation(size)
        self._likely[self.budget.step] = need
        if self.budget.wait(self.now, need) > 0.0:
            return None
        self.budget.reserve(need)
        self._cover.add(need)
        self._needs.append(need)
        if not await self._is_covered() and self.strict:
            self._end(need, _NOTHING)
            self._closed_until = self.now + KEEP_AGAIN
            return None
        return Booking(size, need, is_local=False)

    def settle(self, booking: Booking, usage: Usage | None) -> float:
        """Book what a turn cost, in dollars; None: nobody knows, so it is what was reserved."""
        if booking.is_local:
            return 0.0
        spent = booking.reserved
        if usage is not None:
            tokens = usage.input_tokens + usage.output_tokens
            spent = Reservation(cost(usage, self.price), tokens)
            self._forecast.learn(booking.size, usage)
        self._end(booking.reserved, spent)
        self.spent += spent.usd
        return spent.usd

    def cancel(self, booking: Booking | None) -> None:
        """The turn was not asked after all."""
        if booking is not None:
            self._end(booking.reserved, _NOTHING)

    async def keep_up(self) -> None:
        """Write down what is spent whenever it changes, and some turns ahead, until cancelled.

        On the way out, exactly what is spent.
        """
        if self.keeper is None:
            return
        try:
            while True:
                self._changed = trio.Event()
                await self._keep(AHEAD)
                await self._changed.wait()
        finally:
            with trio.move_on_after(_LAST_WRITE, shield=True):
                await self._keep(0)

    def _end(self, reserved: Reservation, spent: Reservation) -> None:
        self.budget.settle(self.now, reserved, spent)
        self._cover.add(spent, reserved)
        self._changed.set()

    async def _is_covered(self) -> bool:
        """Whether the file has what was begun: whoever is killed now has spent it.

        Where no limit reaches beyond the run, nobody waits for that.
        """
        if self.keeper is None or self._cover.holds:
            return True
        if not any(math.isfinite(each.most + each.period) for each in self.budget.limits):
            self._changed.set()
            return True
        return await self._keep(AHEAD)

    async def _keep(self, turns: int) -> bool:
        """Write down what is spent, and so many turns ahead; False while that is not possible."""
        if self.keeper is None:
            return True
        async with self._one_writes:
            dearest = [max(need.usd for need in self._needs), max(n.tokens for n in self._needs)]
            ahead = self.budget.look_ahead(self.now, Reservation(*(turns * n for n in dearest)))
            aim, save, state = self._cover.writing(ahead), self.keeper.save, self.keeper.state()
            try:
                await in_thread(save, state)
            except OSError as error:
                self._cannot_keep(error.strerror or str(error))
                return False
            self._cover.wrote(aim)
        if self._unkept:
            self.say("what is spent is kept again")
        self._unkept = ""
        return True

    def _cannot_keep(self, reason: str) -> None:
        if not self._unkept:
            then = "; nothing is sent until it can" if self.strict else ""
            self.say(f"what is spent cannot be kept: {reason}{then}")
        self._unkept = reason

    def _tell(self, wait: float) -> None:
        step = self.budget.step
        if step is not self._told_step:
            self._told_step = step
            self.say(f"budget: {self._state()}; from now on {step.meaning}")
        if math.isinf(wait) and not self._told_end:
            self._told_end = True
            self.say(f"budget: {self._state()}; nothing more is sent")

    def _state(self) -> str:
        parts = [
            f"${limit.spent(self.now):.2f} of ${limit.most:.2f} a {limit.name}"
            for limit in self.budget.limits
            if not math.isinf(limit.most) and limit.name != "minute"
        ]
        return ", ".join(parts) or "tokens are short"
