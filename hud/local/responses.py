"""The responses of one session: what each is shown, what it costs, how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

import attrs
import orjson

from hud.local import settings
from hud.local.allowance import Allowance
from hud.local.answer import Answer, Event, Response
from hud.local.conversation import Conversation, Item, item, truncated
from hud.local.model import NO_PICTURE, Sight
from hud.local.rules import RefusedError
from hud.local.settings import Settings
from hud.local.validation import MOST_OUTPUT
from hud.realtime.bill import Count, Request, Segment, cached, counted, usage
from hud.realtime.prompt import NOTHING

MOST_ASIDE = 8
"""Out-of-band responses at the same time; they hold their pictures in memory."""


@attrs.frozen(eq=False)
class Ask:
    """An answer that has to be found; it is handed back with `answer` or `fail`."""

    response_id: str
    sights: tuple[Sight, ...]


@attrs.frozen(eq=False)
class Reply:
    """What one message leads to."""

    events: tuple[Event, ...] = ()
    """To be sent, in this order."""
    ask: Ask | None = None
    dropped: str | None = None
    """The response whose answer nobody waits for any longer."""


@attrs.define(eq=False)
class Responses:
    """The responses that run, and what earlier ones leave behind; times are in seconds."""

    session: str
    model: str
    conversation: Conversation
    allowance: Allowance
    make_id: Callable[[str], str]
    running: dict[str, Response] = attrs.field(factory=dict)
    looked: set[Item] = attrs.field(factory=set)
    """Whose pictures the model has seen in a completed response of the conversation."""
    requests: deque[Request] = attrs.field(factory=lambda: deque(maxlen=4))
    """The latest requests, as a cache of prompts would know them."""

    @property
    def active(self) -> Response | None:
        """The one that will write to the conversation."""
        return next((one for one in self.running.values() if one.conversation_id), None)

    def create(self, session: Settings, asked: Settings, now: float) -> Reply:
        """Begin a response with the parameters `asked`; RefusedError if it cannot be."""
        aside = asked.get("conversation") == "none"
        self._check_idle(aside)
        chosen = settings.for_response(session, asked)
        fixed = tuple(_fixed(chosen))
        context = self._context(asked.get("input"), counted(fixed).total, session["truncation"])
        request = (*fixed, *chain.from_iterable(one.segments for one in context))
        response = Response(
            self.make_id("resp"),
            None if aside else f"conv{self.session.removeprefix('sess')}",
            chosen,
            counted(request),
            cached(request, self.requests),
            () if aside else tuple(context),
        )
        created = {"type": "response.created", "response": response.wire("in_progress")}
        refused = self._over_limit(response, now)
        if refused is not None:
            return self._end(created, refused, now=now)
        self.requests.append(request)
        self.allowance.spend(response.given.total, now)
        everything = aside and asked.get("input") is not None
        return self._begin(response, created, context, everything, now)

    def answer(self, response_id: str, text: str, now: float) -> Reply:
        """Send the answer to an `Ask`; nothing if the response was cancelled meanwhile."""
        response = self.running.pop(response_id, None)
        if response is None:
            return Reply()
        return self._end(*self._say(response, text.strip() or NOTHING, now), now=now)

    def fail(self, response_id: str, message: str, now: float) -> Reply:
        """End a response because the model failed; nothing if it was cancelled meanwhile."""
        response = self.running.pop(response_id, None)
        if response is None:
            return Reply()
        return self._end(_failed(response, "server_error", None, message), now=now)

    def cancel(self, wanted: str | None, now: float) -> Reply:
        """End the response of this id, or the conversation's; RefusedError if it does not run."""
        response = self.active if wanted is None else self.running.get(wanted)
        if response is None:
            message = "Cancellation failed: no active response"
            raise RefusedError("response_cancel_not_active", message)
        del self.running[response.id]
        details = {"reason": "client_cancelled"}
        done = response.wire("cancelled", details, (), response.bill(0))
        reply = self._end({"type": "response.done", "response": done}, now=now)
        return attrs.evolve(reply, dropped=response.id)

    def forget(self, item: Item) -> None:
        """Take an item out of the conversation."""
        self.conversation.remove(item)
        self.looked.discard(item)

    def _check_idle(self, aside: bool) -> None:
        if self.active is not None and not aside:
            message = (
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RefusedError("conversation_already_has_active_response", message)

    def _context(
        self,
        given: Iterable[Mapping[str, Any]] | None,
        fixed: int,
        truncation: str | Mapping[str, Any],
    ) -> list[Item]:
        limit = settings.context(self.model)
        if given is not None:
            return truncated(list(self._inputs(given)), fixed, limit, truncation)
        visible = self.conversation.visible()
        kept = truncated(visible, fixed, limit, truncation)
        self.conversation.outside.update(visible[: len(visible) - len(kept)])
        return kept

    def _inputs(self, given: Iterable[Mapping[str, Any]]) -> Iterable[Item]:
        for index, one in enumerate(given):
            path = f"response.input[{index}]"
            if one["type"] != "item_reference":
                yield item(one, self.make_id("item"), path)
                continue
            found = self.conversation.find(one["id"])
            if found is None:
                message = f"The item with id '{one['id']}' does not exist."
                raise RefusedError("invalid_value", message, f"{path}.id")
            yield found

    def _over_limit(self, response: Response, now: float) -> Event | None:
        if len(self.running) > MOST_ASIDE:
            message = f"Rate limit reached: {MOST_ASIDE} at once. Please try again in 1s."
            return _failed(response, "requests", "rate_limit_exceeded", message)
        requested = response.given.total + (response.most or MOST_OUTPUT)
        wait = self.allowance.wait(requested, now)
        if wait <= 0:
            return None
        message = (
            f"Rate limit reached for {self.model} on tokens per min (TPM): "
            f"Limit {self.allowance.limit}, Used {self.allowance.used(now)}, "
            f"Requested {requested}. Please try again in {wait:.3f}s."
        )
        return _failed(response, "tokens", "rate_limit_exceeded", message)

    def _begin(
        self,
        response: Response,
        created: Event,
        context: Iterable[Item],
        everything: bool,
        now: float,
    ) -> Reply:
        pictured = [one for one in context if one.pictures]
        fresh = [one for one in pictured if everything or one not in self.looked]
        if not fresh:
            text = NOTHING if pictured else NO_PICTURE
            return self._end(created, *self._say(response, text, now), now=now)
        self.running[response.id] = response
        sights = tuple(chain.from_iterable(one.sights for one in fresh))
        return Reply((created,), Ask(response.id, sights))

    def _say(self, response: Response, text: str, now: float) -> Iterable[Event]:
        said = Answer.to(response, self.make_id("item"), text)
        previous = None
        if response.conversation_id is not None:
            previous = self.conversation.insert(said.item, None)
            self.looked.update(response.shown)
            self.looked.intersection_update(self.conversation.items)
        self.allowance.spend(said.tokens, now)
        return said.events(previous)

    def _end(self, *events: Event, now: float) -> Reply:
        limits = {"type": "rate_limits.updated", "rate_limits": self.allowance.wire(now)}
        return Reply((*events, limits))


def _fixed(chosen: Settings) -> Iterable[Segment]:
    """What stands before the conversation in every request."""
    if chosen["tools"]:
        yield Segment.of_text(orjson.dumps(chosen["tools"]).decode())
    if chosen["instructions"]:
        yield Segment.of_text(chosen["instructions"])


def _failed(response: Response, kind: str, code: str | None, message: str) -> Event:
    details = {"error": {"type": kind, "code": code, "message": message}}
    wire = response.wire("failed", details, (), usage(Count(), Count(), 0))
    return {"type": "response.done", "response": wire}
