"""Whether the user's session is the one at the screen, and not locked, as systemd-logind says.

The properties Active and LockedHint of its session objects (org.freedesktop.login1(5)). Without a
system bus, or a session on it, there is nothing to know.
"""

from __future__ import annotations

import os
import select
from typing import Any

PATIENCE = 1.0
"""Seconds that an answer may take."""
LOGIND, ROOT = "org.freedesktop.login1", "/org/freedesktop/login1"
MANAGER, SESSION = "org.freedesktop.login1.Manager", "org.freedesktop.login1.Session"


class Session:
    """One connection to the system bus; its calls block, for a millisecond as a rule."""

    def __init__(self, name: str) -> None:
        """Find the session of that name and be told of its changes.

        Raises:
            OSError: no bus, or no such session; says why.
        """
        import jeepney  # noqa: PLC0415 - only where there is a session
        from jeepney.auth import AuthenticationError  # noqa: PLC0415 - as above
        from jeepney.bus_messages import message_bus  # noqa: PLC0415 - as above
        from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415 - as above

        try:
            self._bus = open_dbus_connection("SYSTEM")
        except (AuthenticationError, KeyError, ValueError) as error:
            raise OSError(f"the system bus lets nobody in ({error})") from None
        try:
            manager = jeepney.DBusAddress(ROOT, LOGIND, MANAGER)
            (path,) = self._ask(jeepney.new_method_call(manager, "GetSession", "s", (name,)))
            changes = jeepney.MatchRule(type="signal", member="PropertiesChanged", path=path)
            self._ask(message_bus.AddMatch(changes))
            session = jeepney.DBusAddress(path, LOGIND, SESSION)
            self._everything = jeepney.Properties(session).get_all()
            self.learn()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        self._bus.close()

    @property
    def has_news(self) -> bool:
        """Whether something was told since `learn`, which does not block."""
        return bool(select.select([self._bus.sock], [], [], 0)[0])

    def learn(self) -> None:
        """Ask how it is.

        Raises:
            OSError: nobody answers any more.
        """
        self._read_told()
        (properties,) = self._ask(self._everything)
        while self._read_told():
            # What came right behind the answer would be told by nothing any more: it was read.
            (properties,) = self._ask(self._everything)
        known = {name: value for name, (_kind, value) in properties.items()}
        self.away = "another session is at the screen" if known.get("Active") is False else ""
        if known.get("LockedHint") is True:
            self.away = "the session is locked"

    def _read_told(self) -> bool:
        """Take what was told, also what was read together with an answer; whether there was any."""
        told = False
        while True:
            try:
                self._bus.receive(timeout=0)
            except TimeoutError:
                return told
            told = True

    def _ask(self, message: Any) -> Any:  # noqa: ANN401 - as jeepney has it
        from jeepney.wrappers import DBusErrorResponse, unwrap_msg  # noqa: PLC0415 - as above

        try:
            return unwrap_msg(self._bus.send_and_get_reply(message, timeout=PATIENCE))
        except DBusErrorResponse as error:
            raise OSError(f"logind says {error.name}") from None


def present(display: str | None) -> Session | None:
    """The session that this program was started in, if the display is its own."""
    name = os.environ.get("XDG_SESSION_ID", "")
    if not name or display not in (None, os.environ.get("DISPLAY")):
        return None
    try:
        return Session(name)
    except (ImportError, OSError):
        return None
