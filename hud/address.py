"""Addresses on the network: what may leave this machine only encrypted."""

from __future__ import annotations

import ipaddress
import urllib.parse

from hud.stage import HIDDEN


def problem_of(url: str, *, plain: str, safe: str, what: str, instead: str) -> str | None:
    """What is wrong with an address whose scheme must be `safe`, or `plain` to this machine itself.

    `what` would be sent, `instead` of a password the user can do something else.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:  # whose text repeats a password that stands where a port should
        return "is no address: its host or its port is wrong"
    if parts.scheme not in {plain, safe} or not host:
        return f"must be {safe}://HOST/PATH, or {plain}:// to a loopback address"
    if parts.username or parts.password:
        return f"must not contain a password; {instead}"
    if parts.scheme == plain and not is_loopback(host):
        return (
            f"would send {what} unencrypted: {plain}:// is for loopback addresses only, "
            f"use {safe}://"
        )
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_query(url: str) -> str:
    """An address as it may be shown where only its query can hold a secret."""
    address, mark, _query = url.partition("?")
    return address + (mark and f"?{HIDDEN}")


def host_alone(url: str) -> str:
    """An address as it may be shown where its path can be a secret too."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{HIDDEN}"


def host_of(url: str) -> str:
    """The host's name: all of an address that may be shown, its path can be a secret."""
    return urllib.parse.urlsplit(url).hostname or ""
