"""Sends each finished note through Apprise to Slack, Matrix, mail, ntfy and many others."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import trio

from hud.condition import Condition
from hud.errors import UnsetError, UsageError
from hud.items import Note
from hud.stage import between, given, option, silent, variable
from hud.threads import in_thread
from stages.sink.backlog import AwayError, Backlog, Target, deliver_all

if TYPE_CHECKING:
    from apprise import NotifyBase

LONGEST_WAIT = 60.0
"""Seconds between two tries."""


@attrs.frozen
class Notify:
    """Sends notes to chats, phones and mailboxes, by the addresses of Apprise."""

    urls_env: str = variable(
        "HUD_NOTIFY_URLS",
        meaning="name of the environment variable with Apprise's addresses, separated by spaces",
    )
    title: str = option("hud", meaning="title of the messages, where a service has titles")
    tries: int = option(
        5, meaning="failures after which a note is given up for a service", check=between(1, 1000)
    )
    warn: Callable[[str], None] = given(silent)
    condition: Condition = given(attrs.Factory(Condition))
    backlog: Backlog = given(attrs.Factory(Backlog))

    @property
    def destination(self) -> str:
        """Where the notes go, for the user; the addresses hold passwords."""
        return f"the services of {self.urls_env}"

    def preflight(self) -> None:
        """Check that Apprise and the addresses are there.

        Raises:
            UsageError: what is missing or wrong; never with an address, which holds passwords.
        """
        if importlib.util.find_spec("apprise") is None:
            raise UsageError("the notify sink is not installed: pip install '.[notify]'")
        self._services()

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Note], outbox: trio.abc.SendChannel[Note]
    ) -> None:
        """Send one note after the other to every service.

        Raises:
            PipelineError: at the end a service still could not be reached.
        """
        messages = _Messages(self, self._services())
        target = Target(
            "notify",
            messages.deliver,
            self.warn,
            self.backlog,
            longest_wait=LONGEST_WAIT,
            condition=self.condition,
        )
        await deliver_all(target, inbox, outbox)

    def _services(self) -> list[NotifyBase]:
        import apprise

        urls = os.environ.get(self.urls_env, "").split()
        if not urls:
            raise UnsetError(f"no address to notify: set the environment variable {self.urls_env}")
        services = []
        for number, url in enumerate(urls, 1):
            service = apprise.Apprise.instantiate(url)
            if service is None:
                raise UsageError(f"{self.urls_env}: Apprise does not know address number {number}")
            services.append(service)
        return services


@attrs.define
class _Messages:
    options: Notify
    services: Sequence[NotifyBase]
    left: list[NotifyBase] = attrs.field(factory=list)
    """Those that the note in hand has not reached yet."""
    failures: int = 0

    async def deliver(self, notes: Sequence[Note]) -> None:
        (note,) = notes
        if not note.text:
            return
        self.left = self.left or list(self.services)
        while self.left:
            if not await self._send(self.left[0], note.text):
                self._fail(str(self.left[0].service_name))
            self.left.pop(0)
            self.failures = 0

    async def _send(self, service: NotifyBase, text: str) -> bool:
        send = functools.partial(service.notify, body=text, title=self.options.title)
        return bool(await in_thread(send))

    def _fail(self, service: str) -> None:
        """Try again later, or give this note up for this service."""
        self.failures += 1
        if self.failures < self.options.tries:
            raise AwayError(f"{service} does not take the note")
        self.options.warn(f"notify: {service} did not take a note {self.failures} times")
