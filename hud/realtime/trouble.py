"""What can go wrong between us and a Realtime server, and what cures it.

The rules are those observed on the service and of the clients that others keep in production: an
error's code or its type decides, because the service changed a code once and kept the type, and
compatible servers put the code into the type.
"""

from __future__ import annotations

import enum
import re

import attrs


class Cure(enum.Enum):
    """What is done about a trouble."""

    STOP = "giving up"
    """Only the user can cure it; trying again would cost money or never end."""
    WAIT = "asking again when it has passed"
    """The service said, or meant, not now."""
    ASK_AGAIN = "asking again"
    """The same session may answer the next time."""
    RECONNECT = "connecting again"
    """The session is over or not to be trusted any more."""
    DROP = "leaving this change out"
    """This very request can never succeed."""


@attrs.frozen
class Trouble:
    """One thing that went wrong, in the server's words."""

    code: str
    """The service's word for it, or ours where it has none: `closed 1006`, `HTTP 503`."""
    message: str = ""
    kind: str = ""
    """The type of the error, where the service names one."""
    cure: Cure = attrs.field(kw_only=True)
    wait: float | None = attrs.field(default=None, kw_only=True)
    """Seconds that the service asks us to wait."""

    @cure.default
    def _cure(self) -> Cure:
        # A server that passes a failure on may quote the cause in its message only.
        quoted = _QUOTED_CODE.search(self.message)
        cause = quoted.group(1) if quoted and self.code in _RELAYED else ""
        return _cure_of(cause or self.code, self.kind)

    def __attrs_post_init__(self) -> None:
        if self.wait is None:
            object.__setattr__(self, "wait", delay_in(self.message))

    @property
    def is_internal(self) -> bool:
        """Whether the service calls it its own fault."""
        return "server_error" in {self.code, self.kind}

    @property
    def is_refusal(self) -> bool:
        """Whether the service calls the request itself wrong."""
        return self.cure is Cure.ASK_AGAIN and self.kind == "invalid_request_error"

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.code, self.message])) or "an error without words"


FATAL = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "invalid_api_key",
        "account_deactivated",
        "model_not_found",
        "beta_api_shape_disabled",
    }
)
"""Codes and types after which a new connection would meet the same end."""

ADVICE = {
    "HTTP 401": "check the key in the variable that realtime.api_key_env names",
    "invalid_api_key": "check the key in the variable that realtime.api_key_env names",
    "insufficient_quota": "check the plan and the billing of the account",
    "billing_hard_limit_reached": "check the plan and the billing of the account",
    "credit_balance_exhausted": "check the plan and the billing of the account",
    "model_not_found": "choose a model that the server has with realtime.model",
    "HTTP 404": "check realtime.url and realtime.model",
    "beta_api_shape_disabled": "something on the way still adds the header OpenAI-Beta",
    "unknown_parameter": "name what the server understands with realtime.session_fields",
    "certificate": "name the authority that the server trusts in SSL_CERT_FILE",
}
"""What a user can do, by code."""

_CURES = {
    "rate_limit_exceeded": Cure.WAIT,
    "conversation_already_has_active_response": Cure.WAIT,
    "session_expired": Cure.RECONNECT,
    "session_limit_reached": Cure.RECONNECT,
}
_RELAYED = frozenset({"response_failed"})
_QUOTED_CODE = re.compile(r"""['"]code['"]: *['"](\w{1,64})['"]""")
_FATAL_CLOSES = frozenset({1008, 3000, 3003, 4000})
"""Policy, unauthorized, forbidden, and the refusal of the beta shape."""
_TOO_BIG = 1009
_TRANSIENT = frozenset({408, 409, 425, 429})
_DELAY = re.compile(
    r"try again in (?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)(ms|s))?",
    re.IGNORECASE,
)
LONGEST_WAIT = 3600.0
"""Seconds; a server may ask for less, but not for more."""


def _cure_of(code: str, kind: str) -> Cure:
    if code in FATAL or kind in FATAL:
        return Cure.STOP
    return _CURES.get(code) or _CURES.get(kind) or Cure.ASK_AGAIN


def closed(code: int, reason: str) -> Trouble:
    """The trouble that a WebSocket's close means. RFC 6455, section 7.4, names the codes."""
    cure = Cure.RECONNECT
    if code in _FATAL_CLOSES or any(word in reason for word in FATAL):
        cure = Cure.STOP
    elif code == _TOO_BIG:
        cure = Cure.DROP
    return Trouble(f"closed {code}", reason, cure=cure)


def refused(status: int, said: Trouble, retry_after: str = "") -> Trouble:
    """The trouble that a refused upgrade means: 429 and 5xx pass, all others stay.

    `retry_after` is the header's value; a date in it is not understood.
    """
    message = str(said) if said.code or said.message else "no reason given"
    wait = float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after.strip()) else None
    passes = status >= 500 or status in _TRANSIENT
    fatal = not passes or said.cure is Cure.STOP
    cure = Cure.STOP if fatal else Cure.RECONNECT
    return Trouble(f"HTTP {status}", message, said.kind, cure=cure, wait=wait)


def delay_in(message: str) -> float | None:
    """Seconds of `try again in 1m26.4s`, None where a message says nothing like it."""
    match = _DELAY.search(message)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, number, unit = match.groups()
    seconds = float(number or 0) / (1000 if unit and unit.lower() == "ms" else 1)
    return min(LONGEST_WAIT, int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds)
