"""How many tokens a picture or a text will be counted as, before the server has said so."""

from __future__ import annotations

import math
from fractions import Fraction

BYTES_PER_TOKEN = 4
"""Of UTF-8: an average over English prose. Only an estimate; a bill is made from `usage`."""


def image_tokens(width: int, height: int, detail: str = "high") -> int:
    """Tokens of a picture of width x height pixels (both positive); `auto` counts as `high`.

    OpenAI publishes no rule for Realtime models. This one, that of GPT Image 1, agrees with the
    bills observed on the 2.1 family: 65 at low detail, else 65 and 129 for each tile of 512 pixels
    after scaling down to 2048 at the longest and 512 at the shortest side.
    """
    if detail == "low":
        return 65
    scale = min(Fraction(1), Fraction(2048, max(width, height)), Fraction(512, min(width, height)))
    columns, rows = (math.ceil(side * scale / 512) for side in (width, height))
    return 65 + 129 * columns * rows


def text_tokens(text: str) -> int:
    """Estimated tokens of a text: about four characters of English make one."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def first_tokens(text: str, count: int) -> str:
    """As much of a text as `count` estimated tokens hold."""
    return text.encode("utf-8", "replace")[: count * BYTES_PER_TOKEN].decode("utf-8", "ignore")
