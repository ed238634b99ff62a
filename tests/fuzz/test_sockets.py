"""Rubbish at the sockets and the web page: an answer or a closed door, never a crash."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket

import httpx2
import pytest
import trio
import trio_websocket

from hud import control
from hud.control import controlled, folder
from hud.history import History
from hud.ledger import Ledger
from hud.local.server import open_server
from hud.privacy.pause import Pause
from stages.sink.web.sink import Web
from tests.stages.sinking import notes, running, until

TIMES = int(os.environ.get("HUD_FUZZ", "150"))
COMMANDS = [b"status", b"pause", b"resume", b"why", b"why 5", b"why x", b"why -1", b"why \xff"]


def rubbish(dice: random.Random) -> bytes:
    command = dice.choice(
        [*COMMANDS, b"", b"STATUS", b"status why", b"\xff\xfe", b"GET / HTTP/1.1"]
    )
    return dice.choice(
        [
            command,
            command + b"\n",
            command[: dice.randrange(len(command) + 1)],
            dice.randbytes(dice.randrange(200)),
            command + b"\0" * dice.randrange(100),
            b"a" * dice.choice([63, 64, 65, 10**6]),
            command + b"\r\n" + command + b"\n",
        ]
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(control, "PATIENCE", 0.5)
    return tmp_path


def answers():
    why = History(Ledger()).answer
    return {"status": lambda _about: {"process": "1: watching"}, "why": why}


async def say(data: bytes, dice: random.Random) -> None:
    """Connect, send it in pieces or not at all, and leave when it pleases."""
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        gone = contextlib.suppress(OSError, trio.BrokenResourceError)
        with gone, trio.move_on_after(3):
            await peer.connect(str(folder() / f"{os.getpid()}.sock"))
            at = dice.randrange(len(data) + 1)
            for piece in (data[:at], data[at:]):
                await trio.SocketStream(peer).send_all(piece)
                await trio.sleep(dice.choice([0, 0, 0.01]))
            if dice.random() < 0.7:
                peer.shutdown(socket.SHUT_WR)
                answer = await peer.recv(4096)
                assert answer == b"" or (answer.startswith(b"{") and answer.endswith(b"}\n"))


async def test_whatever_is_said_to_the_socket_it_goes_on(place):
    dice, said = random.Random(1), []
    async with controlled(Pause(), answers(), said.append):
        for _ in range(max(1, TIMES // 15)):
            async with trio.open_nursery() as nursery:
                for _ in range(15):
                    nursery.start_soon(say, rubbish(dice), dice)
        with trio.fail_after(10):
            assert await trio.to_thread.run_sync(list, control.tell("status"))
    assert said == []


async def test_many_silent_guests_do_not_keep_the_others_out_for_long(place):
    async with controlled(Pause(), answers(), print), contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            guest = stack.enter_context(trio.socket.socket(socket.AF_UNIX))
            with trio.move_on_after(0.2):  # the queue of the listener is full at last
                await guest.connect(str(folder() / f"{os.getpid()}.sock"))
        await trio.sleep(3 * control.PATIENCE)
        with trio.fail_after(10):
            (answer,) = await trio.to_thread.run_sync(list, control.tell("status"))
        assert answer["process"] == "1: watching"


async def test_a_guest_who_leaves_before_the_answer_ends_nothing(place):
    """An answer to a closed socket is a broken stream, which is no OSError."""
    async with controlled(Pause(), answers(), print):
        for _ in range(20):
            with trio.socket.socket(socket.AF_UNIX) as guest:
                await guest.connect(str(folder() / f"{os.getpid()}.sock"))
                await guest.send(b"status\n")
        await trio.sleep(0.05)
        assert await trio.to_thread.run_sync(list, control.tell("status"))


# The page -------------------------------------------------------------------------------------

METHODS = [
    *["GET"] * 9,
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "ODD",
    "",
]
VERSIONS = ["1.1", "1.1", "1.1", "1.0", "2.0", "9"]
HOSTS = ["127.0.0.1", "localhost", "evil.example", "127.0.0.1.evil.example", "[::1]", "", "\x80"]
PATHS = [
    "", "/", "/events", "/api/notes", "/api/notes?after=9", "/api/notes?after=x", "/../..",
    "/%2e%2e/etc/passwd", "//", "/\0", "/api", "/events?x=" + "y" * 9000, "/" + "a" * 70_000,
    "/%ff%fe", "/api/notes?after=-1&after=99999999999999999999", "*", "http://evil/",
]  # fmt: skip


def request(dice: random.Random, token: str, port: int) -> bytes:
    prefix = dice.choice([token, token, token, "", token[:-1], "x" * len(token), token.upper()])
    path = ("/" + prefix if prefix else "") + dice.choice(PATHS)
    host = dice.choice([*[f"127.0.0.1:{port}"] * 9, *HOSTS])
    lines = [f"{dice.choice(METHODS)} {path} HTTP/{dice.choice(VERSIONS)}"]
    lines.append(f"Host: {host}")
    for name, values in {
        "Origin": ["null", "http://evil.example", f"http://127.0.0.1:{port}"],
        "Last-Event-ID": ["1-1", "x", "-" * 99, "1-99999999999999999999"],
        "Content-Length": ["5", "-1", "x", "99999999999"],
        "Transfer-Encoding": ["chunked", "odd"],
        "Upgrade": ["websocket", "h2c"],
        "Connection": ["close", "upgrade", "keep-alive"],
        "Expect": ["100-continue"],
        "Cookie": ["a=b; " * 200],
        "Sec-WebSocket-Protocol": ["\xff", "chat"],
        "Sec-WebSocket-Version": ["13"],
    }.items():
        if dice.random() < 0.1:
            lines.append(f"{name}: {dice.choice(values)}")
    text = "\r\n".join(lines).encode("latin-1") + dice.choice(
        [b"\r\n\r\n", b"\r\n\r\n", b"\n", b""]
    )
    text += dice.choice([b"", b"", b"hello", dice.randbytes(50)])
    return dice.choice([text, text, text, text[: dice.randrange(len(text))], dice.randbytes(80)])


async def answer_to(data: bytes, port: int) -> bytes:
    """What is answered within a moment, b"" for a closed door."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    answer = b""
    async with stream:
        with contextlib.suppress(trio.BrokenResourceError), trio.move_on_after(1.0):
            await stream.send_all(data)
            with contextlib.suppress(OSError):
                await stream.send_eof()
            while piece := await stream.receive_some(4096):
                answer += piece
                if len(answer) > 10_000:
                    break
    return answer


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
async def test_whatever_is_asked_of_the_page_only_its_owner_is_answered(caplog, capfd):
    dice, said = random.Random(2), []
    statuses: set[int] = set()
    sink = Web(warn=said.append)
    async with running(sink) as (feed, delivered):
        await until(lambda: said)
        address = r"the page is at http://127\.0\.0\.1:(\d+)/(\S+)/"
        port, token = re.fullmatch(address, said[0]).groups()
        feed(notes(1)[0])
        await until(lambda: delivered)

        async def one(data: bytes) -> None:
            answer = await answer_to(data, int(port))
            found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
            assert found or not answer, answer[:99]
            if found:
                statuses.add(int(found[1]))
            if b"note 1" in answer:
                # Shown to nobody but who knows the token, and asks this machine by its name.
                assert f"/{token}/".encode() in data, data[:300]
                hosts = re.findall(rb"Host: ([^:\r]*)", data)
                assert hosts[0] in {b"127.0.0.1", b"localhost"}, data[:300]
                assert b"Origin: http://evil" not in data, data[:300]

        for _ in range(max(1, TIMES // 10)):
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(one, request(dice, token, int(port)))
        async with httpx2.AsyncClient(trust_env=False) as client:
            with trio.fail_after(10):
                body = (await client.get(f"http://127.0.0.1:{port}/{token}/api/notes")).json()
        assert [note["text"] for note in body["notes"]] == ["note 1"]
    assert {status for status in statuses if status >= 500} <= {501, 505}
    assert statuses >= {200, 404, 400}, statuses
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())
    # At most one more than the address: that something was more than its server could bear.
    assert all("told once" in sentence and token not in sentence for sentence in said[1:]), said
    assert len(said) <= 2, said


# The local model's server ----------------------------------------------------------------------

KEY = "fuzzed"
TARGETS = [
    "/v1/realtime?model=m", "/v1/realtime?model=m", "/v1/realtime", "//[", "//[::1", "*", "", "/",
    "http://[", "http://x/v1/realtime?model=m", "/v1/realtime?model=%ff&model=", "/%2e%2e", "/\x80",
    "/v1/realtime?" + "a=b&" * 500, "/v1/realtime;x?model=%", "//evil@[v1.x]/", "/" + "a" * 70_000,
]  # fmt: skip
ODD = [
    "",
    "\xff",
    "\x80, \x81",
    ",,,",
    "x" * 9000,
    "é",
    "=;\"'",
    "[",
    "null",
    "http://[",
    "idna-xn--",
]
UPGRADE = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Authorization": f"Bearer {KEY}",
    "api-key": KEY,
    "Origin": "http://localhost",
    "Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{KEY}",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    "OpenAI-Beta": "realtime=v1",
}


