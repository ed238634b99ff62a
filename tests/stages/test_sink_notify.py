"""Through the real Apprise, to real HTTP servers that speak as its services do."""

from __future__ import annotations

import json

import attrs
import pytest

from hud.errors import UsageError
from stages.sink import backlog
from stages.sink.notify import Notify
from tests.stages.sinking import NOTE, notes, running, until
from tests.stages.test_sink_webhook import serving

# Apprise's own, while it loads its services.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(backlog, "FIRST_WAIT", 0.02)


async def test_every_service_gets_each_note_once_though_one_fails_first(monkeypatch):
    said = []
    with serving() as one, serving() as two:
        two.answers = [500, 500]
        urls = f"json://127.0.0.1:{one.server_port} json://127.0.0.1:{two.server_port}"
        monkeypatch.setenv("HUD_NOTIFY_URLS", urls)
        async with running(Notify(title="screen", warn=said.append)) as (feed, delivered):
            feed(attrs.evolve(NOTE, text=""))
            for note in notes(3):
                feed(note)
            await until(lambda: len(delivered) == 4)
    first = [json.loads(body) for _, body in one.posts]
    second = [json.loads(body)["message"] for _, body in two.posts]
    assert [(post["title"], post["message"]) for post in first] == [
        ("screen", f"note {seq}") for seq in (1, 2, 3)
    ]
    assert second == ["note 1"] * 3 + ["note 2", "note 3"]
    assert len(said) == 2


async def test_a_note_is_given_up_for_a_service_that_always_refuses(monkeypatch):
    said = []
    with serving() as server:
        server.answers = [403] * 3
        monkeypatch.setenv("URLS", f"json://127.0.0.1:{server.server_port}")
        sink = Notify(urls_env="URLS", tries=3, warn=said.append)
        async with running(sink) as (feed, delivered):
            for note in notes(2):
                feed(note)
            await until(lambda: len(delivered) == 2)
    assert any("did not take a note 3 times" in sentence for sentence in said)
    assert [json.loads(body)["message"] for _, body in server.posts] == ["note 1"] * 3 + ["note 2"]


@pytest.mark.parametrize(
    ("urls", "says"),
    [
        ("", "set the environment variable HUD_NOTIFY_URLS"),
        ("json://localhost nothing://secret", "does not know address number 2$"),
    ],
)
def test_a_wrong_address_is_refused_without_showing_it(monkeypatch, urls, says):
    monkeypatch.setenv("HUD_NOTIFY_URLS", urls)
    with pytest.raises(UsageError, match=says):
        Notify().preflight()
