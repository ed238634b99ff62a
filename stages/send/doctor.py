"""Tries a server with one turn, and reports what came of each step."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable

import attrs
import cv2
import numpy as np
import trio

from hud.address import host_of
from hud.errors import ConnectionLostError, ServiceError, unwrapped
from hud.items import Status, Usage, clock
from hud.realtime import caption
from hud.realtime.events import AnswerEnded, Refused, TextArrived
from hud.realtime.models import FREE, cost
from hud.realtime.requests import Turn
from hud.realtime.tokens import image_tokens
from hud.realtime.trouble import Cure, Trouble
from hud.rect import Rect
from stages.send.link import Link, Wire, open_link
from stages.send.realtime import Realtime
from stages.send.sessions import LONGEST_LIFE

SIDE = 512
"""Pixels of the picture's sides: the smallest that certainly is not scaled."""
Report = Callable[[str, str], None]


async def examine(sender: Realtime, report: Report, *, free: bool) -> None:
    """Connect, configure a session, show it a word; `report` is given a step and its outcome.

    Raises:
        ServiceError: what went wrong, in the server's words, and what to do.
    """
    where = (
        "the local model"
        if free
        else f"{host_of(sender.url)}, model {sender.model}, {_key(sender)}"
    )
    report("server", where)

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[Wire]:
        began = trio.current_time()
        async with sender.connect()() as wire:
            report("handshake", f"{_since(began)}")
            yield wire

    with unwrapped():
        try:
            began = trio.current_time()
            async with open_link(connect, sender.session_options(), sender.troubles) as link:
                report("session", f"ready after {_since(began)}, {_end_of_life(link)}")
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(link.serve)
                    await _try_turn(sender, link, report, free=free)
                    nursery.cancel_scope.cancel()
        except ConnectionLostError as error:
            raise _final(sender, error.trouble) from None


async def _try_turn(sender: Realtime, link: Link, report: Report, *, free: bool) -> None:
    word = secrets.token_hex(3)
    words: list[float] = []

    async def on_text(_event: TextArrived) -> None:
        words.append(trio.current_time())
        await trio.lowlevel.checkpoint()

    began = trio.current_time()
    end = await link.ask(_turn(word), on_text, sender.answer_timeout)
    if isinstance(end, Refused) or end.status is not Status.COMPLETED:
        raise _final(sender, end.trouble or Trouble("no answer"))
    first = f"first word after {words[0] - began:.2f} s, " if words else ""
    report("answer", f"{first}finished after {_since(began)}: {end.text!r}")
    read = "was read" if word in end.text else "was not quoted"
    report("picture", f"the word {word} in it {read}")
    _report_bill(sender, end, report, free=free)
    for limit in link.session.limits:
        report("limit", f"{limit.name}: {limit.remaining} of {limit.limit} left")


def _report_bill(sender: Realtime, end: AnswerEnded, report: Report, *, free: bool) -> None:
    usage: Usage = end.usage
    rule = image_tokens(SIDE, SIDE)
    report(
        "tokens",
        f"{usage.image_tokens} for the picture (the rule of this program says {rule}), "
        f"{usage.text_tokens} of text, {usage.cached_tokens} of these cached, "
        f"{usage.output_tokens} of answer",
    )
    price = FREE if free else sender.tariff()
    report("price", "nothing" if price == FREE else f"${cost(usage, price):.5f} for this turn")


def _turn(word: str) -> Turn:
    pixels = np.full((SIDE, SIDE, 3), 255, np.uint8)
    cv2.putText(pixels, f"hud {word}", (60, 260), cv2.FONT_HERSHEY_DUPLEX, 2.0, (0, 0, 0), 2)
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    place = caption.write(clock(time.time()), 1, (SIDE, SIDE), [[Rect(0, 0, SIDE, SIDE)]])
    return Turn("", place, [jpeg])


def _key(sender: Realtime) -> str:
    if sender.key_header == "none":
        return "no key"
    return f"key from {sender.api_key_env}" if sender.key else f"no key in {sender.api_key_env}"


def _end_of_life(link: Link) -> str:
    seconds = link.session.expires_at - time.time()
    return f"ends in {seconds / 60:.0f} min" if 0 < seconds < LONGEST_LIFE else "no end announced"


def _since(began: float) -> str:
    return f"{trio.current_time() - began:.2f} s"


def _final(sender: Realtime, trouble: Trouble) -> ServiceError:
    return sender.troubles.final(attrs.evolve(trouble, cure=Cure.STOP))
