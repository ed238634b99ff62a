"""What an answer is charged for: the `usage` of a response, cached tokens included.

Caching follows what was observed on `gpt-realtime-2.1`: an exact common prefix with an earlier
request counts from 1,024 tokens on, in steps of 128. The cache here is the session's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import attrs

from hud.realtime.tokens import text_tokens

CACHE_FROM = 1024
CACHE_STEP = 128


@attrs.frozen
class Segment:
    """A piece of a request that is either the same as in another request or not."""

    kind: Literal["text", "image"]
    key: str | int = attrs.field(repr=False)
    """The text itself, or a number that stands for the picture."""
    tokens: int

    @classmethod
    def of_text(cls, text: str) -> Segment:
        """A text with its estimated tokens."""
        return cls("text", text, text_tokens(text))


@attrs.frozen
class Count:
    """Tokens by kind."""

    text: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        """Of both kinds."""
        return self.text + self.image

    def wire(self) -> dict[str, int]:
        """As it stands in `usage`; there is never any audio."""
        return {"text_tokens": self.text, "audio_tokens": 0, "image_tokens": self.image}


Request = Sequence[Segment]


def counted(segments: Iterable[Segment]) -> Count:
    """Add up a request."""
    sums = {"text": 0, "image": 0}
    for segment in segments:
        sums[segment.kind] += segment.tokens
    return Count(**sums)


def cached(request: Request, earlier: Iterable[Request]) -> Count:
    """How much of a request is found in the cache that the earlier ones have filled."""
    prefixes = (_common(request, other) for other in earlier)
    longest = max(prefixes, key=lambda prefix: counted(prefix).total, default=[])
    total = counted(longest).total
    return Count() if total < CACHE_FROM else _first(longest, total - total % CACHE_STEP)


def _common(one: Request, other: Request) -> list[Segment]:
    prefix = []
    for mine, theirs in zip(one, other, strict=False):
        if mine == theirs:
            prefix.append(mine)
            continue
        if isinstance(mine.key, str) and isinstance(theirs.key, str):
            prefix.append(Segment.of_text(_common_text(mine.key, theirs.key)))
        break
    return prefix


def _common_text(one: str, other: str) -> str:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return one[:low]


def _first(segments: Request, tokens: int) -> Count:
    """The kinds of the first so many tokens."""
    taken = []
    for segment in segments:
        taken.append(attrs.evolve(segment, tokens=min(segment.tokens, tokens)))
        tokens -= taken[-1].tokens
    return counted(taken)


def usage(given: Count, cache: Count, output_tokens: int) -> dict[str, Any]:
    """The `usage` of a response whose input is `given`, `cache` being part of it."""
    details = {**given.wire(), "cached_tokens": cache.total, "cached_tokens_details": cache.wire()}
    return {
        "total_tokens": given.total + output_tokens,
        "input_tokens": given.total,
        "output_tokens": output_tokens,
        "input_token_details": details,
        "output_token_details": {"text_tokens": output_tokens, "audio_tokens": 0},
    }
