"""Keeps keys and names of accounts out of what is shown: servers repeat them in their messages."""

from __future__ import annotations

import re

LEAST = 4
"""As few characters of a key as this are taken out."""
MOST = 500
"""Characters of a message that are shown."""

_SECRETS = re.compile(r"\b(?:sk|ek|org|proj|sess|user)[-_][\w*.-]{4,}|\S*\*{2,}\S*")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")


def scrub(message: str, key: str) -> str:
    """A server's message in one line, without the key, parts of it, and names of accounts."""
    line = " ".join(_UNPRINTABLE.sub(" ", message[: 4 * MOST]).split())
    line = _SECRETS.sub("…", line)
    words = ["…" if _is_of(word, key) else word for word in line.split(" ")]
    line = " ".join(words)
    return line if len(line) <= MOST else f"{line[:MOST]}…"


def _is_of(word: str, key: str) -> bool:
    bare = word.strip(".,:;!?'\"`()[]{}<>")
    return len(bare) >= LEAST and bool(key) and (bare in key or key in bare)
