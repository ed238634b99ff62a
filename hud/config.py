"""YAML into typed configuration; every mistake is found before anything starts.

A configuration is one mapping, its keys in the order of the flow. `use` picks the implementation of
a stage and `handoff` what happens when it is not ready; every other key is one of its options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import cattrs
import yaml

from hud.channel import Handoff
from hud.context import ContextOptions
from hud.document import Document, Path, Problem, unknown
from hud.options import plain, problems_of, strict_converter, structure
from hud.privacy.options import PrivacyOptions
from hud.spending import BudgetOptions
from hud.stage import OptionError, one_of, option, options_of

ALLOWED = {"realtime": (Handoff.DEMAND, Handoff.BLOCK)}
"""Where not every handoff will do: a newer shot does not hold what an older one shows."""

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
    context: ContextOptions
    budget: BudgetOptions
    privacy: PrivacyOptions
    log: Log
    effective: Mapping[str, Any]
    """The whole configuration with every default, as plain data without secrets."""

    def text(self) -> str:
        """The whole configuration as YAML; it can be run as it is where no secret is left out."""
        return yaml.dump(
            dict(self.effective), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
        )


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


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
        self._converter = strict_converter()
        self.problems: list[Problem] = []

    def build(self, data: dict[str, Any]) -> Configuration:
        single = [section for section in self._registry if section != "sinks"]
        self._refuse_unknown(data, [*single, "context", "budget", "privacy", "sinks", "log"], ())
        stages: dict[str, Any] = {}
        handoffs: dict[str, Handoff] = {}
        effective: dict[str, Any] = {}
        for section in single:
            stages[section], effective[section] = self._stage(
                section, data.get(section), (section,), handoffs
            )
        if handoffs.get("change") is Handoff.DEMAND and getattr(
            stages["capture"], "is_woken", False
        ):
            self._complain(
                ("change", "handoff"),
                "a capture that is woken by what is drawn does not wait to be asked: choose latest "
                "or block, or capture.use: screen",
            )
        context = self._options(ContextOptions, data.get("context"), ("context",))
        effective["context"] = plain(context) if context else {}
        budget = self._options(BudgetOptions, data.get("budget"), ("budget",))
        effective["budget"] = plain(budget) if budget else {}
        privacy = self._options(PrivacyOptions, data.get("privacy"), ("privacy",))
        effective["privacy"] = plain(privacy) if privacy else {}
        sinks, effective["sinks"] = self._sinks(data.get("sinks", [{}]))
        log = self._options(Log, data.get("log"), ("log",))
        effective["log"] = plain(log) if log else {}
        return Configuration(
            stages,
            sinks,
            handoffs,
            context or ContextOptions(),
            budget or BudgetOptions(),
            privacy or PrivacyOptions(),
            log or Log(),
            effective,
        )

    def _refuse_unknown(
        self,
        data: Mapping[Any, Any],
        allowed: Sequence[str],
        path: Path,
        also: Sequence[str] = (),
    ) -> None:
        for key in data:
            if key not in allowed:
                self._complain((*path, str(key)), unknown("key", str(key), allowed, also))

    def _besides(self, path: Path) -> list[str]:
        """The keys of a stage that are none of its options."""
        section = str(path[0])
        use = ["use"] if section in self._registry else []
        return use + (["handoff"] if section in HANDOFF_STAGES else [])

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
        if name is None:
            self._complain((*path, "use"), f"is empty, allowed: {', '.join(choices)}")
            return None, None
        if not isinstance(name, str) or name not in choices:
            self._complain((*path, "use"), unknown("name", str(name), list(choices)))
            return None, None
        if section != "realtime":
            effective["use"] = name
        if section in HANDOFF_STAGES:
            default = Handoff.DEMAND if section == "realtime" else Handoff.LATEST
            word, allowed = options.pop("handoff", default.value), ALLOWED.get(section, Handoff)
            handoff = self._handoff(word, [each.value for each in allowed], path)
            handoffs[HANDOFF_STAGES[section]] = handoff
            effective["handoff"] = handoff.value
        stage = self._options(choices[name], options, path)
        return stage, effective | (plain(stage) if stage is not None else {})

    def _handoff(self, word: object, allowed: Sequence[str], path: Path) -> Handoff:
        if word in allowed:
            return Handoff(word)
        self._complain((*path, "handoff"), unknown("handoff", str(word), allowed))
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
            # Text is not repeated: an address may hold a password.
            texts: dict[type, str] = {str: "text", list: "a list"}
            what = texts.get(type(data)) or repr(data)
            self._complain(path, f"must be a mapping of options, not {what}")
            return None
        return dict(data)

    def _options(self, cls: type, data: object, path: Path) -> Any:  # noqa: ANN401 - of class cls
        options = self._mapping(data, path)
        if options is None:
            return None
        before = len(self.problems)
        also = self._besides(path)
        self._refuse_unknown(options, [field.name for field in options_of(cls)], path, also)
        if len(self.problems) > before:
            return None
        try:
            return structure(self._converter, options, cls)
        except cattrs.BaseValidationError as error:
            self.problems.extend(problems_of(error, path))
        except OptionError as error:
            self._complain((*path, error.name), str(error))
        return None
