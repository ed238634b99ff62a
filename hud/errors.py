"""Every exception that is raised on purpose, one sentence each.

The command line turns these into one line on stderr; everything else is a bug and gets a traceback.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from hud.realtime.trouble import Trouble


class HudError(Exception):
    """Something the user can understand and act upon."""


class UsageError(HudError):
    """The configuration, the command line or the environment does not allow a start (exit 2)."""


class UnsetError(UsageError):
    """A variable of the environment is not set, which is no fault of the configuration."""


class PipelineError(HudError):
    """The running pipeline cannot go on (exit 1)."""


class StageFailedError(PipelineError):
    """A stage crashed too often within its window."""


class ProtocolError(HudError):
    """A Realtime message, or a command in the present state, breaks the protocol."""


class ServiceError(PipelineError):
    """The model's server refused for a reason that waiting does not cure."""


class ConnectionLostError(PipelineError):
    """The connection to the model's server could not be had, or ended; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class ScreenGoneError(PipelineError):
    """The X server ended, or ended our connection."""


class LocalModelError(PipelineError):
    """The local model cannot be started or stopped answering."""


class NotRunningError(HudError):
    """There is no running program to talk to."""


class OutputGoneError(PipelineError):
    """Nobody reads our stdout any more."""


@contextlib.contextmanager
def unwrapped() -> Iterator[None]:
    """Let an error raised on purpose leave the nurseries around it as itself, not as a group."""
    try:
        yield
    except BaseExceptionGroup as group:
        ours, others = group.split(HudError)
        if ours is None or others is not None:
            raise
        raise _first(ours) from None


def _first(group: BaseExceptionGroup[HudError]) -> HudError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def cause(error: Exception) -> Exception:
    """What is inside a nursery's group of one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def lacks_resources(error: Exception) -> bool:
    """Whether the system refused what others may give back: that is no fault of who asked."""
    if isinstance(error, OSError):
        return error.errno in _LACKS
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


_LACKS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.ENOSPC}
