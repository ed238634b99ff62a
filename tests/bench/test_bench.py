"""`hud bench` as a user calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import attrs
import psutil
import pytest

import hud.bench
from hud.__main__ import main
from hud.bench.report import METRICS, load, to_json
from hud.commands.bench import adapted
from hud.config import build
from hud.document import parse
from stages.registry import SECTIONS
from tests.bench.test_compare import report, times
from tests.conftest import need_x11


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A run, and one that was twice as slow."""
    monkeypatch.chdir(tmp_path)
    for name, middle in (("fast.json", 3), ("slow.json", 6)):
        wires = {"change_to_wire": [times(middle)], "memory": [[90.0]]}
        (tmp_path / name).write_text(to_json(whole(wires)))
    return tmp_path


def whole(metrics):
    """A report with the scenes of which the stages are shown."""
    found = report(metrics)
    (screen,) = found.screens
    scenes = screen.scenes | {"line_beside_film": screen.scenes["line"]}
    return attrs.evolve(found, screens=[attrs.evolve(screen, scenes=scenes)])


def called(capsys, *arguments):
    """Its status, and what it printed."""
    status = 0
    try:
        main(["bench", *arguments])
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


def test_an_earlier_run_is_shown_without_measuring(files, capsys):
    status, out, _ = called(capsys, "--from", "fast.json")
    assert status == 0
    assert "a line of text" in out
    assert "20 of 20" in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_what_got_slower_is_said_in_words_and_fails_only_if_asked(files, capsys):
    status, out, _ = called(capsys, "--from", "slow.json", "--compare", "fast.json")
    assert status == 0
    said = " ".join(out.split())
    assert "worse: 1080p, a line of text: to the server" in said
    status, _, err = called(capsys, "--from", "slow.json", "--compare", "fast.json", "--fail")
    assert status == 1
    assert "2 of the figures that matter got worse" in err
    status, out, _ = called(capsys, "--from", "fast.json", "--compare", "slow.json", "--fail")
    assert status == 0
    assert "better: 1080p, a line of text" in out


def test_json_stays_json_beside_a_comparison(files, capsys):
    arguments = ("--from", "slow.json", "--compare", "fast.json", "--json")
    status, out, err = called(capsys, *arguments)
    assert status == 0
    assert json.loads(out)["format"] == 1
    assert "worse:" in err


def test_a_plot_is_a_picture(files, capsys):
    pytest.importorskip("matplotlib")
    assert called(capsys, "--from", "fast.json", "--plot", "p.png")[0] == 0
    assert (files / "p.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "none.json"], "none.json: No such file or directory"),
        (["--compare", "none.json"], "none.json: No such file or directory"),
        (["none.yaml"], "none.yaml: No such file or directory"),
        (["--set", "capture.max_fps=1000"], "capture.max_fps: 1000.0 must be between"),
        (
            ["--from", "fast.json", "--compare", "small.json"],
            "small.json: holds no screen",
        ),
        (["--size", "4k", "--compare", "fast.json"], "fast.json: holds no screen of 4k"),
        ([], "apt install xvfb"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(files, capsys, monkeypatch, arguments, says):
    monkeypatch.setenv("PATH", str(files))
    small = (files / "fast.json").read_text().replace("1080p", "720p")
    (files / "small.json").write_text(small)
    status, _, err = called(capsys, *arguments)
    assert status == 2
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_plot_without_its_extra_is_refused_before_anything_is_measured(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "hud.bench.plot", raising=False)
    monkeypatch.delattr(hud.bench, "plot", raising=False)
    status, _, err = called(capsys, "--plot", "p.png")
    assert status == 2
    assert "pip install '.[plot]'" in err


def test_the_measured_configuration_is_the_given_one_but_for_where_it_looks_and_talks(tmp_path):
    text = (
        "capture: {use: replay, path: x}\nchange: {sensitivity: high}\nbudget: {usd_per_hour: 1}\n"
        "realtime: {url: 'wss://h/v1', headers: {A: b}, max_output_tokens: 99, "
        "api_key_env: MY_KEY}\nprivacy: {mask: ['class:Slack']}\nsinks: [{use: terminal}]\n"
    )
    data = adapted(parse(text, "mine"), ":7", "ws://127.0.0.1:1/v1/realtime", tmp_path)
    configuration = build(attrs.evolve(parse(text, "mine"), data=data), SECTIONS)
    sender = configuration.stages["realtime"]
    assert sender.url == "ws://127.0.0.1:1/v1/realtime"
    assert sender.api_key_env == "HUD_BENCH_KEY"
    assert (sender.headers, sender.max_output_tokens) == ({}, 99)
    assert sender.tariff().output == 0
    assert configuration.stages["change"].sensitivity == "high"
    assert configuration.stages["capture"].display == ":7"
    assert list(configuration.sinks) == ["file"]
    assert data["privacy"] == {"mask": ["class:Slack"]}
    assert "budget" not in data


@pytest.mark.x11
def test_a_short_run_on_a_real_screen(tmp_path):
    need_x11()
    done = subprocess.run(
        [sys.executable, "-m", "hud", "bench", "--for", "4", "--size", "720p", "--json"],
        env=os.environ | {"DISPLAY": "", "OPENAI_API_KEY": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (tmp_path / "b.json").write_text(done.stdout)
    (screen,) = load(tmp_path / "b.json").screens
    assert "DAMAGE" in screen.manner
    assert 0 < screen.first_request[0] < 60
    consistent(screen)
    # Nothing is left behind where it was called.
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def consistent(screen):
    assert sum(scene.shown for scene in screen.scenes.values()) > 0
    for scene in screen.scenes.values():
        assert scene.shown <= scene.changes
        assert set(scene.metrics) <= set(METRICS)
        assert 10 < max(scene.samples("memory")) < 2000
        wires, words = scene.samples("change_to_wire"), scene.samples("change_to_first_word")
        assert len(wires) == scene.shown
        # An answer takes 100 ms from the last byte on.
        assert all(word > wire + 99 for wire, word in zip(wires, words, strict=True))
    line, film = screen.scenes["line"], screen.scenes["film"]
    for metric in ("wake", "capture_work", "change_work", "encode_work", "send_work"):
        assert all(sample >= 0 for sample in line.samples(metric))
        assert line.samples(metric)
    assert film.changes == 0
    assert film.frames > 0
    assert max(film.samples("cpu_hud")) > 0


@pytest.mark.x11
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(tmp_path, number):
    need_x11()
    command = [sys.executable, "-m", "hud", "bench", "--size", "720p"]
    environment = os.environ | {"DISPLAY": "", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as program:
        assert any("nothing happens" in line for line in program.stderr)
        started = children(program.pid)
        assert len(started) == 2
        program.send_signal(number)
        assert program.wait(timeout=30) == 1
        assert "interrupted" in program.stderr.read()
    assert not any(child.is_running() for child in started)
    assert list(tmp_path.iterdir()) == []


def children(pid):
    return psutil.Process(pid).children(recursive=True)
