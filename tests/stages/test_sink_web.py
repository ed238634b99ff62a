"""The server of the page, as a program on this machine meets it."""

from __future__ import annotations

import contextlib
import re

import attrs
import httpx2
import pytest
import trio

from hud.errors import UsageError
from hud.items import Status
from stages.sink.web import board, pages
from stages.sink.web.board import Board
from stages.sink.web.sink import Web
from tests.stages.sinking import GROWING, NOTE, notes, running, until

# The client leaves its streams to be closed by the loop.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")


@contextlib.asynccontextmanager
async def page(**options):
    """A running sink and a client whose base is the page."""
    said = []
    sink = Web(warn=said.append, figures=lambda _width: "hud: watching", **options)
    async with running(sink) as (feed, delivered):
        await until(lambda: said)
        address = re.fullmatch(r"the page is at (http://127\.0\.0\.1:\d+/\S+/)", said[0])[1]
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            yield client, feed, delivered


async def read_events(client, count, **headers):
    """The ids and texts of so many notes from the stream."""
    found, event_id = [], ""
    async with client.stream("GET", "events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                event_id = line.removeprefix("id: ")
            elif line.startswith('data: {"id"'):
                found.append((event_id, re.search(r'"text":"([^"]*)', line)[1]))
            if len(found) >= count:
                return found
    return found


async def test_notes_are_delivered_and_can_be_fetched():
    async with page() as (client, feed, delivered):
        feed(GROWING)
        for note in notes(3):
            feed(note)
        await until(lambda: len(delivered) == 3)
        body = (await client.get("api/notes")).json()
        assert [note["text"] for note in body["notes"]] == ["New:", "note 1", "note 2", "note 3"]
        assert body["figures"] == "hud: watching"
        feed(attrs.evolve(NOTE, text="whole"))
        await until(lambda: len(delivered) == 4)
        later = (await client.get("api/notes", params={"after": body["last"]})).json()
        assert [note["text"] for note in later["notes"]] == ["whole"]


async def test_who_was_away_gets_each_note_once_as_it_is_by_now():
    async with page() as (client, feed, delivered):
        feed(notes(1)[0])
        [(known, _)] = await read_events(client, 1)
        feed(GROWING)
        for note in (*notes(5, first=2), NOTE):
            feed(note)
        await until(lambda: len(delivered) == 7)
        after = await read_events(client, 6, **{"Last-Event-ID": known})
        assert [text for _, text in after] == [*(f"note {n}" for n in range(2, 7)), "New: \\"]
        again = await read_events(client, 7)
        assert again[0][1] == "note 1"
        foreign = await read_events(client, 7, **{"Last-Event-ID": "another-3"})
        assert foreign == again


async def test_words_stream_as_they_come():
    async with page() as (client, feed, _delivered):
        seen = []

        async def watch():
            seen.extend(await read_events(client, 3))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            for words in ("New:", "New: a", "New: a b"):
                await trio.sleep(0.2)
                feed(attrs.evolve(GROWING, text=words))
        assert [text for _, text in seen] == ["New:", "New: a", "New: a b"]


@pytest.mark.parametrize("path", ["", "events", "api/notes"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://localhost"}, 403),
    ],
)
async def test_a_foreign_host_or_origin_is_refused(path, headers, status):
    async with page() as (client, _, _):
        assert (await client.get(path, headers=headers)).status_code == status


@pytest.mark.parametrize("path", ["", "api/notes"])
async def test_without_the_token_there_is_nothing(path):
    async with page() as (client, _, _):
        ours = await client.get(path)
        assert ours.status_code == 200
        assert ours.headers["cache-control"] == "no-store"
        assert ours.headers["x-frame-options"] == "DENY"
        for root in ("/", "/x/", str(client.base_url.path)[:-2] + "/", "/%00/"):
            assert (
                await client.get(f"http://{client.base_url.netloc.decode()}{root}{path}")
            ).status_code == 404


async def test_only_this_machine_can_connect():
    async with page() as (client, _, _):
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream("127.0.0.2", client.base_url.port)


async def test_readers_and_notes_are_bounded(monkeypatch):
    monkeypatch.setattr(pages, "READERS", 2)
    monkeypatch.setattr(board, "MOST", 10)
    async with page() as (client, feed, delivered):
        for note in notes(30):
            feed(note)
        await until(lambda: len(delivered) == 30)
        assert len((await client.get("api/notes")).json()["notes"]) == 10
        async with client.stream("GET", "events"), client.stream("GET", "events"):
            await trio.sleep(0.1)
            assert (await client.get("events")).status_code == 503
        await trio.sleep(0.2)
        assert len(await read_events(client, 10)) == 10


async def test_a_quiet_stream_says_that_it_lives(monkeypatch):
    monkeypatch.setattr(pages, "HEARTBEAT", 0.05)
    async with page() as (client, _, _), client.stream("GET", "events") as response:
        async for line in response.aiter_lines():
            if line.startswith(": "):
                break


async def test_the_end_of_the_run_closes_every_stream():
    with trio.fail_after(10):
        async with page() as (client, feed, _), trio.open_nursery() as nursery:

            async def watch():
                with contextlib.suppress(httpx2.HTTPError):
                    await read_events(client, 99)

            nursery.start_soon(watch)
            feed(NOTE)
            await trio.sleep(0.2)
            nursery.cancel_scope.cancel()


async def test_a_note_without_words_is_not_shown_and_one_taken_back_is_told():
    async with page() as (client, feed, delivered):
        feed(attrs.evolve(NOTE, seq=1, status=Status.FAILED, text=""))
        feed(GROWING)
        feed(attrs.evolve(GROWING, status=Status.WITHDRAWN))
        await until(lambda: delivered)
        await trio.sleep(0.05)
        (note,) = (await client.get("api/notes")).json()["notes"]
        assert note["status"] == "withdrawn"


def test_a_board_gives_states_in_the_order_of_their_change():
    notes_on = Board()
    for name, text in (("a", b"a1"), ("b", b"b1"), ("a", b"a2")):
        notes_on.put(name, text)
    assert [event.data for event in notes_on.since("")] == [b"b1", b"a2"]
    assert [event.data for event in notes_on.since(notes_on.event_id(2))] == [b"a2"]
    assert [event.data for event in notes_on.since(notes_on.event_id(3))] == []
    assert len(notes_on.since("nonsense-7")) == len(notes_on.since(f"{notes_on.edition}-x")) == 2


def test_a_port_that_is_taken_is_refused_before_the_start():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used: Address already in use"):
            Web(port=port).preflight()
