from __future__ import annotations

from hud.report import Reporter
from tests import fakes


def test_it_is_said_once_that_a_stage_fails_and_once_that_it_works_again():
    said = []
    reporter = Reporter(said.append)
    for wait in (0.25, 0.5, 1.0):
        reporter.crashed("encode", OSError(24, "Too many open files"), wait)
    reporter.offered("change→encode", fakes.change(1))
    reporter.crashed("encode", ValueError("odd"), 2.0)
    reporter.offered("encode→send", fakes.shot(1))
    reporter.offered("encode→send", fakes.shot(2))
    assert said == [
        "encode failed (OSError: [Errno 24] Too many open files), again in 0.25 s",
        "encode failed (ValueError: odd), again in 2 s",
        "encode works again, after 4 failures",
    ]


def test_one_failure_is_one_line():
    said = []
    reporter = Reporter(said.append)
    reporter.crashed("encode", ValueError("odd"), 0.25)
    reporter.offered("encode→send", fakes.shot(1))
    assert said == ["encode failed (ValueError: odd), again in 0.25 s"]
