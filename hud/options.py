"""Plain data into a stage's options, strictly, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import cattrs
import cattrs.gen

from hud.document import Path, Problem
from hud.stage import OptionError, options_of


def problems_of(error: BaseException, path: Path) -> list[Problem]:
    """Every single problem in cattrs' tree of exceptions."""
    if not isinstance(error, cattrs.BaseValidationError):
        if isinstance(error, OptionError):
            return [Problem((*path, error.name), str(error))]
        if isinstance(error, KeyError):
            return [Problem((*path, str(error.args[0])), "is missing")]
        return [Problem(path, _explained(error))]
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
        problems.extend(problems_of(inner, place))
    return problems


def _explained(error: BaseException) -> str:
    """What our own hooks say; where Python itself complains, what belongs there."""
    if isinstance(error, AttributeError) or str(error).startswith("argument of type"):
        return "must be a mapping such as {key: value}"
    if isinstance(error, TypeError):
        return "must be a list such as [1, 2]"
    return str(error)


def strict_converter() -> cattrs.Converter:
    """A converter that takes values as they are written: no "3" for 3, no 1 for true."""
    converter = cattrs.Converter(detailed_validation=True, forbid_extra_keys=True)
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    for cls, word in words.items():
        converter.register_structure_hook(cls, _strict(cls, word))
    converter.register_structure_hook(int | str, _int_or_text)
    converter.register_structure_hook_func(lambda cls: cls == tuple[str, ...], _words)
    return converter


def structure(converter: cattrs.Converter, options: Mapping[str, Any], cls: type) -> Any:  # noqa: ANN401 - of class cls
    """Make a stage of its options; what the program gives to it is left at its default."""
    names = {field.name for field in options_of(cls)}
    special = {
        field.name: cattrs.gen.override(omit=True)
        for field in attrs.fields(cls)
        if field.name not in names
    }
    special |= {
        field.name: cattrs.gen.override(struct_hook=_silently(converter))
        for field in options_of(cls)
        if field.metadata["secret"]
    }
    make: Any = cattrs.gen.make_dict_structure_fn(cls, converter, **special)  # type: ignore[arg-type]
    return make(options, cls)


def _silently(converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    def structure(value: object, target: Any) -> object:  # noqa: ANN401 - a cattrs hook
        try:
            return converter.structure(value, target)
        except Exception:  # of whatever kind: it may repeat the value
            raise ValueError("is of the wrong kind, or part of it is") from None

    return structure


def _strict(cls: type, word: str) -> Any:  # noqa: ANN401 - a cattrs hook
    def structure(value: object, _target: object) -> object:
        fits = isinstance(value, cls) or (cls is float and isinstance(value, int))
        if not fits or (isinstance(value, bool) and cls is not bool):
            raise ValueError(f"must be {word}, not {value!r}{_as_number(value, cls)}")
        return cls(value)

    return structure


def _as_number(value: object, cls: type) -> str:
    """How to write a number that is text: it is quoted, or has an exponent YAML does not know."""
    if cls not in {int, float} or not isinstance(value, str):
        return ""
    try:
        return f": write {float(value):.10g}"
    except ValueError:
        return ""


def _int_or_text(value: object, _target: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"must be a whole number or text, not {value!r}")  # noqa: TRY004 - cattrs
    return value


def _words(value: object, _target: object) -> tuple[str, ...]:
    """A list of texts; a single word, as the command line gives it, is a list of one."""
    if isinstance(value, str) and len(value.split()) == 1:
        return (value,)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"must be a list of texts such as [one, two], not {value!r}")
    return tuple(value)


def plain(stage: object) -> dict[str, Any]:
    """A stage's options as plain data, secrets as they may be shown."""
    converter = cattrs.Converter()
    return {
        field.name: _listed(converter.unstructure(_shown(field, getattr(stage, field.name))))
        for field in options_of(type(stage))
    }


def _shown(field: attrs.Attribute[Any], value: object) -> object:
    secret = field.metadata["secret"] and value is not None
    return field.metadata["shown"](value) if secret else value


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
