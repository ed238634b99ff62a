"""What `hud run` and `hud demo` refuse before anything starts."""

from __future__ import annotations

import shlex

import pytest

from hud.__main__ import main


def refusal(capsys, words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(words))
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("run --set capture.monitr=2", "command line: capture.monitr: unknown key 'monitr' (did"),
        ("run --set capture.sped=2", "command line: capture.sped: unknown key 'sped'"),
        ("demo --set capture.monitor=2", "command line: capture.monitor: unknown key 'monitor', "),
        ("run --source replay:x --set capture.monitor=2", "capture.monitor: unknown key 'monitor'"),
        ("run --set foo.bar=1", "command line: foo: unknown key 'foo'"),
        ("demo --sink file:x --set sinks.0.rotat=daily", "command line: sinks.0.rotat: unknown"),
    ],
)
def test_a_setting_that_nothing_takes_is_refused(capsys, monkeypatch, words, says):
    """Also when a recording plays instead of a screen that is not there."""
    monkeypatch.setenv("DISPLAY", "")
    assert says in refusal(capsys, words)


@pytest.mark.parametrize(
    ("sink", "says"),
    [
        ("file:", "--sink file: its path is missing, as in --sink file:PATH"),
        ("webhook", "--sink webhook: its url is missing, as in --sink webhook:URL"),
        ("command", "--sink command: its argv is missing"),
        ("web:abc", "sinks.0.port: must be a whole number, not 'abc'"),
        ("web:99999", "sinks.0.port: 99999 must be between 0 and 65,535"),
        ("", "--sink '': unknown sink '', allowed: terminal, file"),
    ],
)
def test_a_sink_without_its_value_is_refused(capsys, sink, says):
    assert says in refusal(capsys, f"demo --sink '{sink}'")
