"""A configuration file as plain data that knows on which line each key stands."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import yaml

from hud.errors import UsageError
from hud.nearest import meant
from hud.stage import options_of

SCREENS = ("auto", "damage", "screen")
"""The captures that watch this machine's screen."""
DEEPEST, MOST_KEYS = 20, 10_000
"""Of a configuration; the deepest option stands at six, and nobody writes so many."""
MOST_TOLD, LONGEST = 20, 600
"""Mistakes, and characters of each, that are told."""
Path = tuple[str | int, ...]
"""Keys and indices from the root of the document."""


@attrs.frozen
class Problem:
    """One mistake and where it stands."""

    path: Path
    message: str


@attrs.define
class Document:
    """A YAML mapping that knows on which line each key stands."""

    name: str
    data: dict[str, Any]
    lines: dict[Path, int]
    from_command_line: set[Path] = attrs.field(factory=set)

    def set(self, assignment: str) -> None:
        """Apply one `a.b=value` from the command line; the value is YAML."""
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {assignment}: must look like capture.max_fps=10")
        # The value is not repeated: it may be a secret.
        path = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise UsageError(f"--set {key}: the value is not YAML") from None
        place: Any = self.data  # a mapping or a list, at any depth
        try:
            for end, part in enumerate(path[:-1], 1):
                if isinstance(place, dict) and place.get(part) is None:
                    place[part] = {}
                    self.from_command_line.add(path[:end])
                place = place[part]
            place[path[-1]] = value
        except (TypeError, IndexError, KeyError):
            raise UsageError(
                f"--set {key}: there is no such place (`hud check` prints all there are)"
            ) from None
        self.from_command_line.add(path)

    @property
    def watches_screen(self) -> bool:
        """Whether a capture of this machine's screen is configured."""
        options = self.data.get("capture") or {}
        return isinstance(options, dict) and options.get("use", "auto") in SCREENS

    def text(self, section: str, key: str) -> str | None:
        """The text that stands at a key of a section, if any does."""
        options = self.data.get(section)
        value = options.get(key) if isinstance(options, dict) else None
        return value if isinstance(value, str) else None

    def choose_source(self, spec: str) -> None:
        """Apply `--source`: `screen` keeps what is configured for it, `replay:DIR` does not."""
        name, colon, path = spec.partition(":")
        if name == "replay" and path:
            self._replace("capture", {"use": "replay", "path": path})
        elif name == "screen" and not colon:
            if not self.watches_screen:
                self._replace("capture", {"use": "auto"})
        else:
            raise UsageError(f"--source {spec}: must be screen or replay:DIR")

    def choose_sinks(self, specs: Sequence[str], sinks: Mapping[str, type]) -> None:
        """Apply `--sink`: `name`, or `name:value` where the value is the sink's first option."""
        chosen = []
        for spec in specs:
            name, colon, value = spec.partition(":")
            if name not in sinks:
                problem = unknown("sink", name, list(sinks))
                raise UsageError(f"--sink {name or repr(name)}: {problem}")
            options = options_of(sinks[name])
            if colon and not options:
                raise UsageError(f"--sink {name}: {name} has no options")
            needed = options and options[0].default is attrs.NOTHING
            if not value and (colon or needed):
                first = options[0].name
                raise UsageError(
                    f"--sink {name}: its {first} is missing, as in --sink {name}:{first.upper()}"
                )
            chosen.append(
                {"use": name} | ({options[0].name: _typed(options[0], value)} if colon else {})
            )
        self._replace("sinks", chosen)

    def _replace(self, section: str, value: object) -> None:
        self.data[section] = value
        self.lines = {path: line for path, line in self.lines.items() if path[0] != section}
        self.from_command_line.add((section,))

    def refuse(self, problems: Sequence[Problem]) -> UsageError:
        """The error that tells of the problems, one a line, and not of more than help."""
        lines = [_shortened(self._sentence(problem)) for problem in problems[:MOST_TOLD]]
        if len(problems) > MOST_TOLD:
            lines.append(f"and {len(problems) - MOST_TOLD} more")
        return UsageError("\n".join(lines))

    def _sentence(self, problem: Problem) -> str:
        key = ".".join(map(str, problem.path))
        where = self.name
        for end in range(len(problem.path), 0, -1):
            place = problem.path[:end]
            if place in self.from_command_line:
                where = "command line"
                break
            if place in self.lines:
                where = f"{self.name}: line {self.lines[place]}"
                break
        return ": ".join(filter(None, [where, key, problem.message]))


def _typed(option: attrs.Attribute[Any], text: str) -> object:
    """The text behind `--sink NAME:`, as YAML where the option is no text."""
    if "str" in str(option.type):
        return text
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def _shortened(sentence: str) -> str:
    """The sentence; what somebody wrote into it may be of any length."""
    half = LONGEST // 2
    return sentence if len(sentence) <= LONGEST else f"{sentence[:half]} … {sentence[-half:]}"


def read(path: pathlib.Path) -> Document:
    """Read a configuration file.

    Raises:
        UsageError: it cannot be read, is no YAML or no mapping, or a key stands twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise UsageError(f"{path}: {reason}") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Document:
    """Parse the text of a configuration; `name` stands in front of every mistake."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise UsageError(f"{name}: {where}{_explained(error)}") from None
    except RecursionError:
        raise UsageError(f"{name}: is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UsageError(f"{name}: must be a mapping such as `capture: {{use: auto}}`")
    document = Document(name, data, {})
    problems: list[Problem] = []
    _note_lines(node, (), document.lines, problems)
    if problems:
        raise document.refuse(problems)
    return document


def _explained(error: yaml.YAMLError) -> str:
    """What is wrong with the text, and what to do about the commonest mistakes."""
    problem = str(getattr(error, "problem", None) or "is not YAML")
    if r"'\t'" in problem or "tab" in problem.split():
        return "a tab stands where YAML allows none: indent with spaces"
    if "mapping values are not allowed" in problem:
        return f"{problem}: put text with a colon in quotes, and indent keys of one level alike"
    if "cannot start any token" in problem or "undefined alias" in problem:
        return f"{problem}: put it in quotes"
    if "<document start>" in problem:
        return "is not YAML: a configuration is made of lines such as `key: value`"
    return problem.replace("'<stream end>'", "the end of the file")


def _note_lines(
    node: yaml.Node | None, path: Path, lines: dict[Path, int], problems: list[Problem]
) -> None:
    if len(path) > DEEPEST or len(lines) > MOST_KEYS:
        if not problems:  # an alias may stand for itself, or for very many others
            problems.append(Problem(path[:DEEPEST], "is nested too deeply, or holds too much"))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*path, str(key.value))
            if place in lines:
                problems.append(Problem(place, f"stands twice, first on line {lines[place]}"))
            lines[place] = key.start_mark.line + 1
            _note_lines(value, place, lines, problems)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*path, index] = value.start_mark.line + 1
            _note_lines(value, (*path, index), lines, problems)


def unknown(kind: str, word: str, allowed: Sequence[str], also: Sequence[str] = ()) -> str:
    """The sentence for a word that is not known, with the nearest one that is, or is `also`."""
    hint = meant(word, [*allowed, *also])
    return f"unknown {kind} {word!r}{hint}, allowed: {', '.join(allowed)}"
