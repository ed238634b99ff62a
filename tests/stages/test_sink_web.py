"""The server of the page, as a program on this machine meets it."""

from __future__ import annotations

import contextlib
import re

import attrs
import httpx2
import pytest
import trio

from hud.errors import UsageError
from hud.items import Fate, Status, View
from hud.past import Past
from hud.privacy.pause import Pause
from hud.rect import Rect
from stages.sink.web import board, pages
from stages.sink.web import sink as sink_module
from stages.sink.web.board import Board
from stages.sink.web.shown import marks
from stages.sink.web.sink import Web
from tests.stages.page_notes import entry, exhibit, note_of
from tests.stages.sinking import GROWING, NOTE, notes, running, until

# The client leaves its streams to be closed by the loop.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")


@contextlib.asynccontextmanager
async def page(said=None, **options):
    """A running sink and a client whose base is the page; `said` is given what it warns of."""
    said = [] if said is None else said
    sink = Web(warn=said.append, **options)
    async with running(sink) as (feed, delivered):
        await until(lambda: said)
        address = re.fullmatch(r"the page is at (http://127\.0\.0\.1:\d+/\S+/)", said[0])[1]
        async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
            yield client, feed, delivered


async def read_events(client, count, **headers):
    """The ids and texts of so many notes from the stream, which passes on what else comes."""
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
    async with page(state=lambda: {"frames": 312}) as (client, feed, delivered):
        feed(GROWING)
        for note in notes(3):
            feed(note)
        await until(lambda: len(delivered) == 3)
        body = (await client.get("api/notes")).json()
        assert [note["text"] for note in body["notes"]] == ["New:", "note 1", "note 2", "note 3"]
        assert body["state"] == {"frames": 312}
        feed(attrs.evolve(NOTE, text="whole"))
        await until(lambda: len(delivered) == 4)
        later = (await client.get("api/notes", params={"after": body["last"]})).json()
        assert [note["text"] for note in later["notes"]] == ["whole"]
        for _ in range(2):  # with nothing new, too
            later = (await client.get("api/notes", params={"after": later["last"]})).json()
            assert later["notes"] == []


async def test_a_request_that_is_too_much_for_the_server_costs_neither_page_nor_notes():
    """Told once, by the error's name; who asks so need not know the token."""
    said = []
    async with page(said=said) as (client, feed, delivered):
        feed(notes(1)[0])
        await until(lambda: delivered)
        for _ in range(2):
            async with await trio.open_tcp_stream(
                client.base_url.host, client.base_url.port
            ) as bad:
                await bad.send_all(
                    b"GET /private HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Protocol: \xff\r\n\r\n"
                )
                with contextlib.suppress(trio.BrokenResourceError):
                    await bad.receive_some()
            found = (await again(client, "api/notes")).json()["notes"]
            assert [note["text"] for note in found] == ["note 1"]
    assert len(said) == 2
    assert "UnicodeDecodeError" in said[1]
    assert "private" not in said[1]


async def again(client, path):
    """An answer, also while the server is about to listen again."""
    with trio.fail_after(10):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                return await client.get(path)
            await trio.sleep(0.05)


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


@pytest.mark.parametrize("path", ["", "events", "api/notes", "page.js", "pictures/0/x"])
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
    monkeypatch.setattr(board, "MOST", board.MOST | {board.NOTE: 10})
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
    shown = Board()
    for kind, name, text in (("note", "a", b"a1"), ("fate", "1", b"b1"), ("note", "a", b"a2")):
        shown.put(kind, name, text)
    assert [event.data for event in shown.since("")] == [b"b1", b"a2"]
    assert [event.data for event in shown.since("", "fate")] == [b"b1"]
    assert [event.data for event in shown.since(shown.event_id(2))] == [b"a2"]
    assert [event.data for event in shown.since(shown.event_id(3))] == []
    assert len(shown.since("nonsense-7")) == len(shown.since(f"{shown.edition}-x")) == 2


