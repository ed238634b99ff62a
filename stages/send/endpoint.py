"""Addresses of Realtime servers: which are allowed, and what is put into them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping

from hud.address import problem_of
from hud.stage import HIDDEN

LOCAL = "local"


def is_endpoint(url: str) -> str | None:
    """What is wrong with an address: anything but wss:// may not leave this machine."""
    if url == LOCAL:
        return None
    problem = problem_of(
        url,
        plain="ws",
        safe="wss",
        what="the screen",
        instead="name a variable with api_key_env",
    )
    return problem.replace("must be wss", "must be local, wss") if problem else None


_OURS = frozenset({"authorization", "api-key", "openai-beta", "host", "upgrade", "connection"})


def are_headers(headers: Mapping[str, str]) -> str | None:
    """What is wrong with further headers: a file holds no keys, and the beta is over."""
    for name, value in headers.items():
        if name.lower() in _OURS or name.lower().startswith("sec-"):
            return f"must not contain {name}: the key comes from api_key_env"
        if not name.replace("-", "").isalnum() or not f"{name}{value}".isascii():
            return f"must be plain words, unlike {name}"
        if not value.isprintable():
            return f"must be printable, unlike the value of {name}"
    return None


def names_alone(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may be shown."""
    return dict.fromkeys(headers, HIDDEN)


def key_header(style: str, key: str) -> dict[str, str]:
    """The header that shows the key: `bearer`, `api-key`, or `none`."""
    if style == "none" or not key:
        return {}
    return {"api-key": key} if style == "api-key" else {"Authorization": f"Bearer {key}"}


def with_model(url: str, model: str) -> str:
    """The address with the model in its query, other parts of the query kept."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query)) | {"model": model}
    return parts._replace(query=urllib.parse.urlencode(query)).geturl()
