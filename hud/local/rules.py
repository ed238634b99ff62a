"""Rules about JSON values, and the refusal that an `error` event is made from.

A rule is called with a value and its path in the message (`session.audio.input`); it returns
nothing or raises. The codes are those observed on OpenAI's GA service where anyone has recorded
one; the words of the messages are free.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from hud.errors import ProtocolError

Rule = Callable[[object, str], None]


class RefusedError(ProtocolError):
    """A client event that is answered by an `error` event and changes nothing."""

    def __init__(self, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


_KINDS = {
    str: "a string",
    int: "an integer",
    float: "a decimal",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def _wrong_type(value: object, path: str, expected: str) -> RefusedError:
    got = _KINDS.get(type(value), "something else")
    message = f"Invalid type for '{path}': expected {expected}, but got {got} instead."
    return RefusedError("invalid_type", message, path)


def _wrong_value(value: object, path: str, allowed: Collection[str]) -> RefusedError:
    listed = ", ".join(f"'{word}'" for word in allowed)
    message = f"Invalid value: '{shortened(value)}'. Supported values are: {listed}."
    return RefusedError("invalid_value", message, path)


def shortened(value: object) -> str:
    """A value as it may be repeated in a message: at most 64 characters."""
    words = str(value)
    return words if len(words) <= 64 else words[:63] + "…"


def child(path: str, key: str) -> str:
    """Path of a key inside an object, the empty path being the whole message."""
    key = shortened(key)
    return f"{path}.{key}" if path else key


def anything(value: object, path: str) -> None:
    """Accept every value."""


def boolean(value: object, path: str) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise _wrong_type(value, path, "a boolean")


def text(longest: int | None = None, pattern: re.Pattern[str] | None = None) -> Rule:
    """Accept strings of at most `longest` characters that match `pattern` as a whole."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, str):
            raise _wrong_type(value, path, "a string")
        if longest is not None and len(value) > longest:
            message = (
                f"Invalid '{path}': string too long. Expected a string with maximum length "
                f"{longest}, but got a string with length {len(value)} instead."
            )
            raise RefusedError("string_above_max_length", message, path)
        if pattern is not None and not pattern.fullmatch(value):
            message = f"Invalid '{path}': expected a string that matches {pattern.pattern}."
            raise RefusedError("invalid_value", message, path)

    return check


def number(low: float, high: float, *, whole: bool = False) -> Rule:
    """Accept numbers from `low` to `high`, both included."""
    kinds, kind = ((int,), "integer") if whole else ((int, float), "decimal")

    def check(value: object, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise _wrong_type(value, path, "an integer" if whole else "a decimal")
        assert isinstance(value, int | float)
        if value < low:
            message = f"Invalid '{path}': {kind} below minimum value. Expected at least {low}."
            raise RefusedError(f"{kind}_below_min_value", message, path)
        if value > high:
            message = f"Invalid '{path}': {kind} above maximum value. Expected at most {high}."
            raise RefusedError(f"{kind}_above_max_value", message, path)

    return check


def one_of(*words: str) -> Rule:
    """Accept these strings."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, str):
            raise _wrong_type(value, path, "a string")
        if value not in words:
            raise _wrong_value(value, path, words)

    return check


def listing(rule: Rule, count: range | None = None) -> Rule:
    """Accept lists of `count` values that `rule` accepts."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, list):
            raise _wrong_type(value, path, "an array")
        if count is not None and len(value) not in count:
            message = f"Invalid '{path}': expected {count.start} to {count.stop - 1} elements."
            raise RefusedError("invalid_value", message, path)
        for index, element in enumerate(value):
            rule(element, f"{path}[{index}]")

    return check


def pairs(most: int, longest_key: int, rule: Rule) -> Rule:
    """Accept objects of at most `most` free keys, none too long, whose values `rule` accepts."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, "an object")
        if len(value) > most:
            message = f"Invalid '{path}': expected at most {most} pairs, but got {len(value)}."
            raise RefusedError("invalid_value", message, path)
        for key, element in value.items():
            text(longest_key)(key, child(path, key))
            rule(element, child(path, key))

    return check


def mapping(fields: Mapping[str, Rule], required: Collection[str] = ()) -> Rule:
    """Accept objects with no other keys than `fields`, and with those in `required`."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, "an object")
        for key in value:
            if key not in fields:
                where = child(path, key)
                raise RefusedError("unknown_parameter", f"Unknown parameter: '{where}'.", where)
        for key in required:
            if key not in value:
                raise _missing(child(path, key))
        for key, element in value.items():
            fields[key](element, child(path, key))

    return check


def tagged(tag: str, variants: Mapping[str, Rule]) -> Rule:
    """Accept objects that the rule named by their key `tag` accepts."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, "an object")
        if tag not in value:
            raise _missing(child(path, tag))
        word = value[tag]
        one_of(*variants)(word, child(path, tag))
        assert isinstance(word, str)
        variants[word](value, path)

    return check


def by_type(expected: str, rules: Mapping[type, Rule]) -> Rule:
    """Accept values by the rule for their JSON type."""

    def check(value: object, path: str) -> None:
        rule = rules.get(type(value))
        if rule is None:
            raise _wrong_type(value, path, expected)
        rule(value, path)

    return check


def nullable(rule: Rule) -> Rule:
    """Accept null, and what `rule` accepts."""

    def check(value: object, path: str) -> None:
        if value is not None:
            rule(value, path)

    return check


def _missing(path: str) -> RefusedError:
    message = f"Missing required parameter: '{path}'."
    return RefusedError("missing_required_parameter", message, path)
