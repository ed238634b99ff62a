"""A stage that crashes, returns or is cancelled at any time, against what a policy promises."""

from __future__ import annotations

import attrs
import trio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hud.errors import ServiceError, StageFailedError
from hud.supervise import RestartPolicy, supervise
from tests.properties.loop import Loop


@attrs.define
class Crash:
    time: float
    wait: float
    lasted: float


class SupervisorMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop()
        self.scope = trio.CancelScope()
        self.crashes: list[Crash] = []
        self.running = self.over = self.began_anew = False
        self.outcome: BaseException | str | None = None
        self.started = 0.0
        self.calls = 0

    @initialize(
        most=st.none() | st.integers(1, 4),
        window=st.sampled_from([5.0, 60.0]),
        longest=st.sampled_from([1.0, 4.0, 15.0]),
    )
    def begin(self, most, window, longest) -> None:
        self.policy = RestartPolicy(
            first_wait=0.5, longest_wait=longest, most_crashes=most, window=window
        )
        self.loop.start(self._supervise)
        self.loop.settle()

    async def _supervise(self) -> None:
        with self.scope:
            try:
                await supervise("stage", self._stage, self.policy, self._told)
                self.outcome = "returned"
            except (StageFailedError, ServiceError) as error:
                self.outcome = error
        self.outcome = self.outcome or "cancelled"

    async def _stage(self) -> None:
        assert not self.running, "two at once"
        self.calls += 1
        self.running, self.started = True, trio.current_time()
        self.end, self.how = trio.Event(), "return"
        try:
            await self.end.wait()
            if self.how == "crash":
                raise ValueError("crash")
            if self.how == "group":
                raise ExceptionGroup("a nursery's", [ValueError("crash")])
            if self.how == "purpose":
                raise ServiceError("on purpose")
        finally:
            self.running = False

    def _told(self, name, error, wait) -> None:
        assert isinstance(error, ValueError), "the cause is told, not its wrapping"
        now = trio.current_time()
        self.crashes.append(Crash(now, wait, now - self.started))

    def teardown(self) -> None:
        self.loop.close()

    def _finish(self, how: str) -> None:
        self.how = how
        self.loop.call(self.end.set)

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 4.0, 20.0, 61.0]))
    def time_passes(self, seconds) -> None:
        self.loop.pass_time(seconds)
        if self.outcome is None and self.crashes:
            due = self.crashes[-1].time + self.crashes[-1].wait
            assert self.running == (self.now >= due - 1e-9), "restarted at another time"

    @property
    def now(self) -> float:
        return self.loop.clock.current_time()

    @precondition(lambda self: self.running)
    @rule(how=st.sampled_from(["crash", "crash", "group"]))
    def crash(self, how) -> None:
        before = len(self.crashes)
        recent = [each for each in self.crashes if self.now - each.time <= self.policy.window]
        most = self.policy.most_crashes
        lasted = self.now - self.started
        self._finish(how)
        if most is not None and len(recent) >= most:
            assert isinstance(self.outcome, StageFailedError)
            assert f"crashed {most + 1} times within" in str(self.outcome)
            assert isinstance(self.outcome.__cause__, ValueError)
            return
        assert self.outcome is None, "given up too early"
        assert len(self.crashes) == before + 1
        long = lasted >= self.policy.longest_wait
        doubled = 2 * self.crashes[-2].wait if before else 0.0
        expected = self.policy.first_wait if long else max(self.policy.first_wait, doubled)
        assert self.crashes[-1].wait == min(expected, self.policy.longest_wait)

    @precondition(lambda self: self.running)
    @rule(seldom=st.integers(0, 5))
    def return_or_refuse(self, seldom) -> None:
        if seldom == 0:
            self._finish("return")
            assert self.outcome == "returned"
        elif seldom == 1:
            self._finish("purpose")
            assert isinstance(self.outcome, ServiceError)

    @rule(seldom=st.integers(0, 9))
    def cancel(self, seldom) -> None:
        if seldom == 0:
            self.loop.call(self.scope.cancel)
            assert self.outcome is not None
            assert not self.running

    @invariant()
    def nothing_runs_behind_the_end(self) -> None:
        assert not (self.running and self.outcome is not None)
        assert self.calls <= len(self.crashes) + 1


TestSupervisor = SupervisorMachine.TestCase
TestSupervisor.settings = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
