"""The page, its stream of events and a small JSON API, for this machine and who knows the token.

Every program and every web page on this machine can connect to a loopback port. So the token
stands in the path, `Host` must be ours (a foreign name that resolves to 127.0.0.1 would make a
foreign page one of ours: DNS rebinding) and `Origin` too, where it is sent; browsers send it with
every POST.

    GET  api/notes?after=ID   {last, state, notes}: the newest 1000, or what changed after an event
    GET  api/fates?after=ID   {last, fates}: what became of the frames, the newest 500 entries
    GET  api/why/NOTE         what the note of that id was made from; the addresses of its pictures
    GET  api/state            what is watched, by whom notes are made, fates, money, paused or not
    POST api/pause            look away until it is resumed; answered like api/state
    POST api/resume
    GET  events               the same as server-sent events `note`, `fate`, `state`
    GET  pictures/N/NOTE      the picture of that number, from 0, as it was sent
"""

from __future__ import annotations

import hmac
import importlib.resources
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import attrs
import orjson
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from hud.past import Past
from hud.privacy.pause import Pause
from stages.sink.web.board import FATE, NOTE, Board
from stages.sink.web.shown import details, picture_of

HEARTBEAT = 15.0
"""Seconds of silence after which a comment tells a dead connection from a quiet one."""
READERS = 50
"""Event streams at once, at most."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FILES = {
    "": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""Parts of the page and their types; the first is page.html."""


Answer = Callable[[Request], Awaitable[Response]]


@attrs.define(eq=False)
class Pages:
    """Answers requests out of what stands on the board."""

    board: Board
    token: str
    past: Past
    pause: Pause | None
    state: Callable[[], Mapping[str, Any]]
    port: int = 0
    """Set once the server listens."""
    readers: int = 0

    def application(self) -> Starlette:
        """What the server runs."""
        routes = {
            "events": self.events,
            "api/notes": self.notes,
            "api/fates": self.fates,
            "api/state": self.told_state,
            "api/why/{note:path}": self.why,
            "pictures/{number:int}/{note:path}": self.picture,
        }
        routes |= dict.fromkeys(FILES, self.file)
        orders = {"api/pause": self.order, "api/resume": self.order}
        return Starlette(
            routes=[
                Route(f"/{{token}}/{path}", self._guarded(answer), methods=[method])
                for method, answers in (("GET", routes), ("POST", orders))
                for path, answer in answers.items()
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

    async def file(self, request: Request) -> Response:
        """A part of the page, which loads nothing from elsewhere."""
        name = request.url.path.rpartition("/")[2]
        file = importlib.resources.files(__package__).joinpath(name or "page.html")
        return Response(file.read_text("utf-8"), media_type=FILES[name])

    async def events(self, request: Request) -> Response:
        """Every change as a server-sent event; `Last-Event-ID` continues."""
        if self.readers >= READERS:
            return PlainTextResponse("Too many are reading.", 503)
        known = request.headers.get("last-event-id", "")
        return StreamingResponse(self._stream(known), media_type="text/event-stream")

    async def notes(self, request: Request) -> Response:
        """The notes as JSON; `?after=ID` only those that changed after that event."""
        return _json(self._news(request, NOTE, "notes") | {"state": dict(self.state())})

    async def fates(self, request: Request) -> Response:
        """What became of the frames."""
        return _json(self._news(request, FATE, "fates"))

    def _news(self, request: Request, kind: str, name: str) -> dict[str, Any]:
        news = self.board.since(request.query_params.get("after", ""), kind)
        return {"last": self.board.last, name: [orjson.Fragment(event.data) for event in news]}

    async def told_state(self, request: Request) -> Response:
        """How the run is."""
        return _json(dict(self.state()))

    async def why(self, request: Request) -> Response:
        """What a note was made from."""
        exhibit = self.past.exhibits.get(request.path_params["note"])
        if exhibit is None:
            return PlainTextResponse("That note is not remembered.", 404)
        return _json(details(exhibit))

    async def picture(self, request: Request) -> Response:
        """A picture as it was sent, out of memory."""
        exhibit = self.past.exhibits.get(request.path_params["note"])
        picture = picture_of(exhibit, request.path_params["number"])
        if picture is None:
            return PlainTextResponse("That picture is not remembered.", 404)
        return Response(picture.jpeg, media_type="image/jpeg")

    async def order(self, request: Request) -> Response:
        """Pause or resume."""
        if self.pause is None:
            return PlainTextResponse("This run cannot be paused.", 409)
        self.pause.turn(paused=request.url.path.endswith("/pause"))
        return _json(dict(self.state()))

    async def _stream(self, known: str) -> AsyncIterator[bytes]:
        self.readers += 1
        try:
            yield b"retry: 1000\n\n"
            while True:
                # Before anything is sent: what changes meanwhile must wake us.
                changed = self.board.changed
                for event in self.board.since(known):
                    known = self.board.event_id(event.number)
                    kind = b"" if event.kind == NOTE else b"event: %b\n" % event.kind.encode()
                    yield b"id: %b\n%bdata: %b\n\n" % (known.encode(), kind, event.data)
                silent = True
                with trio.move_on_after(HEARTBEAT):
                    await changed.wait()
                    silent = False
                if silent:
                    yield b": nothing new\n\n"
        finally:
            self.readers -= 1


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
