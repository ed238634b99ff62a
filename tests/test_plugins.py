"""Other packages bring stages by entry point: found when asked for, and told apart when broken."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import attrs
import pytest

from hud import config
from hud.document import parse
from hud.errors import UsageError
from hud.plugins import Choices
from hud.stage import options_of
from stages.registry import CAPTURES, SECTIONS

ROOT = pathlib.Path(__file__).parent.parent
GOOD = """\
import attrs
from hud.stage import option

@attrs.frozen
class Sink:
    '''A sink of theirs.'''
    level: int = option(3, meaning="how loud")
    async def run(self, inbox, outbox): pass
"""


@attrs.frozen
class Ours:
    async def run(self, inbox, outbox):
        pass


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a package with a module and entry points to it."""

    def install(package, code, *names, group="hud.sinks"):
        folder = tmp_path / package
        info = folder / f"{package}-2.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.0\n")
        points = "".join(f"{name} = {package}:Sink\n" for name in names)
        (info / "entry_points.txt").write_text(f"[{group}]\n{points}")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install


def choices():
    return Choices({"ours": Ours}, "hud.sinks", "sink")


def test_a_stage_of_another_package_is_chosen_by_its_name(install):
    install("theirs", GOOD, "loud")
    sinks = choices()
    assert list(sinks) == ["ours", "loud"]
    assert len(sinks) == 2
    assert "theirs" not in sys.modules
    assert [field.name for field in options_of(sinks["loud"])] == ["level"]
    assert (sinks.origin("ours"), sinks.origin("loud")) == ("", "theirs 2.0")


def test_it_is_configured_like_ours(install):
    install("theirs", GOOD, "loud")
    sections = {**SECTIONS, "sinks": choices()}
    good = config.build(parse("sinks: [{use: loud, level: 5}]", "c.yaml"), sections)
    assert good.sinks["loud"].level == 5
    with pytest.raises(UsageError, match=r"line 1: sinks\.0\.level: must be a whole number"):
        config.build(parse("sinks: [{use: loud, level: high}]", "c.yaml"), sections)
    with pytest.raises(UsageError, match=r"unknown name 'lod' \(did you mean loud\?\)"):
        config.build(parse("sinks: [{use: lod}]", "c.yaml"), sections)


def test_the_command_line_gives_its_first_option(install):
    install("theirs", GOOD.replace("int", "str"), "loud")
    install("bare", GOOD.replace("    level: int", "    # "), "bare")
    document = parse("", "c.yaml")
    document.choose_sinks(["loud:very"], choices())
    assert document.data["sinks"] == [{"use": "loud", "level": "very"}]
    with pytest.raises(UsageError, match="--sink bare: bare has no options"):
        document.choose_sinks(["bare:x"], choices())


def test_nobody_takes_the_name_of_ours(install):
    install("theirs", GOOD, "ours")
    sinks = choices()
    assert sinks["ours"] is Ours
    assert list(sinks) == ["ours"]
    assert sinks.clashes() == ["sink 'ours' of theirs 2.0 is not used: hud has one of that name"]


def test_a_name_of_two_packages_is_refused(install):
    install("one", GOOD, "loud")
    install("two", GOOD, "loud")
    with pytest.raises(UsageError, match=r"of (one|two) 2.0 and (one|two) 2.0: .* uninstall"):
        choices()["loud"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nothing_of_the_kind", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("", "cannot be loaded: AttributeError"),
        ("Sink = 7", "is no sink"),
        ("class Sink: pass", "is no sink"),
        ("import attrs\n@attrs.frozen\nclass Sink:\n  def run(self, i, o): pass", "is no sink"),
        ("import attrs\n@attrs.frozen\nclass Sink:\n  async def run(self): pass", "is no sink"),
    ],
)
def test_a_broken_one_gets_one_clear_line(install, code, says):
    install("theirs", code, "loud")
    with pytest.raises(UsageError) as caught:
        choices()["loud"]
    assert str(caught.value).startswith("sink 'loud' of theirs 2.0 ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_capture_needs_its_period(install):
    install("theirs", GOOD, "camera", group="hud.captures")
    with pytest.raises(UsageError, match=r"of theirs 2.0 is no capture: .* run and period"):
        Choices({}, "hud.captures", "capture", needs=CAPTURES.needs)["camera"]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example package, built and installed as a user would."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    source = ROOT / "config" / "example-plugin"
    subprocess.run([*pip, "-q", "--target", site, source], check=True, capture_output=True)
    return site


def hud(site, *arguments, cwd=None):
    path = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "hud", *arguments],
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "120", "DISPLAY": ""},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_example_is_listed_with_its_options(example):
    done = hud(example, "sinks")
    assert done.stderr == ""
    assert "csv" in done.stdout
    assert "(hud-example 1.0)" in done.stdout
    for sink in SECTIONS["sinks"]:
        assert f"\n{sink}" in done.stdout
        for field in options_of(SECTIONS["sinks"][sink]):
            assert f"{field.name} " in done.stdout


def test_the_example_watches_a_picture_and_fills_a_table(example, tmp_path):
    picture = ROOT / "hud" / "recording" / "0000.png"
    choice = ["--set", f"capture={{use: picture, path: {picture}, period: 0.2}}"]
    given = ["run", str(ROOT / "config" / "default.yaml"), *choice, "--sink", "csv:a.csv"]
    done = hud(example, *given, "--for", "6", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "On screen:" in (tmp_path / "a.csv").read_text()


def test_without_the_package_its_sink_is_unknown():
    done = hud("", "run", "--sink", "csv:a.csv")
    assert done.returncode == 2
    assert "unknown sink 'csv', allowed: terminal, file" in done.stderr
