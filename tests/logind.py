"""A session as systemd-logind shows it, on a bus of its own."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator

import jeepney
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

NAME, SESSION = "org.freedesktop.login1", "org.freedesktop.login1.Session"
PATH = "/org/freedesktop/login1/session/_31"
CONFIG = """<busconfig><type>system</type><listen>unix:tmpdir=/tmp</listen>
<policy context="default"><allow send_destination="*"/><allow own="*"/>
<allow receive_sender="*"/></policy></busconfig>"""


class Logind:
    def __init__(self, address: str) -> None:
        self.properties = {"Active": ("b", True), "LockedHint": ("b", False)}
        self.bus = open_dbus_connection(address)
        self.bus.send_and_get_reply(message_bus.RequestName(NAME))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        with self.bus, contextlib.suppress(OSError):  # when the bus ends
            while True:
                message = self.bus.receive()
                fields = message.header.fields
                if message.header.message_type is not jeepney.MessageType.method_call:
                    continue
                if fields[jeepney.HeaderFields.member] == "GetSession":
                    reply = jeepney.new_method_return(message, "o", (PATH,))
                else:
                    reply = jeepney.new_method_return(message, "a{sv}", (self.properties,))
                self.bus.send(reply)

    def turn(self, name: str, *, on: bool) -> None:
        self.properties[name] = ("b", on)
        address = jeepney.DBusAddress(PATH, interface="org.freedesktop.DBus.Properties")
        body = (SESSION, {name: self.properties[name]}, [])
        self.bus.send(jeepney.new_signal(address, "PropertiesChanged", "sa{sv}as", body))


@contextlib.contextmanager
def system_bus(folder) -> Iterator[str]:
    (folder / "bus.conf").write_text(CONFIG)
    command = ["dbus-daemon", f"--config-file={folder}/bus.conf", "--print-address=1", "--nofork"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.terminate()
        daemon.communicate(timeout=10)
