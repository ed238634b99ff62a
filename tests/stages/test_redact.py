from __future__ import annotations

import itertools

import attrs
import cv2
import numpy as np
import pytest
import trio

from hud.channel import open_edge
from hud.errors import LocalModelError
from hud.items import Cause, Change
from hud.ledger import Ledger
from hud.local.reader import Line, Word
from hud.pipeline import edges
from hud.privacy.secrets import Secrets
from hud.realtime.budget import Step
from hud.rect import Rect
from stages.encode.draw import BLOT
from stages.encode.jpeg import Jpeg
from stages.encode.redact import OVERLAP, TILE, Redaction, to_read
from tests import fakes

WHITE = np.full((720, 1280, 4), 255, np.uint8)
SECRET = Rect(500, 300, 200, 16)
"""Where the reader finds one on the screen."""


@attrs.define
class Reading:
    """Finds one secret on the screen, whatever part of it is read, after some seconds."""

    seconds: float = 0.1
    broken: bool = False
    parts: list[tuple[int, int]] = attrs.field(factory=list)

    async def read(self, pictures):
        await trio.sleep(self.seconds)
        if self.broken:
            raise LocalModelError("gone")
        found = []
        for data in pictures:
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            self.parts.append(picture.shape[:2])
            ys, xs = np.nonzero(picture[..., 0] == 0)
            if not len(xs):
                found.append(())
                continue
            x, y, right = int(xs.min()), int(ys.min()), int(xs.max()) + 1
            rect = Rect(x, y, right - x, SECRET.height)
            text = "bob@example.com"
            found.append((Line(text, rect, 0.99, (Word(text, x, right),)),))
        return found


def screen():
    pixels = WHITE.copy()
    pixels[SECRET.slices] = 0
    return pixels


def change(*regions, cause=Cause.CONTENT, seq=1):
    return Change(attrs.evolve(fakes.frame(pixels=screen()), seq=seq), regions, cause, "test")


def encoder(reading, **settings):
    options = {"within": 5.0, "unread": "withhold"} | settings
    return Jpeg(redaction=Redaction(Secrets.named(["all"]), reading, **options))


async def shots(stage, *changes):
    before, inbox = trio.open_memory_channel(9)
    outbox, after = trio.open_memory_channel(9)
    for each in changes:
        await before.send(each)
    before.close()
    with outbox:
        await stage.run(inbox, outbox)
    return [shot async for shot in after]


def shows_secret(shot) -> bool:
    """Whether anything black is left in any picture."""
    pictures = [cv2.imdecode(np.frombuffer(p.jpeg, np.uint8), 0) for p in shot.pictures]
    return any((picture < BLOT - 40).any() for picture in pictures)


@pytest.mark.parametrize("region", [Rect(480, 290, 260, 40), Rect(600, 300, 60, 16)])
async def test_a_secret_is_painted_over_wherever_the_picture_cuts_it(region, autojump_clock):
    plain, painted = (
        await shots(Jpeg(), change(region)),
        await shots(encoder(Reading()), change(region)),
    )
    assert shows_secret(plain[0])
    assert not shows_secret(painted[0])
    assert painted[0].pictures
    assert "hide secrets" in painted[0].caption
    assert "hide secrets" not in plain[0].caption


async def test_the_frame_itself_is_left_as_it_is(autojump_clock):
    one = change(SECRET)
    await shots(encoder(Reading()), one)
    assert (one.frame.pixels == screen()).all()


async def test_a_first_frame_is_painted_too(autojump_clock):
    (shot,) = await shots(encoder(Reading()), change(Rect(0, 0, 1280, 720), cause=Cause.FIRST))
    assert not shows_secret(shot)


@pytest.mark.parametrize("reading", [Reading(seconds=9), Reading(broken=True)])
async def test_what_could_not_be_read_is_withheld(reading, autojump_clock):
    (shot,) = await shots(encoder(reading), change(SECRET))
    assert shot.withheld
    assert shot.pictures == ()


