"""Posts each finished note as JSON to an address, signed, and again until it is taken.

The headers are those of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks),
so that receivers have libraries that verify them; beside them stands the Idempotency-Key of
draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import email.utils
import hashlib
import hmac
import http
import os
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import orjson
import trio

from hud.address import host_alone, host_of, is_loopback, problem_of
from hud.condition import Condition
from hud.errors import UnsetError, UsageError
from hud.items import Note
from hud.stage import between, given, option, silent, variable
from stages.sink.backlog import AwayError, Backlog, Target, deliver_all
from stages.sink.record import record

if TYPE_CHECKING:
    import httpx2

LONGEST_WAIT = 60.0
"""Seconds between two tries, unless the server asks for more."""
LONGEST_RETRY_AFTER = 3600.0
"""Seconds a server may keep us away for."""
READ_AT_MOST = 65536
"""Bytes of an answer; it says nothing we need, but a connection is used again only when read."""
TRANSIENT = {408, 425, *range(500, 600)}
COME_BACK = {429, 503}
"""The server is too busy for any note, which says nothing about this one."""
ENCODED_SECRET = "whsec_"  # noqa: S105 - how a secret in base64 begins


def is_address(url: str) -> str | None:
    """What is wrong with an address: notes leave this machine encrypted or not at all."""
    instead = "sign the notes with secret_env"
    return problem_of(url, plain="http", safe="https", what="notes", instead=instead)


@attrs.frozen
class Webhook:
    """Posts notes as JSON to a server, one at a time and in order, until it takes them."""

    url: str = option(
        meaning="https://HOST/PATH, or http:// on this machine",
        check=is_address,
        secret=True,
        shown=host_alone,
    )
    secret_env: str | None = variable(
        None, meaning="name of the environment variable with the secret that signs the notes"
    )
    timeout: float = option(
        10.0, meaning="seconds that one delivery may take", check=between(0.1, 600)
    )
    tries: int = option(
        8, meaning="server errors after which a note is given up", check=between(1, 1000)
    )
    warn: Callable[[str], None] = given(silent)
    condition: Condition = given(attrs.Factory(Condition))
    backlog: Backlog = given(attrs.Factory(Backlog))

    @property
    def destination(self) -> str:
        """Where the notes go, for the user; "" on this machine."""
        host = host_of(self.url)
        return "" if is_loopback(host) else host

    @property
    def patience(self) -> float:
        """Seconds that one note may take."""
        return self.timeout

    def preflight(self) -> None:
        """Check that the secret and what the sink needs are there.

        Raises:
            UsageError: what is missing.
        """
        try:  # now, because it takes long enough to be felt in a running program
            import httpx2  # noqa: F401
        except ImportError:
            raise UsageError(
                "the webhook sink is not installed: pip install '.[webhook]'"
            ) from None
        self._secret()

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Post one note after the other.

        Raises:
            PipelineError: at the end the server still could not be reached.
        """
        import httpx2

        # A proxy from the environment would carry notes for this machine out of it.
        async with httpx2.AsyncClient(
            timeout=None, trust_env=not is_loopback(host_of(self.url))
        ) as client:
            post = _Post(self, client, self._secret())
            name = f"webhook {host_of(self.url)}"
            target = Target(
                name,
                post.deliver,
                self.warn,
                self.backlog,
                longest_wait=LONGEST_WAIT,
                condition=self.condition,
            )
            await deliver_all(target, inbox, outbox)

    def _secret(self) -> bytes | None:
        if self.secret_env is None:
            return None
        secret = os.environ.get(self.secret_env, "").strip()
        if not secret:
            raise UnsetError(
                f"no secret to sign the notes with: set the environment variable {self.secret_env}"
            )
        try:
            return key_of(secret)
        except binascii.Error:
            raise UsageError(
                f"the secret in {self.secret_env} begins with {ENCODED_SECRET} but is not base64"
            ) from None


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: base64 behind `whsec_`, otherwise the text itself.

    Raises:
        binascii.Error: what stands behind `whsec_` is not base64.
    """
    if secret.startswith(ENCODED_SECRET):
        return base64.b64decode(secret.removeprefix(ENCODED_SECRET), validate=True)
    return secret.encode()


def headers(note: Note, body: bytes, key: bytes | None, now: int) -> dict[str, str]:
    """What goes with a note; `now` in seconds since the epoch, signed to forbid replays."""
    # The session's name is the server's invention, and a header is no place for odd characters.
    name = urllib.parse.quote(note.id, safe="")
    found = {
        "Content-Type": "application/json",
        "User-Agent": "hud",
        "Idempotency-Key": f'"{name}"',
        "Webhook-Id": name,
        "Webhook-Timestamp": str(now),
    }
    if key is not None:
        digest = hmac.digest(key, f"{name}.{now}.".encode() + body, hashlib.sha256)
        found["Webhook-Signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return found


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds that an answer asks us to stay away (RFC 9110, section 10.2.3); 0 if it does not."""
    text = headers.get("Retry-After", "")
    seconds = 0.0
    if text.isascii() and text.isdigit():
        seconds = float(text)
    elif text:
        with contextlib.suppress(ValueError):
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


@attrs.define
class _Post:
    options: Webhook
    client: httpx2.AsyncClient
    key: bytes | None
    errors: int = 0
    """Of the server, about the note in hand."""
    told: set[int] = attrs.field(factory=set)

    async def deliver(self, notes: Sequence[Note]) -> None:
        (note,) = notes
        status, wait = await self._post(note)
        if status in COME_BACK or wait:
            raise AwayError(f"answers {_words(status)}", wait=wait)
        self.errors = self.errors + 1 if status in TRANSIENT else 0
        if 0 < self.errors < self.options.tries:
            raise AwayError(f"answers {_words(status)}")
        self.errors = 0
        if not 200 <= status < 300 and status not in self.told:
            self.told.add(status)
            host = host_of(self.options.url)
            self.options.warn(
                f"webhook {host}: refuses notes with {_words(status)}; such notes are given up"
            )

    async def _post(self, note: Note) -> tuple[int, float]:
        """The status, and the seconds to stay away for, that the server answers."""
        import httpx2

        body = orjson.dumps(record(note))
        now = int(time.time())
        request = self.client.stream(
            "POST", self.options.url, content=body, headers=headers(note, body, self.key, now)
        )
        try:
            with trio.fail_after(self.options.timeout):
                async with request as response:
                    await _read(response)
        except trio.TooSlowError:
            raise AwayError(f"no answer within {self.options.timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise AwayError(f"cannot be reached: {str(error) or type(error).__name__}") from None
        asks = response.status_code >= 400
        return response.status_code, retry_after(response.headers, now) if asks else 0.0


async def _read(response: httpx2.Response) -> None:
    size = 0
    async with contextlib.aclosing(response.aiter_raw()) as pieces:
        async for piece in pieces:
            size += len(piece)
            if size > READ_AT_MOST:
                return


def _words(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