async def test_what_became_of_the_frames_is_told_as_it_grows(monkeypatch):
    monkeypatch.setattr(sink_module, "PERIOD", 0.02)
    past = Past()
    async with page(past=past) as (client, _, _):

        async def fates(after=""):
            return (await client.get("api/fates", params={"after": after})).json()

        past.settle(entry(1, Fate.NOISE))
        past.settle(entry(2, Fate.SENT))
        await trio.sleep(0.2)
        body = await fates()
        assert [each["frames"] for each in body["fates"]] == [[[1, 1]], [[2, 2]]]
        past.settle(entry(3, Fate.NOISE))
        await trio.sleep(0.2)
        [grown] = (await fates(body["last"]))["fates"]
        assert (grown["frames"], grown["fate"]) == ([[1, 1], [3, 3]], "noise")


async def test_a_picture_is_served_with_its_regions_until_it_is_forgotten(monkeypatch):
    past, odd = Past(), attrs.evolve(note_of(7, NOTE.status, "a"), session="se/ss 1")
    past.show(exhibit(odd))
    async with page(past=past) as (client, feed, delivered):
        feed(odd)
        await until(lambda: delivered)
        [note] = (await client.get("api/notes")).json()["notes"]
        [shown] = note["shown"]
        assert shown["size"] == [140, 80]
        # The region of 100 x 40 stands in the middle of what is 140 x 80.
        assert shown["marks"] == [[0.1429, 0.25, 0.7143, 0.5]]
        picture = await client.get(shown["src"])
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content == next(iter(past.exhibits.values())).pictures[0].jpeg
        why = (await client.get("api/why/" + shown["src"].rpartition("/")[2])).json()
        assert why["caption"] == "14:03:20, screen 1 (900x900)"
        assert why["pictures"] == [shown]
        assert (await client.get(shown["src"].replace("/0/", "/1/"))).status_code == 404
        past.exhibits.clear()
        assert (await client.get(shown["src"])).status_code == 404
        assert (await client.get("api/why/x")).status_code == 404


def test_regions_are_marked_in_pictures_of_several_parts():
    parts = (Rect(0, 0, 100, 42), Rect(500, 500, 50, 50))
    view = View(parts, (100, 100))
    regions = (Rect(10, 0, 10, 21), Rect(490, 525, 20, 10), Rect(900, 0, 1, 1), parts[1])
    assert list(marks(view, regions)) == [
        [0.1, 0.0, 0.1, 0.21],
        [0.0, 0.75, 0.1, 0.1],
        [0.0, 0.5, 0.5, 0.5],
    ]
    assert list(marks(View(parts[:1], (100, 42)), parts[:1])) == []


async def test_the_page_pauses_and_shows_what_is_paused_from_elsewhere():
    pause = Pause()
    state = lambda: {"paused": pause.paused}  # noqa: E731
    async with page(pause=pause, state=state) as (client, _, _):
        assert (await client.post("api/pause")).json() == {"paused": True}
        assert pause.paused
        ours = str(client.base_url).rsplit("/", 2)[0]
        await client.post("api/resume", headers={"Origin": ours})
        assert not pause.paused
        seen = []

        async def watch():
            async with client.stream("GET", "events") as response:
                async for line in response.aiter_lines():
                    if line.startswith('data: {"paused"'):
                        seen.append(line)
                    if "true" in line:
                        return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await until(lambda: seen)
            pause.turn(paused=True)
        assert seen[-1] == 'data: {"paused":true}'


async def test_what_has_gone_wrong_is_told_at_once():
    wrong, turned = [], trio.Event()

    async def wait_turned():
        await turned.wait()
        await trio.sleep(0.05)

    sink = page(turned=wait_turned, state=lambda: {"wrong": wrong})
    async with sink as (client, _, _), client.stream("GET", "events") as response:
        async for line in response.aiter_lines():
            if line == 'data: {"wrong":[]}':
                wrong.append("session down")
                turned.set()
            if "session down" in line:
                break


async def test_nobody_else_can_pause():
    pause = Pause()
    async with page(pause=pause) as (client, _, _):
        for headers in ({"Origin": "http://evil.test"}, {"Origin": "null"}, {"Host": "evil.test"}):
            assert (await client.post("api/pause", headers=headers)).status_code == 403
        root = f"http://{client.base_url.netloc.decode()}"
        assert (await client.post(f"{root}/guess/api/pause")).status_code == 404
        assert (await client.get("api/pause")).status_code == 405
        assert not pause.paused
    async with page() as (client, _, _):
        assert (await client.post("api/pause")).status_code == 409


def test_a_port_that_is_taken_is_refused_before_the_start():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used: Address already in use"):
            Web(port=port).preflight()
