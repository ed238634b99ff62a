"""YAML into typed configuration; every mistake is found before anything starts.

A configuration is one mapping, its keys in the order of the flow. `use` picks the implementation of
a stage and `handoff` what happens when it is not ready; every other key is one of its options.
"""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import cattrs
import cattrs.gen
import yaml

from hud.channel import Handoff
from hud.errors import UsageError
from hud.stage import OptionError, one_of, option, options_of

Path = tuple[str | int, ...]
Registry = Mapping[str, Mapping[str, type]]
"""Section name → name under `use` → stage class; the first is the default. `sinks` is a list."""

HANDOFF_STAGES = {"change": "change", "encode": "encode", "realtime": "send"}
"""Sections with a configurable handoff, and the stage whose inbox it concerns."""


@attrs.frozen
class Log:
    """What is said on stderr besides errors."""

    level: str = option(
        "info",
        meaning="how much: info also says what starts, what ends and what became of the frames",
        check=one_of("info", "error"),
    )


@attrs.frozen(eq=False)
class Configuration:
    """Everything one run needs, checked."""

    stages: Mapping[str, Any]
    """Section name → stage, as its options say."""
    sinks: Mapping[str, Any]
    """Name of the sink in this run → sink."""
    handoffs: Mapping[str, Handoff]
    log: Log
    effective: Mapping[str, Any]
    """The whole configuration with every default, as plain data."""

    def text(self) -> str:
        """The whole configuration as YAML that can be run as it is."""
        return yaml.dump(
            dict(self.effective), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
        )


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


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
        path = tuple(int(part) if part.isdigit() else part for part in key.split("."))
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UsageError(f"--set {assignment}: {text!r} is not YAML") from None
        place: Any = self.data  # a mapping or a list, at any depth
        try:
            for part in path[:-1]:
                place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
            place[path[-1]] = value
        except (TypeError, IndexError, AttributeError):
            raise UsageError(f"--set {assignment}: there is no such place") from None
        self.from_command_line.add(path)

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
            options = self.data.get("capture")
            if not isinstance(options, dict) or options.get("use", "screen") != "screen":
                self._replace("capture", {"use": "screen"})
        else:
            raise UsageError(f"--source {spec}: must be screen or replay:DIR")

    def choose_sinks(self, specs: Sequence[str], sinks: Mapping[str, type]) -> None:
        """Apply `--sink`: `name`, or `name:value` where the value is the sink's first option."""
        chosen = []
        for spec in specs:
            name, colon, value = spec.partition(":")
            if name not in sinks:
                raise UsageError(f"--sink {spec}: {unknown('sink', name, list(sinks))}")
            first = options_of(sinks[name])[0].name
            chosen.append({"use": name} | ({first: value} if colon else {}))
        self._replace("sinks", chosen)

    def _replace(self, section: str, value: object) -> None:
        self.data[section] = value
        self.lines = {path: line for path, line in self.lines.items() if path[0] != section}
        self.from_command_line.add((section,))

    def refuse(self, problems: Sequence[Problem]) -> UsageError:
        """The error that tells of all the problems, one a line."""
        return UsageError("\n".join(self._sentence(problem) for problem in problems))

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
        problem = getattr(error, "problem", None) or "is not YAML"
        raise UsageError(f"{name}: {where}{problem}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: {error}") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UsageError(f"{name}: must be a mapping such as `capture: {{use: screen}}`")
    document = Document(name, data, {})
    problems: list[Problem] = []
    _note_lines(node, (), document.lines, problems)
    if problems:
        raise document.refuse(problems)
    return document


def _note_lines(
    node: yaml.Node | None, path: Path, lines: dict[Path, int], problems: list[Problem]
) -> None:
    if isinstance(node, yaml.MappingNode):
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


def build(document: Document, registry: Registry) -> Configuration:
    """Turn a document into stages.

    Raises:
        UsageError: names every mistake with its file, line and key.
    """
    builder = _Builder(registry)
    configuration = builder.build(document.data)
    if builder.problems:
        raise document.refuse(builder.problems)
    return configuration


