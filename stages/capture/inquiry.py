"""What an X server and the kernel say of windows and of the programs behind them.

Many windows are asked about at once: what is asked together costs one round trip. Nothing is kept
here, and nothing blocks the loop: replies are read when the reply to a later request has come, for
the server answers in order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import xcffib
from xcffib import xproto

from hud.privacy.kin import is_ours, names
from hud.privacy.rules import Identity
from hud.rect import Rect
from hud.threads import in_thread
from stages.capture.xcb import awaited, extension

TEXTS = ("_NET_WM_NAME", "WM_NAME")
MANAGED = "WM_STATE"
PROPERTIES = (
    *TEXTS,
    "WM_CLASS",
    "WM_TRANSIENT_FOR",
    "_NET_WM_PID",
    "_NET_WM_WINDOW_TYPE",
    "_NET_WM_WINDOW_OPACITY",
    "_GTK_FRAME_EXTENTS",
)
FURNITURE = ("_NET_WM_WINDOW_TYPE_DESKTOP", "_NET_WM_WINDOW_TYPE_DOCK")
DEPTH = 3
"""Window managers put a program's window into one of their own, or into one inside that."""
WIDTH = 64
"""Windows looked at in each window; frames have a dozen."""
MOST_BYTES = 1024
"""Of a property, in units of four."""
CLIENT_PID = 2
"""XRes: the process at the other end of a client's connection."""

Follow = Callable[[int, int], None]
"""Told the number of a window inside a frame and that of the frame, before it is asked about."""


@attrs.frozen
class Facts:
    """What a window that lies directly on the desktop is at present."""

    rect: Rect
    drawn: bool
    solid: bool
    managed: bool
    margins: tuple[int, int, int, int]
    identity: Identity
    ours: bool
    """Whether a process of ours made it, or anything in it."""


@attrs.frozen
class Desktop:
    """The windows on the desktop at one moment."""

    size: tuple[int, int]
    """Width and height."""
    numbers: tuple[int, ...]
    """From the lowest to the highest."""
    since: int
    """The request: what is told behind it has changed since then, what is told before has not."""


@attrs.define
class _Search:
    """The search for the windows of programs inside one frame, a level at a time."""

    level: list[int]
    found: list[int]
    is_managed: bool = False


