"""The stand-in for the model, asked by the real sender."""

from __future__ import annotations

import attrs
import cv2
import numpy as np
import pytest
import trio

from hud.bench.model import WORDS, open_stand_in
from hud.channel import EdgeOptions, open_edge
from hud.errors import ServiceError
from hud.items import Status
from stages.send.realtime import Realtime
from tests import fakes


def with_a_picture(shot):
    jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    return attrs.evolve(shot, pictures=tuple(attrs.evolve(p, jpeg=jpeg) for p in shot.pictures))


async def test_every_shot_is_an_arrival_and_gets_the_same_answer():
    async with open_stand_in(0.05) as model, trio.open_nursery() as nursery:
        sender = Realtime(url=model.url, key=model.key, free=True)
        shots, inbox = open_edge("encode→send", EdgeOptions())
        outbox, notes = open_edge("send→assemble", EdgeOptions())
        nursery.start_soon(sender.run, inbox, outbox)
        for number in (1, 2, 3):
            begin = trio.current_time()
            await shots.send(with_a_picture(fakes.shot(number)))
            delta = await notes.receive()
            while delta.status is Status.IN_PROGRESS:
                delta = await notes.receive()
            assert delta.text == WORDS
            # By the clock, within which the answer must not come.
            assert trio.current_time() - begin >= 0.05
        nursery.cancel_scope.cancel()
    assert len(model.arrivals) == 3
    assert all(arrival.size > 100 for arrival in model.arrivals)
    times = [arrival.time for arrival in model.arrivals]
    assert times == sorted(times)


async def test_a_request_without_a_picture_is_no_arrival():
    async with open_stand_in(0.0) as model:
        assert await model.note("session", []) == WORDS
        assert model.arrivals == []
        assert not model.arrived.is_set()


async def test_only_who_knows_the_key_is_let_in():
    async with open_stand_in(0.0) as model:
        sender = Realtime(url=model.url, key="wrong", free=True)
        _shots, inbox = open_edge("encode→send", EdgeOptions())
        outbox, _notes = open_edge("send→assemble", EdgeOptions())
        with pytest.raises(ServiceError, match="401"):
            await sender.run(inbox, outbox)