def upgrade(dice: random.Random) -> bytes:
    lines = [f"GET {dice.choice(TARGETS)} HTTP/{dice.choice(VERSIONS)}"]
    for number, (name, value) in enumerate(UPGRADE.items()):
        if dice.random() < (0.95 if number < 5 else 0.4):
            lines.append(f"{name}: {dice.choice(ODD) if dice.random() < 0.15 else value}")
    text = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    text += dice.choice([b"", b"", dice.randbytes(50), b"\x81\x85\0\0\0\0hello"])
    return dice.choice([text, text, text, text[: dice.randrange(len(text))], dice.randbytes(80)])


class Silence:
    """A model that sees nothing new."""

    async def note(self, _session, _sights):
        return ""

    def forget(self, session):
        pass


async def test_whatever_asks_for_an_upgrade_the_server_goes_on():
    dice, said, statuses = random.Random(3), [], set()
    async with open_server(Silence(), key=KEY, warn=said.append) as address:

        async def one(data: bytes) -> None:
            answer = await answer_to(data, address.port)
            found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
            assert found or not answer, answer[:99]
            if found:
                statuses.add(int(found[1]))
            if found and found[1] == b"101":
                assert KEY.encode() in data

        for _ in range(max(1, TIMES // 50)):
            async with trio.open_nursery() as nursery:
                for _ in range(50):
                    nursery.start_soon(one, upgrade(dice))
        assert await opened(address)
    assert statuses >= {101, 401, 404}, statuses
    assert len(said) <= 1
    assert not [sentence for sentence in said if KEY in sentence]


LEAVES = [None, True, -1, 0.5, 10**18, "", "x", "\x00", "\ud7ff", "auto", "text", "img_1", [], {}]
WORDS = [
    "type", "id", "item", "session", "tools", "parameters", "content", "role", "response", "input",
    "metadata", "item_id", "audio", "truncation", "x", "", "event_id", "previous_item_id", "output",
]  # fmt: skip
TYPES = [
    "session.update", "conversation.item.create", "conversation.item.delete", "response.create",
    "response.cancel", "conversation.item.retrieve", "conversation.item.truncate",
    "input_audio_buffer.append", "input_audio_buffer.clear", "nonsense", "message", "function",
]  # fmt: skip


def tree(dice: random.Random, depth: int = 0):
    """Some JSON."""
    what = dice.random()
    if depth > 4 or what < 0.3:
        return dice.choice(LEAVES)
    if what < 0.5:
        return [tree(dice, depth + 1) for _ in range(dice.randrange(3))]
    inner = {dice.choice(WORDS): tree(dice, depth + 1) for _ in range(dice.randrange(4))}
    return inner | ({"type": dice.choice(TYPES)} if dice.random() < 0.5 else {})


def deep(levels: int):
    value = {}
    for _ in range(levels):
        value = {"a": value} if levels % 2 else [value]
    return {"a": value}


def event(dice: random.Random) -> str:
    function = {"type": "function", "name": "f", "parameters": deep(dice.randrange(400))}
    text = {"type": "input_text", "text": "screen 1 (0x100); picture 1: " + dice.choice(ODD)}
    made = dice.choice(
        [
            {"type": "session.update", "session": {"type": "realtime", "tools": [function]}},
            {"type": "session.update", "session": {"type": "realtime", "tracing": tree(dice)}},
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [text]},
            },
            {"type": "response.create", "response": {"metadata": tree(dice)}},
            {"type": dice.choice(TYPES), "item": tree(dice)},
            tree(dice),
        ]
    )
    text = json.dumps(made)
    return dice.choice([text, text, text, text[: dice.randrange(len(text) + 1)], "[" * 2000])


async def opened(address) -> bool:
    """Whether a session can be had."""
    with trio.fail_after(10):
        async with talking(address) as client:
            return "session.created" in await client.get_message()


@contextlib.asynccontextmanager
async def talking(address):
    stream = await trio.open_tcp_stream(address.host, address.port)
    headers = [(b"Authorization", f"Bearer {KEY}".encode())]
    async with stream, trio.open_nursery() as nursery:
        yield await trio_websocket.wrap_client_stream(
            nursery, stream, address.host, "/v1/realtime?model=m", extra_headers=headers
        )
        nursery.cancel_scope.cancel()


async def test_whatever_a_client_says_its_session_goes_on():
    dice, said = random.Random(4), []
    async with open_server(Silence(), key=KEY, warn=said.append) as address:
        async with talking(address) as client:
            for _ in range(TIMES):
                await client.send_message(event(dice))
                await client.send_message('{"type":"input_audio_buffer.clear"}')
                with trio.fail_after(10):
                    while "input_audio_buffer.cleared" not in await client.get_message():
                        pass
        assert await opened(address)
    assert said == []
