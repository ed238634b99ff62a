from __future__ import annotations

import errno

import pytest
import trio

from hud.errors import ServiceError, StageFailedError
from hud.supervise import RestartPolicy, supervise

POLICY = RestartPolicy(first_wait=1, longest_wait=4, most_crashes=3, window=60)


class Crashes:
    """Crashes a number of times, then returns."""

    def __init__(self, times, lasting=0.0):
        self.times, self.lasting, self.starts, self.told = times, lasting, [], []

    async def run(self):
        self.starts.append(trio.current_time())
        await trio.sleep(self.lasting)
        if len(self.starts) <= self.times:
            raise ValueError(f"crash {len(self.starts)}")

    def crashed(self, name, error, wait):
        self.told.append((name, str(error), wait))


async def test_restarts_with_growing_waits(autojump_clock):
    stage = Crashes(3)
    await supervise("encode", stage.run, POLICY, stage.crashed)
    assert [start - stage.starts[0] for start in stage.starts] == [0, 1, 3, 7]
    assert stage.told == [
        ("encode", "crash 1", 1),
        ("encode", "crash 2", 2),
        ("encode", "crash 3", 4),
    ]


async def test_too_many_crashes_within_the_window_give_up(autojump_clock):
    stage = Crashes(99)
    with pytest.raises(
        StageFailedError, match=r"encode crashed 4 times within 60 s, last with ValueError: crash 4"
    ):
        await supervise("encode", stage.run, POLICY, stage.crashed)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("can't start new thread"),
        MemoryError(),
    ],
)
async def test_what_the_system_cannot_give_now_is_waited_for(autojump_clock, error):
    times = []

    async def lack():
        times.append(trio.current_time())
        if len(times) < 30:
            raise error

    await supervise("encode", lack, POLICY, Crashes(0).crashed)
    assert len(times) == 30
    assert times[-1] - times[-2] == POLICY.longest_wait


async def test_rare_crashes_never_give_up(autojump_clock):
    stage = Crashes(20, lasting=30)
    await supervise("encode", stage.run, POLICY, stage.crashed)
    assert {wait for _, _, wait in stage.told} == {1}


async def test_without_a_limit_it_goes_on_for_ever(autojump_clock):
    policy = RestartPolicy(first_wait=1, longest_wait=8, most_crashes=None)
    stage = Crashes(50)
    await supervise("file", stage.run, policy, stage.crashed)
    assert len(stage.starts) == 51


async def test_an_error_raised_on_purpose_is_no_crash():
    stage = Crashes(0)

    async def refuse():
        raise ServiceError("no money")

    with pytest.raises(ServiceError, match="no money"):
        await supervise("send", refuse, POLICY, stage.crashed)
    assert stage.told == []


async def test_whoever_ran_as_long_as_the_longest_wait_starts_anew(autojump_clock):
    stage = Crashes(3, lasting=POLICY.longest_wait)
    await supervise("encode", stage.run, POLICY, stage.crashed)
    assert [wait for _, _, wait in stage.told] == [1, 1, 1]


async def supervised(lasting, error_of=lambda run: ValueError(f"crash {run}")):
    """How many runs there were of a stage that crashes after each of these times, then returns."""
    runs = 0

    async def run():
        nonlocal runs
        runs += 1
        if runs <= len(lasting):
            await trio.sleep(lasting[runs - 1])
            raise error_of(runs)

    await trio.sleep(1000)  # the clock's own beginning is no crash
    try:
        await supervise("encode", run, POLICY, Crashes(0).crashed)
    except StageFailedError:
        return runs, "gave up"
    return runs, "went on"


# Each run is longer than the longest wait, so that the next one begins a second after its end.
@pytest.mark.parametrize(
    ("lasting", "end"),
    [
        ([50, 19, 19, 19], (4, "gave up")),  # four crashes in 60 s
        ([50, 19, 19, 19.5], (5, "went on")),
        ([50, 19, 19, 19.5, 4], (5, "gave up")),  # the last four in 45.5 s, the first is forgotten
        ([99, 99, 99, 99, 99, 9, 9, 9], (8, "gave up")),
    ],
)
async def test_the_window_goes_along_with_the_last_crashes(autojump_clock, lasting, end):
    assert await supervised(lasting) == end


async def test_what_the_system_could_not_give_is_not_counted_as_a_crash(autojump_clock):
    def error_of(run):
        return ValueError("crash") if run > 9 else OSError(errno.EMFILE, "Too many open files")

    assert await supervised([1] * 12, error_of) == (13, "went on")
    assert await supervised([1] * 13, error_of) == (13, "gave up")
