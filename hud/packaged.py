"""The files that come along with the program."""

from __future__ import annotations

import pathlib

_HERE = pathlib.Path(__file__).parent


def config_file(name: str) -> pathlib.Path:
    """A ready configuration: beside this module when installed, in `config/` in a checkout."""
    installed = _HERE / "config_files" / name
    return installed if installed.exists() else _HERE.parent / "config" / name


def config_files() -> list[str]:
    """The names of all ready configurations."""
    return sorted(path.name for path in config_file("default.yaml").parent.glob("*.yaml"))


def recording() -> pathlib.Path:
    """The folder of the bundled recording."""
    return _HERE / "recording"