async def test_it_is_sent_where_the_user_chose_so(autojump_clock):
    (shot,) = await shots(encoder(Reading(seconds=9), unread="send"), change(SECRET))
    assert not shot.withheld
    assert shows_secret(shot)


async def test_a_withheld_shot_goes_no_further_and_has_a_fate(autojump_clock):
    ledger = Ledger()
    options = edges({})
    outbox, inbox = open_edge("encode→send", options["send"], ledger)
    ledger.offered("capture→change", fakes.frame(1))
    ledger.offered("capture→change", fakes.frame(2))
    withheld = attrs.evolve(fakes.shot(1), withheld=True)
    async with trio.open_nursery() as nursery:

        async def send():
            with outbox:
                await outbox.send(withheld)
                await outbox.send(fakes.shot(2))

        nursery.start_soon(send)
        assert [shot.seq async for shot in inbox] == [2]
    assert ledger.summary() == "2 frames: 1 withheld by privacy"


def row(text, y):
    """As a reader gives it of a part of the screen, ten columns a letter."""
    words, at = [], 440
    for each in text.split():
        words.append(Word(each, at, at + 10 * len(each)))
        at += 10 * len(each) + 10
    return Line(text, Rect(440, y, 10 * len(text), 16), 0.99, tuple(words))


@attrs.define
class Rows:
    """Reads rows 20 apart around the region, as far as the part that is read reaches."""

    rows: tuple[str, ...]
    parts: list[int] = attrs.field(factory=list)

    async def read(self, pictures):
        (picture,) = pictures
        height = cv2.imdecode(np.frombuffer(picture, np.uint8), 0).shape[0]
        self.parts.append(height)
        middle = height // 2 - 8
        ys = [middle + 20 * (number - len(self.rows) // 2) for number in range(len(self.rows))]
        seen = zip(self.rows, ys, strict=True)
        return [[row(text, y) for text, y in seen if y >= 0 and y + 16 <= height]]


BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwgg"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxNzY2MDkwOTIi"
SPLIT = {
    "the body of a key": ("x", "-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhki gb", BODY, "y"),
    "the rest of a token": (f"see {TOKEN}", "LCJpYXQiOjE1Nzk2", "oWtABC9 (new)"),
    "a key that begins above": ("-----BEGIN PRIVATE KEY-----", "abcdef1ghijkl", "fine again"),
}


@pytest.mark.parametrize("name", SPLIT)
@pytest.mark.parametrize("way", ["encode.show", "budget"])
async def test_words_are_hidden_where_a_picture_would_be_painted_over(name, way, autojump_clock):
    rows = SPLIT[name]
    reader = Rows(rows)
    stage = attrs.evolve(
        encoder(reader),
        reader=reader,
        show="text" if way == "encode.show" else "picture",
        step=lambda: Step.FULL if way == "encode.show" else Step.WORDS,
    )
    middle = rows[len(rows) // 2]
    (shot,) = await shots(stage, change(Rect(500, 300, 200, 16)))
    assert shot.pictures == ()
    assert "[hidden]" in shot.caption
    assert not any(word in shot.caption for word in middle.split())


async def test_words_beside_a_secret_are_told(autojump_clock):
    reader = Rows(("from bob@example.com: hello world",))
    stage = attrs.evolve(encoder(reader), reader=reader, show="text")
    (shot,) = await shots(stage, change(Rect(500, 300, 200, 16)))
    assert '"from [hidden] hello world"' in shot.caption


def test_a_large_screen_is_read_in_pieces_that_overlap():
    frame = fakes.frame(pixels=np.zeros((2160, 3840, 4), np.uint8))
    parts = list(to_read(frame, [frame.whole]))
    assert all(part.width <= TILE[0] and part.height <= TILE[1] for part in parts)
    covered = np.zeros((2160, 3840), np.bool_)
    for part in parts:
        covered[part.slices] = True
    assert covered.all()
    row = sorted({(part.x, part.right) for part in parts})
    assert all(one[1] - other[0] >= OVERLAP[0] for one, other in itertools.pairwise(row))
