"""The program as a user starts it; every mistake is one line and exit 2."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest
import yaml

ROOT = pathlib.Path(__file__).parent.parent.parent
NO_SCREEN = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "XDG_SESSION_TYPE": "", "OPENAI_API_KEY": ""}


def hud(*arguments: str, cwd=None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hud", *arguments],
        env=os.environ | NO_SCREEN | environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["run", "--source", "screen"], {}, "there is no display"),
        (["run", "--source", "screen"], {"WAYLAND_DISPLAY": "w0"}, "this is a Wayland session"),
        (["run", "--source", "screen"], {"DISPLAY": ":7654"}, "display ':7654' cannot be opened"),
        (["run", "--source", "replay:none"], {}, "none/scene.json: No such file or directory"),
        (["run", "none.yaml"], {}, "none.yaml: No such file or directory"),
        (["run", "--sink", "printer"], {}, "unknown sink 'printer', allowed: terminal, file"),
        (
            ["demo", "--sink", "file:none/n.jsonl"],
            {},
            "none/n.jsonl: cannot be written: No such file",
        ),
        (["demo", "--trace", "none/t"], {}, "none/t: cannot be written: No such file"),
        (["run", "bad.yaml"], {}, "bad.yaml: line 2: capture.max_fps: 1000.0 must be between"),
        (["check", "bad.yaml"], {}, "bad.yaml: line 2: capture.max_fps: 1000.0 must be between"),
        (["run", "remote.yaml"], {}, "no API key: set the environment variable MY_KEY"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path, arguments, environment, says):
    (tmp_path / "bad.yaml").write_text("capture:\n  max_fps: 1000\n")
    (tmp_path / "scene").mkdir()
    remote = "capture: {use: replay, path: x}\nrealtime: {url: 'wss://h/v1', api_key_env: MY_KEY}\n"
    (tmp_path / "remote.yaml").write_text(remote.replace("path: x", f"path: {RECORDING}"))
    done = hud(*arguments, cwd=tmp_path, **environment)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


RECORDING = ROOT / "hud" / "recording"


def test_a_usage_mistake_is_exit_2():
    assert hud("frobnicate").returncode == 2
    assert hud("run", "--for", "-3").returncode == 2


def test_the_demo_needs_no_screen_and_no_key(tmp_path):
    done = hud("run", "--sink", "file:n.jsonl", "--set", "capture.speed=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Playing the bundled recording instead" in done.stderr
    texts = [json.loads(line)["text"] for line in (tmp_path / "n.jsonl").read_text().splitlines()]
    assert any("FAILED (failures=1)" in text for text in texts)
    assert any("payment declined" in text for text in texts)


def test_what_check_prints_can_be_run(tmp_path):
    printed = hud("check", "mine.yaml", cwd=written(tmp_path, "capture: {max_fps: 5}"))
    assert printed.returncode == 0
    again = hud("check", "mine.yaml", cwd=written(tmp_path, printed.stdout))
    assert again.stdout == printed.stdout
    assert "max_fps: 5.0" in printed.stdout


def test_what_check_prints_may_be_shown_around(tmp_path):
    text = (
        "realtime: {url: 'wss://h.example/v1/realtime?api-key=TOPSECRET', "
        "headers: {X-Tenant: TOPSECRET}, api_key_env: MY_KEY}\n"
        "sinks: [{use: webhook, url: 'https://hooks.example/T0/TOPSECRET', secret_env: MY_SIGN}]"
    )
    printed = hud("check", "mine.yaml", cwd=written(tmp_path, text))
    assert printed.returncode == 0, printed.stderr
    assert "TOPSECRET" not in printed.stdout + printed.stderr
    assert printed.stdout.startswith("# (set) stands for")
    said = yaml.safe_load(printed.stdout)
    assert said["realtime"]["url"] == "wss://h.example/v1/realtime?(set)"
    assert said["realtime"]["headers"] == {"X-Tenant": "(set)"}
    assert said["realtime"]["api_key_env"] == "MY_KEY"
    assert said["sinks"][0]["url"] == "https://hooks.example/(set)"
    assert said["sinks"][0]["secret_env"] == "MY_SIGN"


def written(folder, text):
    (folder / "mine.yaml").write_text(text)
    return folder


def test_sinks_are_listed_with_their_options():
    done = hud("sinks")
    assert done.returncode == 0
    assert "notes.jsonl" in done.stdout


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address of `hud serve`, whose key is `right`."""
    server = subprocess.Popen(
        [sys.executable, "-m", "hud", "serve", "--port", "0"],
        env=os.environ | NO_SCREEN | {"HUD_SERVE_KEY": "right"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        yield server.stderr.readline().split()[3].rstrip(";")
    finally:
        server.terminate()
        assert server.wait(timeout=10) == 0
        server.stderr.close()


def test_a_port_that_is_taken_is_one_line_and_no_key():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = hud("serve", "--port", str(port), HUD_SERVE_KEY="")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"port {port} cannot be used: Address already in use; choose another" in line


def test_a_key_in_the_place_of_its_variable_is_not_shown():
    done = hud("serve", "--key-env", "sk-0123456789abcdefghij")
    assert done.returncode == 2
    assert "0123456789" not in done.stderr
    assert "must be the name of an environment variable" in done.stderr


def test_the_doctor_tries_a_server(served):
    done = hud("doctor", "--set", f"realtime.url={served}", OPENAI_API_KEY="right")
    assert done.returncode == 0, done.stderr
    report = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert list(report)[:3] == ["server", "handshake", "session"]
    assert "ends in 60 min" in report["session"]
    assert report["picture"].endswith("was read")
    assert report["tokens"].startswith("194 for the picture (the rule of this program says 194)")
    assert report["price"].startswith("$0.00")
    assert "right" not in done.stdout.replace("rights", "")


def test_the_doctor_says_what_to_do(served):
    done = hud("doctor", "--set", f"realtime.url={served}", OPENAI_API_KEY="sk-wrong-1234567890")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "HTTP 401: invalid_api_key" in line
    assert "check the key in the variable" in line
    assert "7890" not in done.stderr + done.stdout


def test_a_key_the_server_refuses_is_said_and_never_shown(tmp_path, served):
    """Against our own server, which refuses like the real one."""
    done = hud(
        "run", "--source", f"replay:{RECORDING}", "--set", f"realtime.url={served}",
        OPENAI_API_KEY="sk-wrong-1234567890", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "HTTP 401: invalid_api_key" in done.stderr
    assert "7890" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("limit", "status", "says"),
    [
        ((), 0, "what this run spends is not kept"),
        (("budget.usd_per_hour=1",), 2, "move the file away"),
    ],
)
def test_a_spending_file_that_is_damaged(tmp_path, served, limit, status, says):
    (tmp_path / "hud").mkdir()
    (tmp_path / "hud" / "spending.json").write_text("{")
    done = hud(
        "run", "--source", f"replay:{RECORDING}", "--for", "1", "--sink", "file:n.jsonl",
        *(part for key in (f"realtime.url={served}", *limit) for part in ("--set", key)),
        cwd=tmp_path, OPENAI_API_KEY="right", XDG_STATE_HOME=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert says in done.stderr


def test_the_wheel_brings_configuration_and_recording(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"hud/config_files/default.yaml", "hud/recording/scene.json", "hud/py.typed"} <= set(
        names
    )
