"""The process that reads: `python -m hud.local.child`, requests on stdin, answers on stdout."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from typing import IO

import cv2
import numpy as np

from hud.errors import LocalModelError
from hud.heap import give_back
from hud.local import frames
from hud.local.frames import Answer, Request
from hud.local.notetaker import Notetaker, lines
from hud.local.reader import Reader

_SESSIONS = 16
"""Sessions that are remembered; the one that was silent longest is forgotten first."""
_PAUSE = 1.0
"""Seconds without a request after which memory is given back."""


def main() -> None:
    """Answer requests until stdin ends, which also cuts a reading short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which closes stdin
    answers = _only_frames_on_stdout()
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    cv2.setNumThreads(1)
    try:
        reader = Reader()
    except LocalModelError as error:
        sys.exit(str(error))
    _warm_up(reader)
    sessions: dict[str, Notetaker] = {}
    while True:
        answers.write(frames.packed(_answer(_next(requests), sessions, reader)))


def _answer(request: Request, sessions: dict[str, Notetaker], reader: Reader) -> Answer:
    """Do what is asked; pictures that cannot be looked at fail no more than their own request."""
    for session in request.forgotten:
        sessions.pop(session, None)
    try:
        if request.only_read:
            read = tuple(tuple(lines(reader, sight.jpeg)) for sight in request.sights)
            return Answer(request.number, "", read)
        note = _notetaker(sessions, request.session, reader).note(request.sights)
        return Answer(request.number, note)
    except Exception as error:
        sessions.pop(request.session, None)  # nobody knows in what state it is
        return Answer(request.number, "", failed=type(error).__name__)


def _next(requests: queue.SimpleQueue[Request]) -> Request:
    try:
        return requests.get(timeout=_PAUSE)
    except queue.Empty:
        # half of what the engine took; not after each note, as taking it anew costs time
        give_back()
        return requests.get()


def _only_frames_on_stdout() -> IO[bytes]:
    """Keep stdout for the answers and send what any library prints there to stderr."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers


def _receive(requests: queue.SimpleQueue[Request]) -> None:
    """Take requests off the pipe at once, so that the parent never waits to write."""
    while (request := frames.read_request(sys.stdin.buffer)) is not None:
        requests.put(request)
    os._exit(0)  # the parent has gone, and nobody wants what is being read


def _notetaker(sessions: dict[str, Notetaker], session: str, reader: Reader) -> Notetaker:
    known = sessions.pop(session) if session in sessions else Notetaker(reader)
    sessions[session] = known
    while len(sessions) > _SESSIONS:
        del sessions[next(iter(sessions))]
    return known


def _warm_up(reader: Reader) -> None:
    """Let the engine allocate what it needs, so that the first note is not late."""
    picture = np.full((40, 160, 3), 255, np.uint8)
    cv2.putText(picture, "ready", (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    reader.read_rows([picture])


if __name__ == "__main__":
    main()
