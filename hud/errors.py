"""Every exception that is raised on purpose, one sentence each.

The command line turns these into one line on stderr; everything else is a bug and gets a traceback.
"""

from __future__ import annotations


class HudError(Exception):
    """Something the user can understand and act upon."""


class UsageError(HudError):
    """The configuration, the command line or the environment does not allow a start (exit 2)."""


class PipelineError(HudError):
    """The running pipeline cannot go on (exit 1)."""


class StageFailedError(PipelineError):
    """A stage crashed too often within its window."""


class ProtocolError(HudError):
    """A Realtime message, or a command in the present state, breaks the protocol."""


class ServiceError(PipelineError):
    """The model's server refused for a reason that waiting does not cure."""


class ConnectionLostError(PipelineError):
    """The connection to the model's server ended before it was closed."""


class LocalModelError(PipelineError):
    """The local model cannot be started or stopped answering."""
