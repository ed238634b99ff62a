"""The numbers of the tile detector, and the three words that stand for sets of them."""

from __future__ import annotations

from typing import Literal, get_args

import attrs

Tolerance = Literal[4, 8, 16, 32, 64]
"""Levels of a channel, a power of two: one mask tells it of four channels at once."""


def _positive(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not value > 0:
        message = f"{attribute.name} must be above 0, not {value!r}"
        raise ValueError(message)


def _number(default: float) -> float:
    return attrs.field(default=default, validator=_positive, kw_only=True)


@attrs.frozen
class Limits:
    """Options of the detector; times in seconds, sizes in pixels, shares of 1."""

    tolerance: Tolerance = attrs.field(
        default=16, validator=attrs.validators.in_(get_args(Tolerance))
    )
    """Levels of a channel by which a pixel may differ and still be the same."""
    faint: int = attrs.field(default=40, validator=attrs.validators.in_(range(256)))
    """A change that stays below this many levels everywhere is a tint (hover) and no content."""
    confirm: float = _number(0.04)
    """For how long a change that looks complete is watched before it is passed on."""
    at_once: bool = True
    """Whether it is not watched at all when X told of it and nothing went on around it before."""
    rest: float = _number(0.3)
    """A place that was moving has come to rest after this time without a change."""
    word: float = _number(0.35)
    """A pause this long ends a word that is being typed."""
    bound: float = _number(1.7)
    """The longest wait for something that keeps growing or fading."""
    page: float = _number(0.2)
    """As `rest`, for a change of a large part of the screen."""
    page_bound: float = _number(1.4)
    """As `bound`, for a change of a large part of the screen."""
    large: float = _number(0.08)
    """Share of the screen from which a change counts as large."""
    young: float = _number(2.5)
    """For how long after it was painted a place has to prove that it is not a clock."""
    doubt: float = _number(1.5)
    """The rest asked of a small change in a young or restless place."""
    restless: float = _number(8.0)
    """Four changes of a place within this time make it background."""
    forget: float = _number(10.0)
    """A background place that was still for this long is an ordinary place again."""


SENSITIVITY: dict[str, Limits] = {
    # Later, and only what is strong: what follows meanwhile goes with it.
    "low": Limits(
        tolerance=32,
        faint=64,
        confirm=0.4,
        at_once=False,
        rest=0.6,
        word=0.8,
        bound=3.0,
        young=4.0,
        doubt=1.8,
    ),
    "normal": Limits(),
    # At once, and what is doubtful too.
    "high": Limits(
        tolerance=8, faint=16, rest=0.2, word=0.25, bound=1.2, young=1.0, doubt=0.7, restless=5.0
    ),
}
"""What the words of the configuration stand for."""
