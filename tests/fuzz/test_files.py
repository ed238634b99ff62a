"""Configuration files and scene folders in every state of damage: one clear line, or they work.

HUD_FUZZ=100000 pytest tests/fuzz tries as many; the default is small.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import tempfile

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hud import config, scene
from hud.document import parse
from hud.errors import UsageError
from hud.packaged import recording
from stages.registry import SECTIONS
from tests.realtime.test_fuzz import changed, paths

TIMES = int(os.environ.get("HUD_FUZZ", "90"))
FUZZ = settings(
    max_examples=TIMES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
FILES = sorted((pathlib.Path(__file__).parents[2] / "config").glob("*.yaml"))
WORDS = st.sampled_from(
    ["use", "damage", "screen", "path", "local", "off", "all", "monitor", "1", "places", "region",
     "url", "wss://example.org", "file", "terminal", "daily", ".", "", "-1", "~", "mask", "rules"]
)  # fmt: skip
LEAVES = (
    WORDS | st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats()
    | st.text(max_size=6) | st.dates() | st.binary(max_size=3)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.integers(), inner),
    max_leaves=6,
)


def one_clear_line(error: UsageError, name: str) -> None:
    """One for each mistake, and not too many of them."""
    lines = str(error).splitlines()
    assert len(lines) <= 25
    for said in lines:
        assert said.startswith((name, "and ")), said
        assert len(said) < 1500
    assert "Traceback" not in str(error)
    assert "object at 0x" not in str(error)


def build(text: str) -> None:
    """As `hud check` does."""
    try:
        configuration = config.build(parse(text, "my.yaml"), SECTIONS)
        assert configuration.text()
    except UsageError as error:
        one_clear_line(error, "my.yaml")


@FUZZ
@given(st.data())
def test_a_configuration_with_other_values_in_some_places(data):
    document = yaml.safe_load(data.draw(st.sampled_from(FILES)).read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(sorted(paths(document), key=repr)))
        document = changed(document, place, data.draw(st.just(...) | VALUES))
    build(yaml.safe_dump(document, allow_unicode=True))


@FUZZ
@given(st.data())
def test_a_configuration_with_other_characters_in_some_places(data):
    text = data.draw(st.sampled_from(FILES)).read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 20))
        text = text[:at] + data.draw(st.text(max_size=4) | SIGNS) + text[at + length :]
    build(text)


SIGNS = st.sampled_from(
    ["\n", "\t", "- ", ": ", "{", "}", "[", "]", "&a ", "*a", "!!python/object:x", "<<: *a", "|",
     "\0", "\x85", "\ud83d\ude00", "? ", "%YAML 9", "---\n", "'", '"', "#", "!!binary x", "1e999"]
)  # fmt: skip


def test_a_configuration_that_is_deep_or_wide_or_refers_to_itself():
    build("[" * 5000)
    build("{a: " * 3000)
    build("capture: &a {use: *a}")
    build("a: &a [1,1]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(50)))
    build("capture: {use: " + "x" * 10**5 + "}")
    build("x" * 10**5 + ": 1")
    build("".join(f"key{n}: 1\n" for n in range(5000)))
    doubled = "".join(f"b{n + 1}: &b{n + 1} [*b{n}, *b{n}]\n" for n in range(60))
    build(f"b0: &b0 [1]\n{doubled}")


def test_a_configuration_file_that_is_no_text(tmp_path):
    from hud.document import read

    for name, content in {"nul": b"\0" * 99, "latin": b"a: \xe9", "wide": b"\xff\xfea\0"}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError) as caught:
            read(path)
        one_clear_line(caught.value, str(path))
    with pytest.raises(UsageError):
        read(tmp_path)


@pytest.fixture(scope="module")
def small():
    """A copy of the bundled recording's first seconds, to be damaged."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "scene"
        data = json.loads((recording() / "scene.json").read_text())
        data["frames"] = data["frames"][:4]
        folder.mkdir()
        for file in {frame["file"] for frame in data["frames"]}:
            shutil.copy(recording() / file, folder)
        (folder / "scene.json").write_text(json.dumps(data))
        yield folder


def play(folder: pathlib.Path) -> None:
    """As `hud estimate` and the replaying capture do."""
    with tempfile.TemporaryDirectory(), contextlib.suppress(StopIteration):
        try:
            frames = scene.load(folder).frames()
            for _ in range(6):
                assert next(frames).pixels.ndim == 3
        except UsageError as error:
            one_clear_line(error, str(folder))


@settings(FUZZ, max_examples=max(1, TIMES // 3))
@given(st.data())
def test_a_scene_with_another_index(small, data):
    index = json.loads((small / "scene.json").read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(sorted(paths(index), key=repr)))
        index = changed(index, place, data.draw(st.just(...) | SCENE_VALUES))
    with damaged(small, "scene.json", json.dumps(index).encode("utf-8", "surrogatepass")):
        play(small)


@pytest.mark.parametrize("name", ["\x85", "a\nb", "\u2028", "\x1b[2J"])
def test_a_picture_with_an_odd_name_is_told_on_one_line(small, name):
    for content in (None, b"no picture"):
        index = json.loads((small / "scene.json").read_text())
        index["frames"][0]["file"] = name
        with (
            damaged(small, "scene.json", json.dumps(index).encode()),
            contextlib.ExitStack() as stack,
        ):
            if content is not None:
                (small / name).write_bytes(content)
                stack.callback((small / name).unlink)
            with pytest.raises(UsageError) as told:
                next(scene.load(small).frames())
        assert len(str(told.value).splitlines()) == 1
        assert str(told.value).isprintable()


SCENE_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6)
    | st.sampled_from(["../scene.json", "/dev/zero", "/dev/null", ".", "a\0b", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip


@settings(FUZZ, max_examples=max(1, TIMES // 3))
@given(st.data())
def test_a_scene_with_a_damaged_file(small, data):
    path = data.draw(st.sampled_from(sorted(small.iterdir())))
    content = path.read_bytes()
    end = data.draw(st.integers(0, len(content)))
    at = data.draw(st.integers(0, max(0, end - 1)))
    rubbish = data.draw(st.binary(max_size=8))
    with damaged(small, path.name, content[:at] + rubbish + content[at + len(rubbish) : end]):
        play(small)


def test_a_scene_with_missing_files(small):
    for path in sorted(small.iterdir()):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(UsageError, match=r"missing|No such file"):
            scene.load(small)
        path.write_bytes(content)


@contextlib.contextmanager
def damaged(folder: pathlib.Path, name: str, content: bytes):
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(whole)
