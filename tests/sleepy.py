"""An X server whose monitors can sleep, made of one whose monitors cannot.

Neither Xvfb nor Xorg without hardware knows DPMS (VESA Display Power Management Signaling, version
1.2). This stands before one of them and knows it: that is said of the extension when it is asked
for, and its one request is turned into a core request of the same size, whose reply into its own.
"""

from __future__ import annotations

import contextlib
import pathlib
import socket
import struct
import threading
from collections.abc import Iterator

import attrs

from tests.servers import free_name

CODE, QUERY_EXTENSION, GET_INPUT_FOCUS, INFO = 250, 98, 43, 7
FOLDER = pathlib.Path("/tmp/.X11-unix")
OFF = 3


@attrs.define
class Sleepy:
    """A server in front of another one."""

    name: str
    level: int = 0
    """What the monitors are told to do, from 0: on to 3: off."""

    def between(self, client: socket.socket, behind: str) -> None:
        """Be the server of one client."""
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(str(FOLDER / f"X{behind[1:]}"))
            waiting: dict[int, int] = {}
            arguments = client, server, waiting
            back = threading.Thread(target=self.answer, args=arguments, daemon=True)
            back.start()
            with contextlib.suppress(EOFError):
                self.ask(*arguments)
            server.shutdown(socket.SHUT_RDWR)
            back.join(timeout=10)

    def ask(self, client: socket.socket, server: socket.socket, waiting: dict[int, int]) -> None:
        """Pass on what the client asks for."""
        setup = read(client, 12)
        name, key = struct.unpack_from("=HH", setup, 6)
        server.sendall(setup + read(client, padded(name) + padded(key)))
        number = 0
        while True:
            head = read(client, 4)
            number += 1
            code, minor, length = struct.unpack("=BBH", head)
            if not length:
                head += read(client, 4)
                (length,) = struct.unpack_from("=I", head, 4)
            request = head + read(client, 4 * length - len(head))
            if code == QUERY_EXTENSION and request[8:12] == b"DPMS":
                waiting[number & 0xFFFF] = QUERY_EXTENSION
            if code == CODE:
                assert minor == INFO
                waiting[number & 0xFFFF] = INFO
                request = struct.pack("=BBH", GET_INPUT_FOCUS, 0, 1)
            server.sendall(request)

    def answer(self, client: socket.socket, server: socket.socket, waiting: dict[int, int]) -> None:
        """Pass on what the server says."""
        with contextlib.suppress(EOFError, OSError):
            setup = read(server, 8)
            client.sendall(setup + read(server, 4 * struct.unpack_from("=H", setup, 6)[0]))
            while True:
                told = bytearray(read(server, 32))
                kind, number, length = struct.unpack_from("=BxHI", told)
                if kind in {1, 35}:
                    told += read(server, 4 * length)
                asked = waiting.pop(number, 0) if kind == 1 else 0
                if asked == QUERY_EXTENSION:
                    struct.pack_into("=BBBB", told, 8, True, CODE, 0, 0)
                elif asked == INFO:
                    struct.pack_into("=HB", told, 8, self.level, True)
                client.sendall(told)
        client.close()


@contextlib.contextmanager
def sleepy(behind: str) -> Iterator[Sleepy]:
    """Stand before the display of that name."""
    server = Sleepy(free_name())
    path = FOLDER / f"X{server.name[1:]}"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    arguments = client, behind
                    threading.Thread(target=server.between, args=arguments, daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            path.unlink()


def read(source: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = source.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def padded(size: int) -> int:
    return (size + 3) // 4 * 4
