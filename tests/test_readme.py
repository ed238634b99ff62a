"""The README's table of options is what the code declares.

python -m tests.test_readme     writes it anew
"""

from __future__ import annotations

import pathlib

import attrs
import yaml

from hud.config import Log, build
from hud.context import ContextOptions
from hud.document import parse
from hud.privacy.options import PrivacyOptions
from hud.realtime.prompt import INSTRUCTIONS
from hud.spending import BudgetOptions
from hud.stage import options_of
from stages.registry import SECTIONS

README = pathlib.Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- options -->\n", "<!-- /options -->"


def table() -> str:
    users: dict[str, list[str]] = {}
    others = {"context": ContextOptions, "budget": BudgetOptions, "privacy": PrivacyOptions}
    others |= {"log": Log}
    sections = SECTIONS | {section: {"": cls} for section, cls in others.items()}
    for section, choices in sections.items():
        for name, cls in choices.items():
            for field in options_of(cls):
                key = f"`{section.replace('sinks', 'sinks.N')}.{field.name}`"
                row = f"| {key} | {shown(field)} | {field.metadata['meaning']}"
                users.setdefault(row, []).extend([name] if len(choices) > 1 else [])
    rows = [
        f"{row} *(use: {', '.join(names)})* |" if names else f"{row} |"
        for row, names in users.items()
    ]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows]) + "\n"


def shown(field) -> str:
    if field.default is INSTRUCTIONS or field.default == INSTRUCTIONS:
        return "*(see `hud check`)*"
    if repr(field.default) == "NOTHING":
        return "*(required)*"
    default = field.default
    if isinstance(default, attrs.Factory):
        default = default.factory()
    if isinstance(default, tuple):
        default = list(default)
    if default is None:
        return ""
    written = yaml.safe_dump(default, default_flow_style=True, width=999)
    return f"`{written.splitlines()[0]}`"


def test_the_table_of_options_is_up_to_date():
    text = README.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0] == table()


def test_the_configuration_in_the_readme_is_valid():
    block = README.read_text().partition("```yaml\n")[2].partition("```")[0]
    configuration = build(parse(block, "README.md"), SECTIONS)
    assert configuration.stages["realtime"].model == "gpt-realtime-1.5"
    assert list(configuration.sinks) == ["terminal", "file"]


if __name__ == "__main__":
    old = README.read_text()
    head, _, rest = old.partition(BEGIN)
    README.write_text(head + BEGIN + table() + END + rest.partition(END)[2])
