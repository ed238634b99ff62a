"""Who may open a session: the answer to an HTTP upgrade, decided without I/O."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qs, urlsplit

import attrs
import orjson

PATH = "/v1/realtime"
_SUBPROTOCOL = "realtime"
_SUBPROTOCOL_KEY = "openai-insecure-api-key."


@attrs.frozen
class Refusal:
    """No WebSocket: an HTTP status and a JSON body."""

    status: int
    body: bytes


@attrs.frozen
class Admission:
    """A WebSocket."""

    model: str
    subprotocol: str | None
    beta: bool
    """The client asked for the beta shape, which is refused in the first frame only."""


def decide(
    target: str, headers: Sequence[tuple[bytes, bytes]], subprotocols: Sequence[str], key: str
) -> Admission | Refusal:
    """Decide about a request for `target`; the names of `headers` are in lower case.

    The key may come as a bearer token, in the header `api-key`, or as a subprotocol (for browsers,
    which cannot set headers). Pages of other machines in a browser of this one are turned away
    even if they know the key.
    """
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    where = _split(target)
    if "origin" in given and not is_local(_host(given["origin"])):
        return _refusal(403, "invalid_origin", "Pages of other machines may not connect.")
    if where is None or where.path.rstrip("/") != PATH:
        return _refusal(404, "not_found", f"There is nothing here but {PATH}.")
    if not any(_same(offer, key) for offer in _offers(given, subprotocols)):
        return _refusal(401, "invalid_api_key", "Incorrect API key provided.")
    models = parse_qs(where.query).get("model")
    if not models:
        message = "Missing required parameter: 'model'."
        return _refusal(400, "missing_required_parameter", message)
    subprotocol = _SUBPROTOCOL if _SUBPROTOCOL in subprotocols else None
    return Admission(models[0], subprotocol, "realtime=v1" in given.get("openai-beta", ""))


def is_local(host: str) -> bool:
    """Whether a host is this machine by its name or its address on the loopback interface."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(origin: str) -> str:
    where = _split(origin)
    return (where and where.hostname) or ""


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:  # such as of an IPv6 address that is none
        return None


def _offers(given: Mapping[str, str], subprotocols: Sequence[str]) -> list[str]:
    scheme, _, token = given.get("authorization", "").partition(" ")
    offers = [token.strip()] if scheme.lower() == "bearer" else []
    offers += [given["api-key"]] if "api-key" in given else []
    return offers + [
        word.removeprefix(_SUBPROTOCOL_KEY)
        for word in subprotocols
        if word.startswith(_SUBPROTOCOL_KEY)
    ]


def _same(offer: str, key: str) -> bool:
    return hmac.compare_digest(offer.encode(), key.encode())


def _refusal(status: int, code: str, message: str) -> Refusal:
    details = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
    return Refusal(status, orjson.dumps({"error": details}))
