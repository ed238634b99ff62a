"""Against a real HTTP server, whose answers the tests choose."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socket
import threading

import httpx2
import pytest
import standardwebhooks
import trio

from hud.errors import PipelineError, UsageError
from stages.sink import backlog
from stages.sink.webhook import Webhook, is_address, key_of, retry_after
from tests.fakes import through
from tests.stages.sinking import GROWING, NOTE, notes, running, until

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four.").decode()


class Server(http.server.ThreadingHTTPServer):
    """Answers with what stands in `answers`, then with 204; keeps what it was sent."""

    daemon_threads = True

    def __init__(self, port=0):
        self.answers, self.posts, self.lines, self.connections = [], [], [], []
        self.opened = threading.Event()
        self.opened.set()
        super().__init__(("127.0.0.1", port), Answer)

    def process_request(self, request, address):
        self.connections.append(request)
        super().process_request(request, address)

    def vanish(self):
        """Stop listening, and hang up on everybody."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/notes"

    @property
    def seqs(self):
        return [json.loads(body)["seq"] for _, body in self.posts]


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.opened.wait()
        answer = self.server.answers.pop(0) if self.server.answers else 204
        status, more = answer if isinstance(answer, tuple) else (answer, {})
        self.server.posts.append((dict(self.headers), body))
        if status == "hang":
            threading.Event().wait(5)
            return
        self.send_response(status)
        for name, value in (more | {"Content-Length": "0"}).items():
            self.send_header(name, value)
        self.end_headers()

    def do_CONNECT(self):
        self.server.lines.append(self.requestline)
        self.send_error(502)

    def log_message(self, *_arguments):
        pass


@contextlib.contextmanager
def serving(port=0):
    with Server(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(backlog, "FIRST_WAIT", 0.02)


async def test_notes_are_posted_in_order_and_can_be_verified(server, monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    sink = Webhook(url=server.url, secret_env="HOOK")
    async with running(sink) as (feed, delivered):
        feed(GROWING)
        for note in notes(20):
            feed(note)
        await until(lambda: len(delivered) == 20)
    assert server.seqs == list(range(1, 21))
    headers, body = server.posts[0]
    assert standardwebhooks.Webhook(SECRET).verify(body.decode(), headers)["id"] == "sess_1-1"
    assert headers["Idempotency-Key"] == '"sess_1-1"'
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(body.decode().replace("note", "vote"), headers)


@pytest.mark.parametrize("answer", [500, 502, 408, 429, 503, "hang"])
async def test_what_may_pass_is_tried_again_with_the_same_key(server, answer):
    server.answers = [answer, answer]
    said = []
    async with running(Webhook(url=server.url, timeout=0.3, warn=said.append)) as (feed, delivered):
        for note in notes(3):
            feed(note)
        await until(lambda: len(delivered) == 3)
    assert server.seqs == [1, 1, 1, 2, 3]
    keys = [headers["Idempotency-Key"] for headers, _ in server.posts]
    assert keys[:4] == ['"sess_1-1"'] * 3 + ['"sess_1-2"']
    assert len(said) == 2
    assert said[0].startswith("webhook 127.0.0.1: ")


async def test_what_will_never_pass_is_given_up_and_told_once(server):
    server.answers = [400, 400, 204, 301, 400]
    said = []
    async with running(Webhook(url=server.url, warn=said.append)) as (feed, delivered):
        for note in notes(5):
            feed(note)
        await until(lambda: len(delivered) == 5)
    assert server.seqs == [1, 2, 3, 4, 5]
    assert [sentence.partition("with ")[2] for sentence in said] == [
        "400 Bad Request; such notes are given up",
        "301 Moved Permanently; such notes are given up",
    ]


async def test_a_note_that_breaks_the_server_does_not_hold_up_the_others(server):
    server.answers = [500] * 3
    async with running(Webhook(url=server.url, tries=3)) as (feed, delivered):
        for note in notes(2):
            feed(note)
        await until(lambda: len(delivered) == 2)
    assert server.seqs == [1, 1, 1, 2]


async def test_a_server_that_goes_and_comes_back_gets_every_note_once(server):
    said = []
    async with running(Webhook(url=server.url, warn=said.append)) as (feed, delivered):
        feed(notes(1)[0])
        await until(lambda: delivered)
        server.vanish()
        for note in notes(30, first=2):
            feed(note)
        await until(lambda: said)
        with serving(server.server_port) as again:
            await until(lambda: len(delivered) == 31)
    assert again.seqs == list(range(2, 32))
    assert "cannot be reached" in said[0]
    assert said[1:] == ["webhook 127.0.0.1: works again, the notes that waited go out"]


async def test_an_error_without_words_is_told_by_its_name(server, monkeypatch):
    said, failures = [], ["once"]
    post = httpx2.AsyncClient.stream

    @contextlib.asynccontextmanager
    async def stream(client, *arguments, **options):
        if failures:
            failures.pop()
            raise httpx2.ReadError("")
        async with post(client, *arguments, **options) as response:
            yield response

    monkeypatch.setattr(httpx2.AsyncClient, "stream", stream)
    await through(Webhook(url=server.url, warn=said.append), NOTE)
    assert said[0].endswith("cannot be reached: ReadError; the notes wait until it works")


async def test_a_server_says_how_long_to_stay_away(server):
    server.answers = [(429, {"Retry-After": "1"})]
    start = trio.current_time()
    async with running(Webhook(url=server.url)) as (feed, delivered):
        feed(NOTE)
        await until(lambda: delivered)
        assert trio.current_time() - start >= 1
    assert server.seqs == [7, 7]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("17", 17),
        ("-5", 0),
        ("soon", 0),
        ("999999", 3600),
        ("Thu, 01 Jan 1970 00:17:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(text, seconds):
    assert retry_after({"Retry-After": text}, now=1000.0) == seconds


async def test_a_proxy_is_used_but_never_for_this_machine(server, monkeypatch):
    with serving() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with running(Webhook(url=server.url)) as (feed, delivered):
            feed(NOTE)
            await until(lambda: delivered)
        said = []
        monkeypatch.setattr(backlog, "LAST_TRIES", 0.1)
        with pytest.raises(PipelineError, match="1 note could not be delivered: cannot be reached"):
            await through(Webhook(url="https://hooks.test/x", warn=said.append), NOTE)
    assert server.seqs == [7]
    assert proxy.posts == []
    assert "CONNECT hooks.test:443 HTTP/1.1" in proxy.lines


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://example.org/x", None),
        ("http://localhost:8000", None),
        ("http://[::1]/", None),
        ("http://example.org", "unencrypted"),
        ("http://127.0.0.1.example.org", "unencrypted"),
        ("ftp://example.org", "must be https"),
        ("example.org", "must be https"),
        ("https://", "must be https"),
        ("https://me:secret@example.org", "must not contain a password"),
        ("https://example.org:99999", "is no address"),
    ],
)
def test_notes_leave_the_machine_encrypted_or_not_at_all(url, says):
    problem = is_address(url)
    assert (problem is None) if says is None else says in problem


@pytest.mark.parametrize(
    ("secret", "says"),
    [("", "set the environment variable HOOK"), ("whsec_?", "is not base64")],
)
def test_a_secret_that_is_missing_or_broken_is_refused_before_the_start(monkeypatch, secret, says):
    monkeypatch.setenv("HOOK", secret)
    with pytest.raises(UsageError, match=says):
        Webhook(url="https://example.org", secret_env="HOOK").preflight()


def test_a_secret_of_any_kind_is_a_key():
    assert key_of(SECRET) == b"a secret of twenty-four."
    assert key_of("plain") == b"plain"
