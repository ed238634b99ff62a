"""Rubbish at the control socket and at the web page: an answer or a closed door, never a crash."""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket

import httpx2
import pytest
import trio

from hud import control
from hud.control import controlled, folder
from hud.history import History
from hud.ledger import Ledger
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
    assert len(said) == 1, said
