"""Shows each shot to a Realtime model and passes its words on as they arrive."""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

import attrs
import trio

from hud.address import host_of, is_loopback, without_query
from hud.condition import Condition
from hud.errors import UnsetError, UsageError, unwrapped
from hud.items import NoteDelta, Shot
from hud.privacy.curtain import Curtain
from hud.realtime.backoff import Backoff
from hud.realtime.budget import Budget
from hud.realtime.memory import Memory
from hud.realtime.models import FREE, MODELS, Price
from hud.realtime.prompt import INSTRUCTIONS
from hud.realtime.requests import SESSION_FIELDS, SessionOptions
from hud.stage import OptionError, between, given, one_of, option, silent, subset_of, variable
from stages.send.admission import Admission
from stages.send.connection import Dial, open_connection
from stages.send.dial import dial
from stages.send.endpoint import (
    LOCAL,
    are_headers,
    is_endpoint,
    key_header,
    names_alone,
    with_model,
)
from stages.send.link import Connect
from stages.send.sessions import Sessions
from stages.send.troubles import Troubles
from stages.send.turns import Fallback, GiveBack, Turns, keep

EFFORTS = ("minimal", "low", "medium", "high", "xhigh")
OpenLocal = Callable[[], contextlib.AbstractAsyncContextManager[tuple[str, str]]]


