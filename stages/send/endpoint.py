"""Addresses of Realtime servers: which are allowed, and what is put into them."""

from __future__ import annotations

import ipaddress
import urllib.parse
from collections.abc import Mapping

LOCAL = "local"


def is_endpoint(url: str) -> str | None:
    """What is wrong with an address: anything but wss:// may not leave this machine."""
    if url == LOCAL:
        return None
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        return f"is no address: {error}"
    if parts.scheme not in {"ws", "wss"} or not host:
        return "must be local, wss://HOST/PATH, or ws:// to a loopback address"
    if parts.username or parts.password:
        return "must not contain a password; name a variable with api_key_env"
    if parts.scheme == "ws" and not is_loopback(host):
        return "would send the screen unencrypted: ws:// is for loopback addresses only, use wss://"
    return None


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


def key_header(style: str, key: str) -> dict[str, str]:
    """The header that shows the key: `bearer`, `api-key`, or `none`."""
    if style == "none" or not key:
        return {}
    return {"api-key": key} if style == "api-key" else {"Authorization": f"Bearer {key}"}


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def with_model(url: str, model: str) -> str:
    """The address with the model in its query, other parts of the query kept."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query)) | {"model": model}
    return parts._replace(query=urllib.parse.urlencode(query)).geturl()


def host_of(url: str) -> str:
    """The host's name, for the user."""
    return urllib.parse.urlsplit(url).hostname or url
