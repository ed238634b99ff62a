"""The page, its stream of events and a small JSON API, for this machine and who knows the token.

Every program and every web page on this machine can connect to a loopback port. So the token
stands in the path, `Host` must be ours (a foreign name that resolves to 127.0.0.1 would make a
foreign page one of ours: DNS rebinding) and `Origin` too, where it is sent.
"""

from __future__ import annotations

import hmac
import importlib.resources
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
import orjson
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from stages.sink.web.board import Board

HEARTBEAT = 15.0
"""Seconds of silence after which a comment tells a dead connection from a quiet one."""
READERS = 50
"""Event streams at once, at most."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


Answer = Callable[[Request], Awaitable[Response]]


@attrs.define(eq=False)
class Pages:
    """Answers requests out of what stands on the board."""

    board: Board
    token: str
    port: int = 0
    """Set once the server listens."""
    readers: int = 0

    def application(self) -> Starlette:
        """What the server runs."""
        routes = {"/": self.page, "/events": self.events, "/api/notes": self.notes}
        return Starlette(
            routes=[
                Route(f"/{{token}}{path}", self._guarded(answer)) for path, answer in routes.items()
            ]
        )

    def _guarded(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            refusal = self.refusal(request)
            response = await answer(request) if refusal is None else refusal
            response.headers.update(HEADERS)
            return response

        return guarded

    def refusal(self, request: Request) -> Response | None:
        """What to answer to somebody who has no business here."""
        ours = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        origin = request.headers.get("origin")
        if request.headers.get("host") not in ours:
            return PlainTextResponse("This host name is not ours.", 403)
        if origin is not None and origin not in {f"http://{host}" for host in ours}:
            return PlainTextResponse("This origin is not ours.", 403)
        token = str(request.path_params["token"])
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return PlainTextResponse("There is nothing here.", 404)
        return None

    async def page(self, request: Request) -> Response:
        """The page itself, which loads nothing from elsewhere."""
        nonce = secrets.token_urlsafe(16)
        html = importlib.resources.files(__package__).joinpath("page.html").read_text("utf-8")
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return Response(
            html.replace("NONCE", nonce),
            media_type="text/html",
            headers={"Content-Security-Policy": policy},
        )

    async def events(self, request: Request) -> Response:
        """Every change of a note as a server-sent event; `Last-Event-ID` continues."""
        if self.readers >= READERS:
            return PlainTextResponse("Too many are reading.", 503)
        known = request.headers.get("last-event-id", "")
        return StreamingResponse(self._stream(known), media_type="text/event-stream")

    async def notes(self, request: Request) -> Response:
        """The notes as JSON; `?after=ID` only those that changed after that event."""
        news = self.board.since(request.query_params.get("after", ""))
        last = self.board.event_id(news[-1].number) if news else None
        notes = [orjson.Fragment(event.data) for event in news]
        body = {"last": last, "figures": self.board.figures, "notes": notes}
        return Response(orjson.dumps(body), media_type="application/json")

    async def _stream(self, known: str) -> AsyncIterator[bytes]:
        self.readers += 1
        try:
            yield b"retry: 1000\n\n"
            figures = ""
            while True:
                # Before anything is sent: what changes meanwhile must wake us.
                changed = self.board.changed
                for event in self.board.since(known):
                    known = self.board.event_id(event.number)
                    yield b"id: %b\ndata: %b\n\n" % (known.encode(), event.data)
                if figures != self.board.figures:
                    figures = self.board.figures
                    yield b"event: figures\ndata: %b\n\n" % orjson.dumps(figures)
                silent = True
                with trio.move_on_after(HEARTBEAT):
                    await changed.wait()
                    silent = False
                if silent:
                    yield b": nothing new\n\n"
        finally:
            self.readers -= 1
