"""What is spent, kept across runs in a file that one program writes at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import attrs

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


class Account:
    """The file, and the right to write it."""

    def __init__(self, path: pathlib.Path, limits: list[Limit]) -> None:
        self._path = path
        self._limits = {limit.name: limit for limit in limits}

    def load(self, now: float) -> None:
        """Count what earlier runs spent; `now` in seconds since the epoch.

        Raises:
            UsageError: the file is damaged, so that nobody knows what was spent.
        """
        try:
            state = json.loads(self._path.read_text())
            if state["version"] != _VERSION:
                raise ValueError(state["version"])
            for name, limit in self._limits.items():
                if name in state["limits"]:
                    limit.restore(state["limits"][name], now)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{self._path}: what was spent cannot be read ({error}); move the file away to "
                "count from nothing"
            ) from None

    def state(self) -> str:
        """What `save` writes; to be taken on the thread that spends."""
        limits: dict[str, Any] = {name: each.state() for name, each in self._limits.items()}
        return json.dumps({"version": _VERSION, "limits": limits})

    def save(self, state: str) -> None:
        """Replace the file; may be called from a thread."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(state)
        fresh.replace(self._path)


@contextlib.contextmanager
def open_account(budget: Budget, path: pathlib.Path, now: float) -> Iterator[Account]:
    """Take the file for this run, and count what it holds.

    Raises:
        UsageError: another run has it, it is damaged, or it cannot be written.
    """
    account = Account(path, [each for each in budget.limits if not math.isinf(each.period)])
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
