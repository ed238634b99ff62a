"""How many tokens a picture or a text will be counted as, before the server has said so."""

from __future__ import annotations

from hud.items import View

BYTES_PER_TOKEN = 4
"""Of UTF-8: an average over English prose. Only an estimate; a bill is made from `usage`."""
LOW_TOKENS = 65
"""Of a picture at low detail; at high detail they come on top of those of its tiles."""
TILE = 512  # pixels, across and down
LONGEST = 2048
"""Pixels of the longest side that the service looks at."""


def image_tokens(width: int, height: int, detail: str = "high") -> int:
    """Tokens of a picture of width x height pixels (both positive); `auto` counts as `high`.

    OpenAI publishes no rule for Realtime models. This one, that of GPT Image 1, agrees with the
    bills observed on the 2.1 family: 65 at low detail, else 65 and 129 for each tile of 512 pixels
    after scaling down to 2048 at the longest and 512 at the shortest side.
    """
    if detail == "low":
        return LOW_TOKENS
    part, of = _scale(width, height, detail)
    columns, rows = (-(-side * part // (of * TILE)) for side in (width, height))
    return LOW_TOKENS + 129 * columns * rows


def view_tokens(view: View) -> int:
    """Tokens of one picture as it is planned."""
    return image_tokens(*view.size, view.detail)


def seen_size(width: int, height: int, detail: str = "high") -> tuple[int, int]:
    """What the model sees of a picture of width x height pixels, by the same rule.

    At low detail that is what fits into one tile. Nothing is known to be enlarged.
    """
    part, of = _scale(width, height, detail)
    return max(1, round(width * part / of)), max(1, round(height * part / of))


def _scale(width: int, height: int, detail: str) -> tuple[int, int]:
    """As a ratio of whole numbers, the same as with fractions and faster."""
    longest, shortest = max(width, height), min(width, height)
    if detail == "low":
        return (TILE, longest) if longest > TILE else (1, 1)
    part, of = (LONGEST, longest) if longest > LONGEST else (1, 1)
    return (TILE, shortest) if shortest * part > TILE * of else (part, of)


def text_tokens(text: str) -> int:
    """Estimated tokens of a text: about four characters of English make one."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def first_tokens(text: str, count: int) -> str:
    """As much of a text as `count` estimated tokens hold."""
    return text.encode("utf-8", "replace")[: count * BYTES_PER_TOKEN].decode("utf-8", "ignore")
