"""`hud check` refuses what `hud run` refuses, and leaves nothing behind."""

from __future__ import annotations

import json
import pathlib

import pytest

from hud.__main__ import main

REPLAY = "capture: {use: replay, path: %s}\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "OPENAI_API_KEY", "HUD_NOTIFY_URLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def checked(capsys, text: str) -> tuple[int, str, str]:
    pathlib.Path("mine.yaml").write_text(text)
    status = 0
    try:
        main(["check", "mine.yaml"])
    except SystemExit as ended:
        status = int(ended.code or 0)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "realtime: {url: 'wss://h/v1', model: new}\nbudget: {usd_per_day: 1}",
            "no price is known for new",
        ),
        ("capture: {use: replay, path: none}", "none/scene.json: No such file or directory"),
        ("sinks: [{use: file, path: none/n.jsonl}]", "none/n.jsonl: cannot be written: No such"),
        ("sinks: [{use: file, path: .}]", ".: cannot be written: Is a directory"),
        ("sinks: [{use: sqlite, path: none/n.db}]", "none/n.db: cannot be written"),
        ("sinks: [{use: command, argv: [no-such-program]}]", "no-such-program: there is no such"),
    ],
)
def test_what_a_run_refuses_is_refused(capsys, text, says):
    status, out, err = checked(capsys, text)
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_all_of_it_is_said_at_once(capsys):
    sinks = "sinks: [{use: file, path: a/b}, {use: command, argv: [no-such-program]}]"
    status, _out, err = checked(capsys, sinks)
    assert status == 2
    assert len(err.splitlines()) == 2


def test_a_damaged_spending_file_is_refused_where_it_counts(capsys, tmp_path):
    (tmp_path / "state" / "hud").mkdir(parents=True)
    (tmp_path / "state" / "hud" / "spending.json").write_text(json.dumps({"version": 1}))
    paid = "realtime: {url: 'wss://h/v1'}\nbudget: {usd_per_day: 1}"
    status, _out, err = checked(capsys, paid)
    assert status == 2
    assert "move the file away" in err
    assert checked(capsys, "realtime: {url: 'wss://h/v1'}")[0] == 0


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("realtime: {url: 'wss://h/v1'}", "no API key: set the environment variable OPENAI_API_K"),
        ("capture: {use: auto}", "there is no display"),
        ("sinks: [{use: notify}]", "no address to notify: set the environment variable HUD_NOTIF"),
    ],
)
def test_what_only_this_place_lacks_is_said(capsys, text, lacks):
    status, out, err = checked(capsys, text)
    assert status == 0
    assert out.startswith("capture:\n")
    assert f"a run would not start here: {lacks}" in err


def test_nothing_is_left_behind(capsys, tmp_path):
    sinks = "sinks: [{use: file}, {use: file, rotate: daily}, {use: sqlite}]"
    assert checked(capsys, sinks)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
    (tmp_path / "notes.jsonl").write_text("kept")
    assert checked(capsys, sinks)[0] == 0
    assert (tmp_path / "notes.jsonl").read_text() == "kept"
