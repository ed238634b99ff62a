"""What can be chosen is complete, explained and of one shape."""

from __future__ import annotations

import importlib
import inspect
import pathlib
import pkgutil

import attrs
import pytest

import stages
from hud.stage import options_of
from stages.registry import SECTIONS

CHOSEN = [cls for choices in SECTIONS.values() for cls in choices.values()]


def stage_classes():
    for info in pkgutil.walk_packages(stages.__path__, "stages."):
        module = importlib.import_module(info.name)
        for cls in vars(module).values():
            if inspect.isclass(cls) and cls.__module__ == info.name and hasattr(cls, "run"):
                yield cls


def test_every_stage_can_be_chosen():
    # Assembling has no alternatives, and recording has a command of its own.
    assert {cls.__name__ for cls in stage_classes()} - {"Assemble", "Record"} == {
        cls.__name__ for cls in CHOSEN
    }


@pytest.mark.parametrize("cls", CHOSEN, ids=lambda cls: cls.__name__)
def test_a_stage_is_frozen_and_explains_its_options(cls):
    assert attrs.has(cls)
    assert cls.__setattr__ is not object.__setattr__
    assert list(inspect.signature(cls.run).parameters) == ["self", "inbox", "outbox"]
    for field in options_of(cls):
        assert field.metadata["meaning"]


def test_stages_neither_time_nor_log():
    for path in pathlib.Path(stages.__path__[0]).rglob("*.py"):
        assert "perf_counter" not in path.read_text()
