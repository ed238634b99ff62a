from __future__ import annotations

import contextlib
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud import config
from hud.channel import Handoff
from hud.document import Document, parse, read
from hud.errors import UsageError
from stages.registry import SECTIONS
from stages.sink.file import File
from stages.sink.terminal import Terminal

FILES = sorted((pathlib.Path(__file__).parent.parent / "config").glob("*.yaml"))


def build(text: str, *assignments: str) -> config.Configuration:
    document = parse(text, "my.yaml")
    for assignment in assignments:
        document.set(assignment)
    return config.build(document, SECTIONS)


def complaint(text: str, *assignments: str) -> str:
    with pytest.raises(UsageError) as caught:
        build(text, *assignments)
    return str(caught.value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_in_config_is_valid(path):
    assert config.build(read(path), SECTIONS).sinks


def test_an_empty_file_means_all_defaults():
    configuration = build("")
    assert list(configuration.stages) == ["capture", "change", "encode", "realtime"]
    assert isinstance(configuration.sinks["terminal"], Terminal)
    assert build("capture: {use: screen}\nchange: {handoff: demand}").handoffs["change"] is (
        Handoff.DEMAND
    )
    assert configuration.handoffs == {
        "change": Handoff.LATEST,
        "encode": Handoff.LATEST,
        "send": Handoff.DEMAND,
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("capture: {monitr: 1}", "my.yaml: line 1: capture.monitr: unknown key 'monitr' (did you"),
        ("\ncapture:\n  max_fps: 500", "my.yaml: line 3: capture.max_fps: 500.0 must be between 0"),
        ("capture: {max_fps: fast}", "line 1: capture.max_fps: must be a number, not 'fast'"),
        ("capture: {max_fps: true}", "line 1: capture.max_fps: must be a number, not True"),
        ("capture: {monitor: 1.5}", "line 1: capture.monitor: must be a whole number or text"),
        ("capture: {monitor: 0}", "line 1: capture.monitor: 0 must be a number from 1, or all"),
        ("capture: {region: [1, a]}", "line 1: capture.region.1: must be a whole number, not 'a'"),
        ("capture: {use: camera}", "line 1: capture.use: unknown name 'camera', allowed: auto"),
        ("capture: {use: replay}", "line 1: capture.path: is missing"),
        ("capture: 3", "line 1: capture: must be a mapping of options, not 3"),
        (
            "realtime: {handoff: maybe}",
            "realtime.handoff: unknown handoff 'maybe', allowed: demand",
        ),
        ("realtime: {handoff: latest}", "unknown handoff 'latest', allowed: demand, block"),
        ("change: {handoff: demand}", "line 1: change.handoff: a capture that is woken by what is"),
        ("capture: {use: damage}\nchange: {handoff: demand}", "does not wait to be asked: choose"),
        ("sinks: terminal", "line 1: sinks: must be a list"),
        ("sinks:\n- use: printer", "line 2: sinks.0.use: unknown name 'printer', allowed: termi"),
        ("sinks:\n- use: file\n  pth: x", "line 3: sinks.0.pth: unknown key 'pth' (did you mean p"),
        ("realtime: {url: ws://example.org/v1}", "realtime.url: would send the screen unencrypted"),
        ("realtime: {url: http://localhost}", "must be local, wss://HOST/PATH, or ws:// to a"),
        ("realtime: {url: wss://u:p@h/v1}", "must not contain a password"),
        ("realtime: {api_key: sk-x}", "unknown key 'api_key' (did you mean api_key_env?)"),
        ("log: {level: loud}", "log.level: 'loud' must be one of info, error"),
        ("capture: {region: [1, 2, 3]}", "capture.region: [1, 2, 3] must be [x, y, width, height]"),
        ("capture: {region: 5}", "capture.region: must be a list such as [1, 2]"),
        ("change: {places: [1]}", "change.places.0: must be a mapping such as {key: value}"),
        ("realtime: {price: 3}", "realtime.price: must be a mapping such as {key: value}"),
        ("capture: {max_fps: 1e1}", "capture.max_fps: must be a number, not '1e1': write 10"),
        ("capture: {use: }", "capture.use: is empty, allowed: auto, damage"),
        ("capture: {usee: auto}", "capture.usee: unknown key 'usee' (did you mean use?), allowed"),
        ("change: {handof: latest}", "unknown key 'handof' (did you mean handoff?)"),
        ("budget: {usd_per_day: -1}", "must be between 0.001 and 1,000,000"),
        ("sinks: [{use: command, argv: []}]", "sinks.0.argv: [] must name a program"),
        ("capture:\n\tuse: auto", "line 2: a tab stands where YAML allows none: indent with spa"),
        ("capture:\n  use: auto\n\tmonitor: 1", "line 3: a tab stands where YAML allows none"),
        ("k: a: b", "put text with a colon in quotes"),
        ("k: @x", "put it in quotes"),
        ("k: [1", "but got the end of the file"),
        ("a: [1\nb: 2", "my.yaml: line 2:"),
        ("a: 1\na: 2", "my.yaml: line 2: a: stands twice, first on line 1"),
        ("- 1", "my.yaml: must be a mapping"),
    ],
)
def test_a_mistake_names_file_line_and_key(text, says):
    assert says in complaint(text)


