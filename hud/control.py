"""A socket by which its owner alone speaks to a running program: pause, resume, status, why.

One line with a command in, one line of JSON out.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import trio

from hud.errors import NotRunningError
from hud.privacy.pause import Pause

LONGEST = 512
"""Bytes of a command, and of what it is about."""
PATIENCE = 2.0
"""Seconds for either side to say what it has to say."""
AGAIN = 0.5
"""Seconds until the next caller is let in when one could not be."""
AT_ONCE = 8
"""Conversations."""
Answer = Callable[[str], Mapping[str, Any]]
"""Told what follows the command: what it is about, mostly nothing."""
Answers = Mapping[str, Answer]
"""Command → what it is answered with; `pause` and `resume` are answered like `status`."""


def folder() -> pathlib.Path:
    """Where the sockets of all running programs are, each named after its process."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return pathlib.Path(runtime) / "hud"
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return pathlib.Path(state).expanduser() / "hud" / "run"


@contextlib.asynccontextmanager
async def controlled(
    pause: Pause, answers: Answers, say: Callable[[str], None]
) -> AsyncIterator[None]:
    """Do what comes through the socket, and toggle on SIGUSR1, while the context lasts."""
    async with trio.open_nursery() as nursery:
        await nursery.start(_toggle_on_signal, pause)
        with contextlib.ExitStack() as stack:
            try:
                listener = stack.enter_context(_listening())
            except OSError as error:
                say(f"`hud pause` will not work: no socket in {folder()} ({error})")
            else:
                nursery.start_soon(_serve, listener, pause, answers)
            yield
            nursery.cancel_scope.cancel()


async def _toggle_on_signal(
    pause: Pause, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    with trio.open_signal_receiver(signal.SIGUSR1) as signals:
        task_status.started()
        async for _number in signals:
            pause.toggle()


@contextlib.contextmanager
def _listening() -> Iterator[trio.socket.SocketType]:
    place = folder()
    # Only the owner can enter, so nobody else can reach the socket, whatever its own mode.
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    if place.stat().st_uid != os.getuid():
        raise PermissionError("it belongs to somebody else")
    place.chmod(0o700)
    path = place / f"{os.getpid()}.sock"
    path.unlink(missing_ok=True)
    listener = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        # The file itself belongs to the one process of that number, which is this one.
        _bind(listener, path)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _bind(listener: trio.socket.SocketType, path: pathlib.Path) -> None:
    raw = socket.socket(fileno=os.dup(listener.fileno()))
    with raw:
        raw.bind(str(path))
        path.chmod(0o600)
        raw.listen(AT_ONCE)


async def _serve(listener: trio.socket.SocketType, pause: Pause, answers: Answers) -> None:
    limit = trio.CapacityLimiter(AT_ONCE)
    async with trio.open_nursery() as nursery:
        while True:
            try:
                peer, _ = await listener.accept()
            except OSError:
                # No more file descriptors, or who called has left: the next one may be luckier.
                await trio.sleep(AGAIN)
                continue
            nursery.start_soon(_converse, peer, limit, pause, answers)


async def _converse(
    peer: trio.socket.SocketType, limit: trio.CapacityLimiter, pause: Pause, answers: Answers
) -> None:
    with peer, trio.move_on_after(PATIENCE):
        async with limit:
            # A client that leaves in the middle is no matter.
            with contextlib.suppress(OSError, trio.BrokenResourceError):
                if _user(peer) != os.getuid():
                    return
                words = (await peer.recv(LONGEST)).decode(errors="replace").strip()
                command, _, about = words.partition(" ")
                if command in {"pause", "resume"}:
                    pause.turn(paused=command == "pause")
                    command = "status"
                if command in answers:
                    answer = json.dumps(dict(answers[command](about))).encode() + b"\n"
                    await trio.SocketStream(peer).send_all(answer)


def _user(peer: trio.socket.SocketType) -> int:
    """Who is at the other end (unix(7), SO_PEERCRED: pid, uid, gid)."""
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def tell(command: str, process: int | None = None) -> Iterator[Mapping[str, Any]]:
    """Give a command to every running program of this user, or to one; what each answers.

    Raises:
        NotRunningError: there is none.
    """
    answered = False
    for path in sorted(folder().glob("*.sock" if process is None else f"{process}.sock")):
        answer = _ask(path, command)
        if answer is not None:
            answered = True
            yield answer
    if not answered:
        which = "" if process is None else f" as process {process}: `hud status` lists them"
        raise NotRunningError(f"no hud is running for this user{which}")


def _ask(path: pathlib.Path, command: str) -> Mapping[str, Any] | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(PATIENCE)
        try:
            peer.connect(str(path))
            peer.sendall(f"{command}\n".encode())
            with peer.makefile("rb") as answer:
                found = json.loads(answer.readline())
        except (ConnectionRefusedError, FileNotFoundError):
            # Left behind by a program that was killed.
            path.unlink(missing_ok=True)
            return None
        except (OSError, ValueError):
            return _silent(path)
    return found if isinstance(found, dict) else _silent(path)


def _silent(path: pathlib.Path) -> Mapping[str, Any]:
    """What stands for the answer of a program that is there and gives none."""
    state = f"gives no answer within {PATIENCE:g} s"
    return {"process": int(path.stem), "answered": False, "healthy": False, "state": state}
