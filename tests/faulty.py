"""A Realtime server that does everything wrong that servers do, by schedule.

It answers a turn with `Saw ` and the bytes of the turn's last picture, so that a test can tell
which screen a note is about. It is strict: every client event must satisfy the official types.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
from collections.abc import Callable, Iterator

import attrs
import pydantic
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream

from tests.sdk import strict_client_event

STRANGER = "words of a stranger"
REPEATED = "Wrong for sk-very-secret-wxyz of org-acme1234"
"""What servers repeat in their messages."""


class GoneError(Exception):
    """This connection is over."""


@attrs.define
class Faulty:
    """Serves streams; `faults` names what happens at each turn, "" for nothing."""

    faults: Iterator[str] = attrs.field(factory=lambda: iter(()))
    refusals: list[int] = attrs.field(factory=list)
    """HTTP statuses with which the next upgrades are refused."""
    away: list[int] = attrs.field(factory=list)
    """The same, after the first fault."""
    lifetime: float = 0.0
    """Seconds; 0 tells no end."""
    wall: Callable[[], float] = lambda: 0.0
    think: float = 0.2
    answered: list[str] = attrs.field(factory=list)
    """What was in the pictures of the turns whose answer was sent to its end."""
    done: list[str] = attrs.field(factory=list)
    """The faults that happened."""
    sessions: int = 0
    invalid: list[str] = attrs.field(factory=list)
    requests: list[dict] = attrs.field(factory=list)
    keep_requests: bool = False
    fatal_at: float = 0.0
    """When a fatal fault happened, on trio's clock."""

    def name(self, pictures: list[bytes]) -> str:
        """What a turn's pictures show."""
        return pictures[-1].decode()

    async def serve(self, stream) -> None:
        """Take care of one connection until it ends."""
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with stream:
                try:
                    async with trio.open_nursery() as nursery:
                        request = await wrap_server_stream(nursery, stream, max_message_size=2**24)
                        await self._welcome(request, stream)
                        nursery.cancel_scope.cancel()
                except* (ConnectionClosed, GoneError):
                    pass

    async def _welcome(self, request: WebSocketRequest, stream) -> None:
        if self.refusals:
            status = self.refusals.pop(0)
            self.done.append(f"HTTP {status}")
            code = "invalid_api_key" if status == 401 else "busy"
            body = json.dumps({"error": {"code": code, "message": "key sk-...wxyz is no good"}})
            await request.reject(status, body=body.encode())
            return
        socket = await request.accept()
        self.sessions += 1
        await Conversation(self, socket, stream, f"sess_{self.sessions}").run()


