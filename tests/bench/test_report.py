"""What a benchmark found, through JSON and back."""

from __future__ import annotations

import json

import attrs
import pytest

from hud.bench import table
from hud.bench.report import METRICS, Scene, load, merged, to_json
from hud.errors import UsageError
from tests.bench.test_compare import report, times


@pytest.fixture
def found():
    return report({"change_to_wire": [times(3), times(4)], "cpu_hud": [[0.5, 0.7]]})


def test_json_there_and_back(tmp_path, found):
    path = tmp_path / "b.json"
    path.write_text(to_json(found))
    assert load(path) == found


def test_json_says_the_percentiles_too(found):
    scene = json.loads(to_json(found))["screens"][0]["scenes"]["line"]
    samples = sorted(sample for part in scene["metrics"]["change_to_wire"] for sample in part)
    summary = scene["summary"]["change_to_wire"]
    assert summary["n"] == 80
    assert summary["p50"] == samples[39]
    assert summary["p99"] == samples[-1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("{", "is not what `hud bench --json` writes"),
        ("[]", "is not what"),
        ('{"format": 99}', "format 1"),
        ('{"format": 1, "version": "1"}', "is not what"),
    ],
)
def test_another_file_is_one_line(tmp_path, text, says):
    path = tmp_path / "b.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=says):
        load(path)


def test_rounds_of_one_size_are_kept_apart(found):
    screen = found.screens[0]
    other = Scene(9.0, 10, 8, 30, 9, 100.0, {"a→b merged": 2}, {"change_to_wire": [[5.0]]})
    together = merged([screen, attrs.evolve(screen, peak_memory=120.0, scenes={"line": other})])
    line = together.scenes["line"]
    assert (line.changes, line.shown, line.seconds) == (30, 28, 18.0)
    assert [len(part) for part in line.metrics["change_to_wire"]] == [40, 40, 1]
    assert together.peak_memory == 120.0
    assert line.drops == {"a→b merged": 2}


def test_every_stage_of_the_table_is_measured():
    shown = {table._WORK.get(stage, f"{stage}_work") for stage in table.STAGES}
    assert shown <= set(METRICS)