class Inquiry:
    """Questions over one connection; cancelled, they leave it fit only to be closed."""

    def __init__(self, connection: Any, root: int) -> None:  # noqa: ANN401 - as xcffib has it
        """Learn the server's words, which blocks for some round trips.

        Raises:
            xcffib.ConnectionException: the server does not answer.
        """
        self._connection = connection
        self._core = connection.core
        self._root = root
        self._owner_bits = 0xFFFFFFFF ^ connection.get_setup().resource_id_mask
        asked = {
            name: self._core.InternAtom(False, len(name), name)
            for name in (*PROPERTIES, MANAGED, *FURNITURE)
        }
        self._atoms = {name: cookie.reply().atom for name, cookie in asked.items()}
        self._shape = extension(connection, xcffib.shape)
        self._res = extension(connection, xcffib.res)
        if self._res is not None:
            self._res.QueryVersion(1, 2).reply()
        self.followed = frozenset(self._atoms[name] for name in (*PROPERTIES, MANAGED))
        """Properties of which a change makes it worth to ask again."""

    async def answered(self) -> None:
        """Wait until everything that was asked is answered."""
        await awaited(self._connection, self._core.GetInputFocus())

    async def desktop(self) -> Desktop:
        """Its size and the windows on it, at one moment."""
        size, tree = self._core.GetGeometry(self._root), self._core.QueryTree(self._root)
        await self.answered()
        desktop, numbers = size.reply(), tuple(tree.reply().children)
        return Desktop((desktop.width, desktop.height), numbers, tree.sequence)

    async def places(self, numbers: Sequence[int]) -> dict[int, tuple[Rect, bool]]:
        """Place of windows, and whether they are mapped; those that are gone are left out."""
        asked = [
            (number, self._core.GetGeometry(number), self._core.GetWindowAttributes(number))
            for number in numbers
        ]
        await self.answered()
        found = {}
        for number, geometry, attributes in asked:
            place, state = _reply(geometry), _reply(attributes)
            if place is not None and state is not None:
                found[number] = outer(place), state.map_state == xproto.MapState.Viewable
        return found

    async def windows(self, numbers: Sequence[int], follow: Follow) -> dict[int, Facts]:
        """The facts of windows on the desktop; those that are gone are left out."""
        searches = await self._clients(numbers, follow)
        inside = {n for number, search in searches.items() for n in (number, *search.found)}
        states = {number: self._ask_state(number) for number in numbers}
        properties = {number: self._ask_properties(number) for number in inside}
        pids = {number: self._ask_pid(number) for number in inside}
        await self.answered()
        words = {
            number: {name: _bytes(_reply(cookie)) for name, cookie in asked.items()}
            for number, asked in properties.items()
        }
        makers = {number: _pids(pids[number], words[number]) for number in inside}
        # /proc may make whoever reads it wait for the process.
        known = await in_thread(_processes, {pid for found in makers.values() for pid in found})
        found = {}
        for number, search in searches.items():
            place, state, shape = (_reply(cookie) for cookie in states[number])
            if place is None or state is None:
                continue  # it is gone, and the server is about to say so
            identity = self._identity(search, words, makers, known)
            faint = any(words[n]["_NET_WM_WINDOW_OPACITY"] for n in (number, *search.found))
            shaped = self._shape is not None and bool(getattr(shape, "bounding_shaped", 1))
            drawn = state._class != xproto.WindowClass.InputOnly
            found[number] = Facts(
                rect=outer(place),
                drawn=drawn,
                solid=drawn and place.depth != 32 and not shaped and not faint,
                managed=not state.override_redirect,
                margins=_margins(words[search.found[0]]),
                identity=identity,
                ours=any(known[pid].ours for pid in identity.pids),
            )
        return found

    # -- the windows of programs inside of frames

    async def _clients(self, frames: Iterable[int], follow: Follow) -> dict[int, _Search]:
        """Those that a window manager calls so, otherwise all that it has not made itself."""
        searches = {frame: _Search([frame], [frame]) for frame in frames}
        for _ in range(DEPTH):
            open_ones = {frame: s for frame, s in searches.items() if s.level}
            level = [n for search in open_ones.values() for n in search.level]
            marks = {number: self._property(number, MANAGED) for number in level}
            trees = {number: self._core.QueryTree(number) for number in level}
            if not level:
                break
            await self.answered()
            marked = {number for number in level if _bytes(_reply(marks[number]))}
            below = {number: _children(_reply(trees[number])) for number in level}
            for frame, search in open_ones.items():
                self._descend(frame, search, marked, below, follow)
        return searches

    def _descend(
        self,
        frame: int,
        search: _Search,
        marked: set[int],
        below: Mapping[int, Sequence[int]],
        follow: Follow,
    ) -> None:
        managed = [number for number in search.level if number in marked]
        if managed:
            search.found, search.level, search.is_managed = managed, [], True
            foreign = managed
        else:
            search.level = [n for number in search.level for n in below[number]][:WIDTH]
            # What the window manager draws is its own; the rest in a frame is a program's.
            foreign = [n for n in search.level if (n ^ frame) & self._owner_bits]
            search.found += foreign
        for number in foreign:
            if number != frame:
                follow(number, frame)

    # -- questions

    def _ask_state(self, number: int) -> tuple[Any, Any, Any]:
        shape = self._shape.QueryExtents(number) if self._shape is not None else None
        return self._core.GetGeometry(number), self._core.GetWindowAttributes(number), shape

    def _ask_properties(self, number: int) -> dict[str, Any]:
        return {name: self._property(number, name) for name in PROPERTIES}

    def _property(self, number: int, name: str) -> Any:  # noqa: ANN401 - a cookie
        anything = xproto.Atom.Any
        return self._core.GetProperty(False, number, self._atoms[name], anything, 0, MOST_BYTES)

    def _ask_pid(self, number: int) -> Any:  # noqa: ANN401 - a cookie
        if self._res is None:
            return None
        make: Any = xcffib.res.ClientIdSpec.synthetic
        return self._res.QueryClientIds(1, [make(number, CLIENT_PID)])

    # -- what the answers mean

    def _identity(
        self,
        search: _Search,
        words: Mapping[int, Mapping[str, bytes]],
        makers: Mapping[int, Sequence[int]],
        known: Mapping[int, _Process],
    ) -> Identity:
        clients = search.found
        texts = [words[client] for client in clients]
        pids = tuple(dict.fromkeys(pid for client in clients for pid in makers[client]))
        transient = _numbers(texts[0]["WM_TRANSIENT_FOR"])
        kinds = {kind for text in texts for kind in _numbers(text["_NET_WM_WINDOW_TYPE"])}
        furniture = {self._atoms[name] for name in FURNITURE}
        return Identity(
            titles=_words(text[name] for text in texts for name in TEXTS),
            classes=_words(text["WM_CLASS"] for text in texts),
            processes=tuple(dict.fromkeys(name for pid in pids for name in known[pid].names)),
            pids=pids,
            clients=tuple(clients),
            transient_for=transient[0] if transient and transient[0] != self._root else 0,
            managed=search.is_managed and not kinds & furniture,
        )


@attrs.frozen
class _Process:
    names: tuple[str, ...]
    ours: bool


def _processes(pids: Iterable[int]) -> dict[int, _Process]:
    return {pid: _Process(names(pid), is_ours(pid)) for pid in pids}


def _pids(cookie: Any, words: Mapping[str, bytes]) -> list[int]:  # noqa: ANN401
    """The process behind a window: as the server sees it, else as the window says."""
    reply = _reply(cookie)
    seen = [value for entry in getattr(reply, "ids", ()) for value in entry.value]
    return seen or list(_numbers(words["_NET_WM_PID"])[:1])


def outer(place: Any) -> Rect:  # noqa: ANN401 - an event or a reply
    """With the border, which lies outside of what the server calls the window's size."""
    border = 2 * place.border_width
    return Rect(place.x, place.y, place.width + border, place.height + border)


def _margins(words: Mapping[str, bytes]) -> tuple[int, int, int, int]:
    numbers = _numbers(words["_GTK_FRAME_EXTENTS"])
    if len(numbers) != 4:
        return 0, 0, 0, 0
    left, right, top, bottom = numbers
    return left, right, top, bottom


def _reply(cookie: Any) -> Any:  # noqa: ANN401 - of a hundred classes
    """The answer; None about a window that is gone, and where nothing was asked."""
    try:
        return cookie.reply() if cookie is not None else None
    except xcffib.Error:
        return None


def _children(reply: Any) -> list[int]:  # noqa: ANN401 - as _reply
    return list(reply.children)[:WIDTH] if reply is not None else []


def _bytes(reply: Any) -> bytes:  # noqa: ANN401 - as _reply
    return b"".join(reply.value) if reply is not None and reply.value_len else b""


def _numbers(value: bytes) -> tuple[int, ...]:
    return struct.unpack(f"={len(value) // 4}I", value[: len(value) // 4 * 4])


def _words(values: Iterable[bytes]) -> tuple[str, ...]:
    words = (part.decode(errors="replace") for value in values for part in value.split(b"\0"))
    return tuple(dict.fromkeys(filter(None, words)))
