"""Which addresses notes may be posted to."""

from __future__ import annotations

import ipaddress
import urllib.parse


def is_address(url: str) -> str | None:
    """What is wrong with an address: notes leave this machine encrypted or not at all."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        return f"is no address: {error}"
    if parts.scheme not in {"http", "https"} or not host:
        return "must be https://HOST/PATH, or http:// to a loopback address"
    if parts.username or parts.password:
        return "must not contain a password; sign the notes with secret_env"
    if parts.scheme == "http" and not is_loopback(url):
        return "would send notes unencrypted: http:// is for loopback addresses only, use https://"
    return None


def is_loopback(url: str) -> bool:
    """Whether an address can only mean this machine."""
    host = host_of(url)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host's name: all of an address that may be shown, its path can be a secret."""
    return urllib.parse.urlsplit(url).hostname or ""
