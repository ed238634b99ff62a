"""What logind tells is not missed, however it arrives."""

from __future__ import annotations

import socket
import threading

import jeepney
import pytest
from jeepney.io import blocking

from stages.capture.session import Session
from tests.logind import PATH, SESSION


class Bus:
    """Answers, and tells of a change in the same breath as it answers for the first time."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.locked, self.asked = False, 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """After the other end was closed, which ends the thread."""
        self.thread.join(10)
        self.theirs.close()

    def serve(self) -> None:
        parser, serial = jeepney.Parser(), 1
        while data := self.theirs.recv(4096):
            for message in parser.feed(data):
                for answer in self.answers(message):
                    serial += 1
                    self.out += answer.serialise(serial=serial)
                self.theirs.sendall(self.out)

    def answers(self, message):
        self.out = b""
        member = message.header.fields[jeepney.HeaderFields.member]
        if member == "GetSession":
            yield jeepney.new_method_return(message, "o", (PATH,))
        elif member == "AddMatch":
            yield jeepney.new_method_return(message)
        elif member == "Hello":
            yield jeepney.new_method_return(message, "s", (":1.1",))
        else:
            properties = {"LockedHint": ("b", self.locked)}
            yield jeepney.new_method_return(message, "a{sv}", (properties,))
            self.asked += 1
            if not self.locked:
                self.locked = True
                address = jeepney.DBusAddress(PATH, interface="org.freedesktop.DBus.Properties")
                body = (SESSION, {"LockedHint": ("b", True)}, [])
                yield jeepney.new_signal(address, "PropertiesChanged", "sa{sv}as", body)


def test_a_lock_that_is_told_together_with_an_answer_is_not_missed(monkeypatch):
    pytest.importorskip("jeepney")
    bus = Bus()
    connection = blocking.DBusConnection(bus.ours)
    monkeypatch.setattr(blocking, "open_dbus_connection", lambda _bus: connection)
    session = Session("1")
    try:
        assert session.away == "the session is locked"
        assert not session.has_news
        assert bus.asked == 2
    finally:
        session.close()
        bus.close()
