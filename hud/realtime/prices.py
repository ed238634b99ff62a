"""What Realtime models cost, as data: OpenAI's model and pricing pages, read in October 2026."""

from __future__ import annotations

import attrs

from hud.items import Usage


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
PRICES = {
    "gpt-realtime-1.5": Price(4.0, 0.40, 5.0, 0.50, 16.0),
    "gpt-realtime-2.1": Price(4.0, 0.40, 5.0, 0.50, 24.0),
    "gpt-realtime-2": Price(4.0, 0.40, 5.0, 0.50, 24.0),
    "gpt-realtime-2.1-mini": Price(0.60, 0.06, 0.80, 0.08, 2.40),
    "gpt-realtime": Price(4.0, 0.40, 5.0, 0.50, 16.0),
    "gpt-realtime-mini": Price(0.60, 0.06, 0.80, 0.08, 2.40),
}
REASONING = frozenset({"gpt-realtime-2.1", "gpt-realtime-2", "gpt-realtime-2.1-mini"})
"""Those of them that take `reasoning`; the others refuse a session that names it."""


def cost(usage: Usage, price: Price) -> float:
    """Dollars of one answer. Cached tokens are part of the input; they count as text first."""
    cached_text = min(usage.cached_tokens, usage.text_tokens)
    cached_image = min(usage.cached_tokens - cached_text, usage.image_tokens)
    return (
        (usage.text_tokens - cached_text) * price.text
        + cached_text * price.cached_text
        + (usage.image_tokens - cached_image) * price.image
        + cached_image * price.cached_image
        + usage.output_tokens * price.output
    ) / 1e6
