"""What is spent, kept across runs in a file that one program writes at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import pathlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from hud.boottime import boot, boottime
from hud.errors import UsageError
from hud.realtime.budget import Budget, Limit, Step
from hud.stage import between, option

HOUR, DAY = 3600.0, 86_400.0
_VERSION = 1
_DOLLARS = between(0.001, 1e6)


@attrs.frozen
class BudgetOptions:
    """Hard limits, each optional; the pace is spread over each period."""

    usd_per_hour: float | None = option(
        None, meaning="dollars in any hour, at most", check=_DOLLARS
    )
    usd_per_day: float | None = option(
        None, meaning="dollars in any 24 hours, at most", check=_DOLLARS
    )
    usd_per_run: float | None = option(None, meaning="dollars in one run, at most", check=_DOLLARS)
    tokens_per_minute: float | None = option(
        None, meaning="tokens in any minute, at most; cached ones count", check=between(1000, 1e9)
    )
    local: bool = option(
        True, meaning="let the local model go on when the money is spent (needs the extra local)"
    )
    file: str | None = option(
        None, meaning="where spending is kept across runs (default: spending.json of the user)"
    )

    def make(self, *, words: bool, local: bool) -> Budget:
        """A budget with nothing spent; `words` and `local` say what turns can be reduced to."""
        usd = [
            Limit("hour", self.usd_per_hour or math.inf, HOUR),
            Limit("day", self.usd_per_day or math.inf, DAY),
            Limit("run", self.usd_per_run or math.inf, math.inf),
        ]
        tokens = [Limit("minute", self.tokens_per_minute or math.inf, 60.0)]
        steps = [Step.SMALLER, *([Step.WORDS] if words else [])]
        return Budget(usd, tokens, [*steps, *([Step.LOCAL] if local and self.local else [])])

    @property
    def limits(self) -> bool:
        """Whether there is any limit."""
        return self.needs_past or self.usd_per_run is not None or self.tokens_per_minute is not None

    @property
    def needs_past(self) -> bool:
        """Whether what earlier runs spent counts."""
        return self.usd_per_hour is not None or self.usd_per_day is not None

    @property
    def path(self) -> pathlib.Path:
        """Where spending is kept."""
        if self.file is not None:
            return pathlib.Path(self.file).expanduser()
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return pathlib.Path(state).expanduser() / "hud" / "spending.json"


@attrs.frozen
class Clock:
    """A clock that nobody can set, as long as the machine runs."""

    seconds: Callable[[], float] = boottime
    boot: str = attrs.field(factory=boot)
    """Which start of the machine it counts from, "" where nobody knows."""


class Account:
    """The file, and the right to write it."""

    def __init__(self, path: pathlib.Path, limits: list[Limit], clock: Clock, now: float) -> None:
        self._path = path
        self._limits = {limit.name: limit for limit in limits}
        self._clock = clock
        self._start = now - clock.seconds()
        """On the wall clock as it was set when this run began."""
        self._turn = threading.Lock()
        self._taken = self._saved = 0
        """Numbers of the state that was taken last, and of the one that is kept."""

    def load(self, now: float) -> None:
        """Count what earlier runs spent; `now` in seconds since the epoch.

        Since the machine was started nobody needs the wall clock, which may have been set.

        Raises:
            UsageError: the file is damaged, so that nobody knows what was spent.
        """
        try:
            state = json.loads(self._path.read_text())
            if state["version"] != _VERSION:
                raise ValueError(state["version"])
            moved = self._moved(state.get("clock"), now)
            for name, limit in self._limits.items():
                if name in state["limits"]:
                    limit.restore(_at_other_time(state["limits"][name], moved), now)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{self._path}: what was spent cannot be read ({error}); move the file away to "
                "count from nothing"
            ) from None

    def state(self) -> tuple[int, str]:
        """What `save` writes, and its number; to be taken on the thread that spends."""
        limits: dict[str, Any] = {name: each.state() for name, each in self._limits.items()}
        seconds = self._clock.seconds()
        clock = {"boot": self._clock.boot, "seconds": seconds, "wall": self._start + seconds}
        self._taken += 1
        text = json.dumps({"version": _VERSION, "clock": clock, "limits": limits})
        return self._taken, text

    def save(self, state: tuple[int, str]) -> None:
        """Replace the file; may be called from several threads.

        One that was left behind at a disk that hung does not undo what was kept since.

        Raises:
            OSError: it cannot be written now.
        """
        number, text = state
        with self._turn:
            if number > self._saved:
                self._replace(text)
                self._saved = number

    def _moved(self, then: Mapping[str, Any] | None, now: float) -> float:
        """By how many seconds the wall clock was set since a state was kept, as far as known."""
        if then is None or not self._clock.boot or then["boot"] != self._clock.boot:
            return 0.0
        passed = self._clock.seconds() - float(then["seconds"])
        return now - (float(then["wall"]) + passed)

    def _replace(self, text: str) -> None:
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            # Else a loss of power can leave an empty file in the place of what was spent.
            os.fsync(file.fileno())
        fresh.replace(self._path)


@contextlib.contextmanager
def open_account(
    budget: Budget, path: pathlib.Path, now: float, clock: Clock | None = None
) -> Iterator[Account]:
    """Take the file for this run, and count what it holds.

    Raises:
        UsageError: another run has it, it is damaged, or it cannot be written.
    """
    lasting = [each for each in budget.limits if not math.isinf(each.period)]
    account = Account(path, lasting, clock or Clock(), now)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(
            f"{path}: spending cannot be kept there ({error.strerror}); set budget.file"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        account.load(now)
        yield account
    except BlockingIOError:
        raise UsageError(
            f"{path}: another hud keeps its spending there; give this one its own budget.file"
        ) from None
    finally:
        os.close(lock)


def _at_other_time(state: Mapping[str, Any], moved: float) -> dict[str, Any]:
    """The state of a limit as it would be if the clock had always stood `moved` seconds later."""
    slices = [[float(end) + moved, amount] for end, amount in state["slices"]]
    return {**state, "at": float(state["at"]) + moved, "slices": slices}
