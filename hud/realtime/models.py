"""The Realtime models as data: what they cost, hold and can, and when they go.

From OpenAI's pages on models, pricing and deprecations; `READ` says when they were read.
"""

from __future__ import annotations

import attrs

from hud.items import Usage

SOURCE = "OpenAI's pages on models, pricing and deprecations"
READ = "2026-10"


@attrs.frozen
class Price:
    """Dollars per million tokens."""

    text: float
    cached_text: float
    image: float
    cached_image: float
    output: float


FREE = Price(0.0, 0.0, 0.0, 0.0, 0.0)
"""The local model's."""


@attrs.frozen
class RealtimeModel:
    """One model that is shown pictures and writes text."""

    price: Price
    context: int
    """Tokens of input and output together."""
    reasons: bool
    """Whether it takes `reasoning`; the others refuse a session that names it."""
    off: str = ""
    """The day it is switched off, "" where none is announced."""
    instead: str = ""
    """What to use then."""


MODELS = {
    "gpt-realtime-1.5": RealtimeModel(Price(4.0, 0.40, 5.0, 0.50, 16.0), 32_000, False),
    "gpt-realtime-2.1": RealtimeModel(Price(4.0, 0.40, 5.0, 0.50, 24.0), 128_000, True),
    "gpt-realtime-2": RealtimeModel(Price(4.0, 0.40, 5.0, 0.50, 24.0), 128_000, True),
    "gpt-realtime-2.1-mini": RealtimeModel(Price(0.60, 0.06, 0.80, 0.08, 2.40), 128_000, True),
    "gpt-realtime": RealtimeModel(
        Price(4.0, 0.40, 5.0, 0.50, 16.0),
        32_000,
        False,
        off="2027-01-20",
        instead="gpt-realtime-2.1",
    ),
    "gpt-realtime-mini": RealtimeModel(
        Price(0.60, 0.06, 0.80, 0.08, 2.40),
        32_000,
        False,
        off="2027-01-20",
        instead="gpt-realtime-2.1-mini",
    ),
}
CHEAPEST = "gpt-realtime-2.1-mini"


def cost(usage: Usage, price: Price) -> float:
    """Dollars of one answer; cached tokens are part of the input, at a price of their own."""
    cached_text = usage.cached_tokens - usage.cached_image_tokens
    return (
        (usage.text_tokens - cached_text) * price.text
        + cached_text * price.cached_text
        + (usage.image_tokens - usage.cached_image_tokens) * price.image
        + usage.cached_image_tokens * price.cached_image
        + usage.output_tokens * price.output
    ) / 1e6