@attrs.frozen
class Realtime:
    """One turn after the other with a Realtime model, over as many sessions as it takes."""

    url: str = option(
        LOCAL,
        meaning="local, or the address of a Realtime server (wss://api.openai.com/v1/realtime)",
        check=is_endpoint,
        secret=True,
        shown=without_query,
    )
    model: str = option("gpt-realtime-1.5", meaning="the model; the local server has only one")
    api_key_env: str = variable(
        "OPENAI_API_KEY", meaning="name of the environment variable that holds the key"
    )
    key_header: str = option(
        "bearer",
        meaning="how the key is sent: bearer (Authorization), api-key (Azure), or none",
        check=one_of("bearer", "api-key", "none"),
    )
    headers: Mapping[str, str] = option(
        attrs.Factory(dict),
        meaning="further headers, such as {OpenAI-Project: proj_1}; no keys",
        check=are_headers,
        secret=True,
        shown=names_alone,
    )
    instructions: str = option(INSTRUCTIONS, meaning="what the model is told to do")
    max_output_tokens: int = option(
        300, meaning="tokens of one note, at most", check=between(16, 4096)
    )
    reasoning: str | None = option(
        None,
        meaning="minimal, low, medium, high or xhigh, for models that reason (gpt-realtime-2*)",
        check=one_of(*EFFORTS),
    )
    answer_timeout: float = option(
        30.0, meaning="seconds until a turn without an end is asked again", check=between(1, 600)
    )
    conversation: str = option(
        "none",
        meaning="none (each turn stands alone) or auto (turns go to the server's conversation)",
        check=one_of("none", "auto"),
    )
    match_answers: str = option(
        "metadata",
        meaning="how answers are told apart: metadata, or order where a server repeats none",
        check=one_of("metadata", "order"),
    )
    session_fields: tuple[str, ...] = option(
        SESSION_FIELDS,
        meaning="what a session is told; leave out what a compatible server does not know",
        check=subset_of(*SESSION_FIELDS),
    )
    price: Price | None = option(
        None,
        meaning="dollars per million tokens, for models `hud models` does not list: "
        "{text, cached_text, image, cached_image, output}",
    )
    price_as: str | None = option(
        None,
        meaning="a listed model with the same price, such as that of an Azure deployment",
        check=one_of(*MODELS),
    )
    free: bool = option(False, meaning="true for a server that costs nothing")
    key: str = given("")
    numbers: Iterator[int] = given(attrs.Factory(lambda: itertools.count(1)))
    """Of the turns; they go on when the stage starts again."""
    memory: Memory = given(attrs.Factory(Memory))
    backoff: Backoff = given(attrs.Factory(lambda: Backoff(random.random)))
    troubles: Troubles = given(attrs.Factory(Troubles))
    curtain: Curtain = given(attrs.Factory(Curtain))
    """What must not be sent for it was seen before a pause."""
    give_back: GiveBack = given(keep)
    """Where a shot that was not answered goes, to come again as of the present."""
    admission: Admission | None = given(None)
    """The budget; None: there is no limit."""
    open_local: OpenLocal | None = given(None)
    """Starts the local model for when the money is spent; its address and key."""
    condition: Condition = given(attrs.Factory(Condition))
    """Told whether there is a session."""
    woken: Callable[[], Awaitable[None]] = given(trio.sleep_forever)
    """Returns when the machine has slept."""
    stop: trio.Event | None = given(None)
    """Set when the program ends."""
    dial: Dial = given(dial)
    wall: Callable[[], float] = given(time.time)

    def __attrs_post_init__(self) -> None:
        known = MODELS.get(self.model)
        if self.reasoning is not None and known is not None and not known.reasons:
            raise OptionError("reasoning", f"{self.reasoning!r} is not taken by {self.model}")

    @property
    def is_local(self) -> bool:
        """Whether the program brings the server along."""
        return self.url == LOCAL

    @property
    def can_summarize(self) -> bool:
        """Whether notes can be summed up: not by the local model, nor within a conversation."""
        return not self.is_local and self.conversation == "none"

    @property
    def model_name(self) -> str:
        """Who writes the notes, for the user."""
        return "the local model" if self.is_local else self.model

    @property
    def host(self) -> str:
        """Where the model is; "" on this machine."""
        return "" if self.is_local else host_of(self.url)

    def tariff(self) -> Price:
        """What the model costs.

        Raises:
            UsageError: nobody said so.
        """
        if self.is_local or self.free:
            return FREE
        if self.price is not None:
            return self.price
        known = MODELS.get(self.price_as or self.model)
        if known is None:
            raise UsageError(
                f"no price is known for {self.model}: say realtime.price_as, realtime.price or "
                "realtime.free; `hud models` lists the known ones"
            )
        return known.price

    def preflight(self) -> None:
        """Check that there is a key, and a price.

        Raises:
            UsageError: names what is missing.
        """
        self.tariff()
        if self.is_local or self.key or self.key_header == "none":
            return
        if is_loopback(host_of(self.url)):
            hint = "or say realtime.key_header: none if the server wants no key"
        else:
            hint = "or choose the local model with --set realtime.url=local"
        raise UnsetError(f"no API key: set the environment variable {self.api_key_env}, {hint}")

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Shot], outbox: trio.abc.SendChannel[NoteDelta]
    ) -> None:
        """Keep a session ready and show it one shot after the other.

        Raises:
            ServiceError: the server said something that only the user can cure.
        """
        with unwrapped():
            async with trio.open_nursery() as nursery:
                sessions, admission = self.sessions(), self.admission or self._unlimited()
                nursery.start_soon(sessions.keep, name="sessions")
                nursery.start_soon(admission.keep_up, name="spending")
                fallback = _Fallback(self, nursery).sessions
                await self._turns(sessions, outbox, fallback, admission).serve(inbox)
                nursery.cancel_scope.cancel()

    def _turns(
        self,
        sessions: Sessions,
        outbox: trio.abc.SendChannel[NoteDelta],
        fallback: Fallback,
        admission: Admission,
    ) -> Turns:
        return Turns(
            sessions,
            outbox,
            model=self.model,
            instructions=self.instructions,
            patience=self.answer_timeout,
            admission=admission,
            fallback=fallback,
            numbers=self.numbers,
            memory=self.memory,
            backoff=self.backoff,
            troubles=self.troubles,
            curtain=self.curtain,
            give_back=self.give_back,
            stop=self.stop,
        )

    def _unlimited(self) -> Admission:
        return Admission(Budget([]), FREE, self.max_output_tokens, silent, wall=self.wall)

    def sessions(self) -> Sessions:
        """Sessions of this server, not opened yet."""
        return Sessions(
            self.connect(),
            self.session_options(),
            self.troubles,
            self.backoff,
            self.wall,
            self.condition,
            self.woken,
        )

    def connect(self) -> Connect:
        """How to connect to this server."""
        url = with_model(self.url, self.model)
        headers = {**self.headers, **key_header(self.key_header, self.key)}
        return functools.partial(open_connection, url, headers, self.dial)

    def session_options(self) -> SessionOptions:
        """What its sessions are told."""
        return SessionOptions(
            self.instructions,
            self.max_output_tokens,
            self.reasoning,
            in_conversation=self.conversation == "auto",
            by_metadata=self.match_answers == "metadata",
            fields=frozenset(self.session_fields),
        )


class _Fallback:
    """The local model's sessions, started when they are first needed."""

    def __init__(self, sender: Realtime, nursery: trio.Nursery) -> None:
        self._sender = sender
        self._nursery = nursery
        self._sessions: Sessions | None = None

    async def sessions(self) -> Sessions:
        if self._sessions is None:
            self._sessions = await self._nursery.start(self._hold, name="local model")
        return self._sessions

    async def _hold(self, *, task_status: trio.TaskStatus[Sessions]) -> None:
        assert self._sender.open_local is not None
        async with self._sender.open_local() as (url, key):
            sessions = Realtime(
                url=url,
                instructions=self._sender.instructions,
                key=key,
                troubles=self._sender.troubles,
                dial=self._sender.dial,
            ).sessions()
            task_status.started(sessions)
            await sessions.keep()