@attrs.define
class Conversation:
    """One session."""

    server: Faulty
    socket: object
    stream: object
    name: str
    conversation: list[dict] = attrs.field(factory=list)
    number: int = 0
    current: str = ""

    async def say(self, kind, **fields) -> None:
        await self.socket.send_message(json.dumps({"type": kind, "event_id": "e"} | fields))

    async def run(self) -> None:
        life, wall = self.server.lifetime, self.server.wall()
        ends = {"expires_at": int(wall + life)} if life else {}
        await self.say("session.created", session={"id": self.name, "type": "realtime"} | ends)
        with trio.move_on_after(life or float("inf")):
            while True:
                await self._hear(json.loads(await self.socket.get_message()))
        await self._expire()

    async def _expire(self) -> None:
        await self._error("session_expired", "Your session hit the maximum duration.")
        await self.socket.aclose(1001, "Your session hit the maximum duration.")

    async def _error(self, code, message="", event_id=None) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message}
        await self.say("error", error=error | {"event_id": event_id, "param": None})

    async def _hear(self, event) -> None:
        try:
            strict_client_event(event)
        except pydantic.ValidationError as error:
            self.server.invalid.append(str(error))
        if self.server.keep_requests:
            self.server.requests.append(event)
        kind = event["type"]
        if kind == "session.update":
            await self.say("session.updated", session={"type": "realtime"})
        elif kind == "conversation.item.create":
            self.conversation.append(event["item"])
        elif kind == "conversation.item.delete":
            self.conversation = [i for i in self.conversation if i.get("id") != event["item_id"]]
        elif kind == "response.create":
            await self._turn(event, next(self.server.faults, ""))
        elif kind == "response.cancel":
            await self._done(self.current, status="cancelled")

    async def _turn(self, event, fault) -> None:
        self.number += 1
        if fault:
            self.server.done.append(fault)
            if fault in FATAL:
                self.server.fatal_at = trio.current_time()
            self.server.refusals += self.server.away
            self.server.away = []
        before = getattr(self, f"_{fault.partition(' ')[0]}", None) if fault else None
        if before is not None and await before(event, fault):
            return
        await self._answer(event, broken=fault == "half")

    async def _answer(self, event, *, broken=False) -> None:
        pictures = _pictures(event, self.conversation)
        seen = self.server.name(pictures) if pictures else "notes"
        await trio.sleep(self.server.think)
        identity = {"id": f"resp_{self.name}_{self.number}"}
        told = identity | {"metadata": event["response"].get("metadata")}
        self.current = json.dumps(told)
        await self.say("response.created", response=told | {"status": "in_progress"})
        words = f"Saw {seen}"
        for piece in (words[:5], words[5:]):
            await self.say("response.output_text.delta", response_id=identity["id"], delta=piece)
            if broken:
                await trio.aclose_forcefully(self.stream)
                raise GoneError
        await self._done(self.current, words)
        if pictures:
            self.server.answered.append(seen)

    async def _done(self, told, words="", status="completed", **more) -> None:
        message = {"type": "message", "content": [{"type": "output_text", "text": words}]}
        usage = {"input_tokens": 100, "output_tokens": 5}
        response = json.loads(told) | {"status": status, "output": [message], "usage": usage}
        await self.say("response.done", response=response | more)

    # The faults. True: the turn gets no answer.

    async def _cut(self, event, fault) -> bool:
        await trio.aclose_forcefully(self.stream)
        raise GoneError

    async def _close(self, event, fault) -> bool:
        await self.socket.aclose(int(fault.split()[1]), "as the schedule says")
        raise GoneError

    async def _expired(self, event, fault) -> bool:
        await self._expire()
        raise GoneError

    async def _failed(self, event, fault) -> bool:
        code = fault.split()[1]
        error = {
            "type": "tokens",
            "code": code,
            "message": f"{REPEATED}. Please try again in 1.5s.",
        }
        told = {"id": f"resp_{self.number}", "metadata": event["response"].get("metadata")}
        details = {"type": "failed", "error": error}
        await self._done(json.dumps(told), status="failed", status_details=details)
        return True

    async def _error_on_create(self, event, fault) -> bool:
        await self._error(fault.split()[1], f"{REPEATED} on create", event["event_id"])
        return True

    async def _mute(self, event, fault) -> bool:
        return True

    async def _stuck(self, event, fault) -> bool:
        told = {"id": f"resp_{self.number}", "metadata": event["response"].get("metadata")}
        self.current = json.dumps(told)
        await self.say("response.created", response=told | {"status": "in_progress"})
        text = {"response_id": told["id"], "delta": "Saw nothing yet"}
        await self.say("response.output_text.delta", **text)
        return True

    async def _rubbish(self, event, fault) -> bool:
        for message in ("{", "[1]", '"x"', b"\xff\xfe", b'{"type":"new"}', "", '{"type":7}'):
            await self.socket.send_message(message)
        return False

    async def _unknown(self, event, fault) -> bool:
        await self.say("brand.new", fields=[1, {"a": None}])
        await self.say("rate_limits.updated", rate_limits=[{"name": "tokens"}])
        await self.say("error", error={"type": "invalid_request_error", "message": "just so"})
        return False

    async def _stranger(self, event, fault) -> bool:
        other = {"id": "resp_other", "metadata": {"turn": "other"}, "status": "in_progress"}
        await self.say("response.output_text.delta", response_id="resp_none", delta=STRANGER)
        await self.say("response.created", response=other)
        await self.say("response.output_text.delta", response_id="resp_other", delta=STRANGER)
        await self._done(json.dumps(other), STRANGER)
        return False


RECOVERABLE = [
    "cut", "close 1000", "close 1001", "close 1011", "close 1013", "expired", "half", "mute",
    "failed rate_limit_exceeded", "failed server_error", "error_on_create invalid_value", "stuck",
    "error_on_create conversation_already_has_active_response", "rubbish", "unknown", "stranger",
    "error_on_create session_expired",
]  # fmt: skip
FATAL = ["failed insufficient_quota", "error_on_create model_not_found", "close 4000", "close 1008"]


def at_random(seed: int, share: float, most: int) -> Iterator[str]:
    """A fault at a share of the turns until there were so many, then none."""
    dice, left = random.Random(seed), most
    while left:
        fault = dice.choice(RECOVERABLE) if dice.random() < share else ""
        left -= bool(fault)
        yield fault


def _pictures(event, conversation) -> list[bytes]:
    items = event["response"].get("input") or conversation
    urls = [
        part["image_url"]
        for item in items
        for part in item["content"]
        if part["type"] == "input_image"
    ]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]