@pytest.mark.parametrize(
    "text",
    [
        "realtime: {url: 'wss://me:hunter2pw@host/v1'}",
        "realtime: {url: 'wss://me:hunter2pw'}",
        "realtime: {url: [hunter2pw]}",
        "realtime: hunter2pw",
        "realtime: {headers: {Authorization: Bearer hunter2pw}}",
        "realtime: {headers: {X-Key: [hunter2pw]}}",
        "realtime: {headers: hunter2pw}",
        "realtime: {api_key_env: sk-hunter2pw}",
        "realtime: {api_key_env: 0123456789abchunter2pw}",
        "realtime: {api_key_env: abc0123456789abchunter2pw}",
        "realtime: {api_key_env: [hunter2pw]}",
        "sinks: [{use: webhook, url: 'http://example.org/hunter2pw'}]",
        "sinks: [{use: webhook, url: 'https://me:hunter2pw@example.org/'}]",
        "sinks: [{use: webhook, url: 'https://example.org/', secret_env: whsec_+hunter2pw}]",
        "sinks: [{use: notify, urls_env: 'tgram://hunter2pw/'}]",
    ],
)
def test_a_mistake_about_a_secret_does_not_repeat_it(text):
    assert "hunter2pw" not in complaint(text)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "_k", "my_key_2", "THE_SECOND_KEY_OF_AZURE_2"])
def test_a_name_of_a_variable_is_taken(name):
    build(f"realtime: {{api_key_env: {name}}}")


def test_all_mistakes_are_told_at_once():
    assert len(complaint("capture: {a: 1}\nchange: {b: 2}\nlog: 3").splitlines()) == 3


def test_set_reaches_every_key_and_takes_the_blame():
    configuration = build(
        "sinks: [{}]", "capture.max_fps=5", "realtime.model=x", "sinks.0.use=file"
    )
    assert configuration.stages["capture"].max_fps == 5
    assert configuration.stages["realtime"].model == "x"
    assert isinstance(configuration.sinks["file"], File)
    assert complaint("", "capture.max_fps=0").startswith("command line: capture.max_fps: 0.0 must")
    assert "must look like" in complaint("", "capture")
    assert "is not YAML" in complaint("", "capture.monitor=[")
    assert "no such place" in complaint("capture: 3", "capture.monitor.x=1")
    assert complaint("", "foo.bar=1").startswith("command line: foo: unknown key 'foo'")
    assert build("capture:", "capture.max_fps=5").stages["capture"].max_fps == 5


@pytest.mark.parametrize(
    "assignment", ["capture.monitor=2026-13-45", "capture.²=1", f"capture.monitor={'[' * 2000}"]
)
def test_what_cannot_be_set_is_refused_in_one_line(assignment):
    assert len(complaint("", assignment).splitlines()) == 1


@pytest.mark.parametrize("assignment", ["realtime.url=[hunter2pw", "realtime.url.x.y=hunter2pw"])
def test_a_setting_that_is_refused_does_not_repeat_its_value(assignment):
    assert "hunter2pw" not in complaint("realtime: {url: local}", assignment)


def test_choosing_a_source_keeps_what_belongs_to_it():
    document = parse("capture: {use: screen, monitor: 2}", "my.yaml")
    document.choose_source("screen")
    assert document.data["capture"]["monitor"] == 2
    document.choose_source("replay:some/folder")
    assert document.data["capture"] == {"use": "replay", "path": "some/folder"}
    document.choose_source("screen")
    assert document.data["capture"] == {"use": "auto"}
    with pytest.raises(UsageError, match="must be screen or replay:DIR"):
        document.choose_source("camera")


def test_sinks_from_the_command_line_replace_the_configured_ones():
    document = parse("sinks: [{use: terminal}]", "my.yaml")
    document.choose_sinks(["file:a.jsonl", "file:C:b.md", "terminal"], SECTIONS["sinks"])
    sinks = config.build(document, SECTIONS).sinks
    assert list(sinks) == ["file", "file#2", "terminal"]
    assert [sinks["file"].path, sinks["file#2"].path] == ["a.jsonl", "C:b.md"]
    with pytest.raises(UsageError, match="did you mean file"):
        document.choose_sinks(["fil:x"], SECTIONS["sinks"])


def test_the_effective_configuration_can_be_read_again():
    text = build("realtime: {instructions: 'a\n\n  b: c'}").text()
    assert build(text).text() == text


def test_the_effective_configuration_shows_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in build("").text()


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not UTF-8"):
        read(tmp_path / "odd.yaml")


YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["capture", "change", "encode", "realtime", "sinks", "log", "use", "path"])


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(KEYS, YAML | st.dictionaries(KEYS, YAML)))
def test_rubbish_is_refused_or_accepted_but_never_crashes(data):
    document = Document("my.yaml", data, {})
    with contextlib.suppress(UsageError):
        config.build(document, SECTIONS)