class _Builder:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._converter = _converter()
        self.problems: list[Problem] = []

    def build(self, data: dict[str, Any]) -> Configuration:
        single = [section for section in self._registry if section != "sinks"]
        self._refuse_unknown(data, [*single, "sinks", "log"], ())
        stages: dict[str, Any] = {}
        handoffs: dict[str, Handoff] = {}
        effective: dict[str, Any] = {}
        for section in single:
            stages[section], effective[section] = self._stage(
                section, data.get(section), (section,), handoffs
            )
        sinks, effective["sinks"] = self._sinks(data.get("sinks", [{}]))
        log = self._options(Log, data.get("log"), ("log",))
        effective["log"] = _plain(log) if log else {}
        return Configuration(stages, sinks, handoffs, log or Log(), effective)

    def _refuse_unknown(self, data: Mapping[Any, Any], allowed: Sequence[str], path: Path) -> None:
        for key in data:
            if key not in allowed:
                self._complain((*path, str(key)), unknown("key", str(key), allowed))

    def _complain(self, path: Path, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _stage(
        self, section: str, data: object, path: Path, handoffs: dict[str, Handoff]
    ) -> tuple[Any, Any]:
        options = self._mapping(data, path)
        if options is None:
            return None, None
        effective: dict[str, Any] = {}
        choices = self._registry[section]
        name = options.pop("use", next(iter(choices)))
        if not isinstance(name, str) or name not in choices:
            self._complain((*path, "use"), unknown("name", str(name), list(choices)))
            return None, None
        if section != "realtime":
            effective["use"] = name
        if section in HANDOFF_STAGES:
            default = Handoff.DEMAND if section == "realtime" else Handoff.LATEST
            handoff = self._handoff(options.pop("handoff", default.value), path)
            handoffs[HANDOFF_STAGES[section]] = handoff
            effective["handoff"] = handoff.value
        stage = self._options(choices[name], options, path)
        return stage, effective | (_plain(stage) if stage is not None else {})

    def _handoff(self, word: object, path: Path) -> Handoff:
        try:
            return Handoff(word)
        except ValueError:
            names = [handoff.value for handoff in Handoff]
            self._complain((*path, "handoff"), unknown("handoff", str(word), names))
            return Handoff.LATEST

    def _sinks(self, data: object) -> tuple[dict[str, Any], list[Any]]:
        sinks: dict[str, Any] = {}
        effective: list[Any] = []
        if not isinstance(data, list):
            self._complain(("sinks",), "must be a list such as [{use: terminal}]")
            return sinks, effective
        for index, entry in enumerate(data):
            sink, options = self._stage("sinks", entry, ("sinks", index), {})
            if sink is None:
                continue
            name = str(options["use"])
            taken = sum(known.partition("#")[0] == name for known in sinks)
            sinks[f"{name}#{taken + 1}" if taken else name] = sink
            effective.append(options)
        return sinks, effective

    def _mapping(self, data: object, path: Path) -> dict[str, Any] | None:
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._complain(path, f"must be a mapping of options, not {data!r}")
            return None
        return dict(data)

    def _options(self, cls: type, data: object, path: Path) -> Any:  # noqa: ANN401 - of class cls
        options = self._mapping(data, path)
        if options is None:
            return None
        before = len(self.problems)
        self._refuse_unknown(options, [field.name for field in options_of(cls)], path)
        if len(self.problems) > before:
            return None
        try:
            return _structure(self._converter, options, cls)
        except cattrs.BaseValidationError as error:
            self.problems.extend(_flatten(error, path))
        except OptionError as error:
            self._complain((*path, error.name), str(error))
        return None


def unknown(kind: str, word: str, allowed: Sequence[str]) -> str:
    """The sentence for a word that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(word, allowed, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown {kind} {word!r}{hint}, allowed: {', '.join(allowed)}"


def _flatten(error: BaseException, path: Path) -> list[Problem]:
    """Every single problem in cattrs' tree of exceptions."""
    if not isinstance(error, cattrs.BaseValidationError):
        if isinstance(error, OptionError):
            return [Problem((*path, error.name), str(error))]
        if isinstance(error, KeyError):
            return [Problem((*path, str(error.args[0])), "is missing")]
        return [Problem(path, str(error))]
    problems = []
    for inner in error.exceptions:
        place = path
        for note in getattr(inner, "__notes__", ()):
            if isinstance(note, cattrs.AttributeValidationNote):
                place = (*place, note.name)
            elif isinstance(note, cattrs.IterableValidationNote):
                place = (*place, note.index)
        if isinstance(inner, KeyError):
            place = path
        problems.extend(_flatten(inner, place))
    return problems


def _converter() -> cattrs.Converter:
    """A converter that takes values as they are written: no "3" for 3, no 1 for true."""
    converter = cattrs.Converter(detailed_validation=True)
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    for cls, word in words.items():
        converter.register_structure_hook(cls, _strict(cls, word))
    converter.register_structure_hook(int | str, _int_or_text)
    return converter


def _structure(converter: cattrs.Converter, options: Mapping[str, Any], cls: type) -> Any:  # noqa: ANN401 - of class cls
    """Make a stage of its options; what the program gives to it is left at its default."""
    names = {field.name for field in options_of(cls)}
    given = {
        field.name: cattrs.gen.override(omit=True)
        for field in attrs.fields(cls)
        if field.name not in names
    }
    make: Any = cattrs.gen.make_dict_structure_fn(cls, converter, **given)  # type: ignore[arg-type]
    return make(options, cls)


def _strict(cls: type, word: str) -> Any:  # noqa: ANN401 - a cattrs hook
    def structure(value: object, _target: object) -> object:
        fits = isinstance(value, cls) or (cls is float and isinstance(value, int))
        if not fits or (isinstance(value, bool) and cls is not bool):
            raise ValueError(f"must be {word}, not {value!r}")
        return cls(value)

    return structure


def _int_or_text(value: object, _target: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"must be a whole number or text, not {value!r}")  # noqa: TRY004 - cattrs
    return value


def _plain(stage: object) -> dict[str, Any]:
    """A stage's options as plain data."""
    converter = cattrs.Converter()
    return {
        field.name: _listed(converter.unstructure(getattr(stage, field.name)))
        for field in options_of(type(stage))
    }


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
