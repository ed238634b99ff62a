from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import time

import pytest

from hud import spool
from hud.spool import Spool, spooled_stderr


@contextlib.contextmanager
def full_pipe():
    """What reads a pipe that nobody has read yet, and a stream that writes to it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    with os.fdopen(reading, "rb", 0) as source, os.fdopen(writing, "w") as stream:
        yield source, stream


def read_line(source):
    line = source.readline()
    return line.lstrip(b"x").decode()


def test_lines_come_as_they_were_written():
    stream = io.StringIO()
    written = Spool(stream)
    for piece in ("one", " line\ntwo\n", "", "three"):
        written.write(piece)
    written.finish()
    assert stream.getvalue() == "one line\ntwo\nthree\n"


def test_nobody_waits_for_a_reader_and_nothing_is_lost(monkeypatch):
    with full_pipe() as (source, stream):
        monkeypatch.setattr("sys.stderr", stream)
        released = threading.Timer(10, source.read, [1 << 16])  # or the test would hang
        released.start()
        with spooled_stderr():
            for number in range(100):
                print(f"line {number}", file=sys.stderr, flush=True)  # noqa: T201
            assert released.is_alive()
            released.cancel()
            assert [read_line(source) for _ in range(100)] == [f"line {n}\n" for n in range(100)]
        assert sys.stderr is stream


def test_the_end_waits_a_moment_only(monkeypatch):
    monkeypatch.setattr(spool, "PATIENCE", 0.1)
    with full_pipe() as (_source, stream):
        monkeypatch.setattr("sys.stderr", stream)
        began = time.monotonic()
        with spooled_stderr():
            print("nobody reads this", file=sys.stderr)  # noqa: T201
        assert time.monotonic() - began < 60
        os.set_blocking(stream.fileno(), False)  # else the thread would wait for ever


def test_what_waits_is_bounded_and_what_is_lost_is_told():
    with full_pipe() as (source, stream):
        written = Spool(stream)
        written.write("first\n")
        deadline = time.monotonic() + 20
        while written._waiting and time.monotonic() < deadline:
            time.sleep(0.01)
        for number in range(spool.MOST + 5):
            written.write(f"line {number}\n")
        assert len(written._waiting) == spool.MOST
        assert read_line(source) == "first\n"
        assert read_line(source) == "hud: 5 older lines are lost, for nobody took them\n"
        assert read_line(source) == "line 5\n"
        written.finish()


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("closed")])
def test_where_nobody_can_be_told_the_work_goes_on(error):
    class Gone(io.StringIO):
        def write(self, _text):
            raise error

    written = Spool(Gone())
    written.write("line\n")
    written.finish()
    assert not written._thread.is_alive()
