"""What a turn will cost, before the server has said so."""

from __future__ import annotations

import attrs

from hud.items import Usage
from hud.realtime.budget import Reservation
from hud.realtime.models import Price

_LEAST, _MOST = 0.5, 8.0
_WEIGHT = 0.3
"""Of the last answer, when it was cheaper than thought; a dearer one counts in full at once."""


@attrs.frozen
class Size:
    """What goes into a turn, by our own rules of counting."""

    text_tokens: int
    image_tokens: int


class Forecast:
    """Our rules of counting, corrected by what was billed."""

    def __init__(self, price: Price, max_output_tokens: int) -> None:
        self._price = price
        self._output = max_output_tokens
        self.text = 1.0
        """Billed text tokens for each that we counted."""
        self.image = 1.0
        """The same for pictures."""

    def reservation(self, size: Size) -> Reservation:
        """The most that a turn may cost: nothing cached, the answer as long as it may be."""
        text, image = size.text_tokens * self.text, size.image_tokens * self.image
        dollars = (
            text * self._price.text + image * self._price.image + self._output * self._price.output
        )
        return Reservation(dollars / 1e6, text + image + self._output)

    def learn(self, size: Size, usage: Usage) -> None:
        """Take in what an answer's input was counted as by the server."""
        self.text = _corrected(self.text, usage.text_tokens, size.text_tokens)
        self.image = _corrected(self.image, usage.image_tokens, size.image_tokens)


def _corrected(factor: float, billed: int, counted: int) -> float:
    if not billed or not counted:
        return factor
    seen = min(_MOST, max(_LEAST, billed / counted))
    return seen if seen > factor else factor + _WEIGHT * (seen - factor)
