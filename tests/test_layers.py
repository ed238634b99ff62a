"""Imports point one way: hud.commands → stages → hud."""

from __future__ import annotations

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
HUD = sorted((ROOT / "hud").rglob("*.py"))
STAGES = sorted((ROOT / "stages").rglob("*.py"))


def imported(path: pathlib.Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", HUD, ids=module)
def test_hud_does_not_know_the_stages(path):
    if path.parent.name != "commands":
        assert not {name for name in imported(path) if name.split(".")[0] == "stages"}


@pytest.mark.parametrize("path", STAGES, ids=module)
def test_a_stage_knows_no_other_stage_nor_the_pipeline(path):
    if path.name == "registry.py":
        return
    own = path.relative_to(ROOT).parts[1].removesuffix(".py")
    names = imported(path)
    others = {name for name in names if name.startswith("stages.") and name.split(".")[1] != own}
    assert not others
    assert not names & {"hud.channel", "hud.pipeline", "hud.supervise", "hud.ledger", "logging"}


@pytest.mark.parametrize(
    "path", [path for path in HUD if path.parent.name == "realtime"], ids=module
)
def test_the_protocol_does_no_io(path):
    forbidden = {"trio", "trio_websocket", "socket", "ssl", "time", "random", "logging", "os"}
    assert not {name.split(".")[0] for name in imported(path)} & forbidden


@pytest.mark.parametrize("path", [*HUD, *STAGES], ids=module)
def test_only_the_command_line_prints(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert not prints or module(path) == "hud.commands.console"
