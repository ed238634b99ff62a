"""What a stage is, and how it declares its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import attrs
import trio

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

Check = Callable[[Any], str | None]
"""Says what is allowed when a value is not, else None."""


KEY_LENGTH = 20
"""Letters from which a word of lower-case letters and digits looks like a key."""


class Stage(Protocol[In_contra, Out_co]):
    """A worker between two channels: a frozen attrs class whose fields are its options.

    All state lives in the local variables of `run`, so calling it again is a restart. It returns
    when its inbox ends. A stage may also have `preflight()`, which is called before anything
    starts and raises `UsageError` when the environment does not allow a start, and `patience`: the
    seconds that it may take over one item by its own options.
    """

    async def run(
        self, inbox: trio.abc.ReceiveChannel[In_contra], outbox: trio.abc.SendChannel[Out_co]
    ) -> None:
        """Take items until the inbox ends, and send on what comes of them."""


class OptionError(ValueError):
    """An option has a value that is not allowed."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def between(low: float, high: float) -> Check:
    """Check that a number lies in [low, high]."""

    def check(value: float) -> str | None:
        return None if low <= value <= high else f"must be between {low:,.10g} and {high:,.10g}"

    return check


def one_of(*allowed: str) -> Check:
    """Check that a word is one of a few."""

    def check(value: str) -> str | None:
        return None if value in allowed else f"must be one of {', '.join(allowed)}"

    return check


def subset_of(*allowed: str) -> Check:
    """Check that a list names nothing but a few words."""

    def check(values: tuple[str, ...]) -> str | None:
        known = set(values) <= set(allowed)
        return None if known else f"must be a list of some of {', '.join(allowed)}"

    return check


def variable_name(name: str) -> str | None:
    """Check that a word names an environment variable, and is not the key that it should hold."""
    mixed = any(map(str.isdigit, name)) and any(map(str.islower, name))
    if name.isascii() and name.isidentifier() and not (mixed and len(name) >= KEY_LENGTH):
        return None
    return "must be the name of an environment variable such as OPENAI_API_KEY, not what it holds"


HIDDEN = "(set)"
"""Stands for a secret where options are shown."""


def hidden(_value: object) -> str:
    """Show of an option only that it is set."""
    return HIDDEN


def option(
    default: Any = attrs.NOTHING,  # noqa: ANN401 - typed by the field
    *,
    meaning: str,
    check: Check | None = None,
    secret: bool = False,
    shown: Callable[[Any], object] = hidden,
) -> Any:  # noqa: ANN401 - typed by the field
    """Declare an option: its default, its one-line meaning and what is allowed.

    Of one that may hold a `secret`, where it should or should not, no error repeats the value, and
    of a valid one `hud check` prints only what `shown` makes of it.
    """

    def validate(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        problem = check(value) if check is not None and value is not None else None
        if problem is not None:
            # A list as it is written; it is kept as a tuple.
            said = list(value) if isinstance(value, tuple) else value
            raise OptionError(attribute.name, problem if secret else f"{said!r} {problem}")

    metadata = {"meaning": meaning, "secret": secret, "shown": shown}
    return attrs.field(default=default, validator=validate, kw_only=True, metadata=metadata)


def variable(default: Any, *, meaning: str) -> Any:  # noqa: ANN401 - as option
    """Declare an option that names an environment variable, where somebody may put a key."""
    return option(default, meaning=meaning, check=variable_name, secret=True, shown=str)


def given(default: Any = attrs.NOTHING) -> Any:  # noqa: ANN401 - typed by the field
    """Declare an object that the program gives to a stage; it cannot be configured."""
    return attrs.field(default=default, kw_only=True, eq=False, repr=False)


def options_of(stage: type) -> tuple[attrs.Attribute[Any], ...]:
    """The options a stage class declares, in order."""
    return tuple(field for field in attrs.fields(stage) if "meaning" in field.metadata)


def equip(stage: Any, **things: object) -> Any:  # noqa: ANN401 - of the class of stage
    """The stage with those of these things that it has a field declared by `given` for."""
    options = {field.name for field in options_of(type(stage))}
    taken = {field.name for field in attrs.fields(type(stage))} - options
    return attrs.evolve(stage, **{name: thing for name, thing in things.items() if name in taken})


def silent(_sentence: str) -> None:
    """Tell nobody: what a stage's `warn` is until the program gives it a voice."""
