"""What the server asks of whoever writes its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from hud.realtime.caption import Place

NO_PICTURE = "This local model only reads pictures, and none was sent."
"""The answer to a conversation without a picture."""


@attrs.frozen(eq=False)
class Sight:
    """One picture to look at."""

    jpeg: bytes = attrs.field(repr=lambda jpeg: f"<{len(jpeg)} bytes>")
    """The encoded picture; JPEG from this project, but other clients may send PNG."""
    place: Place | None
    """The part of a screen that it shows, None where the client did not say."""


class Model(Protocol):
    """Looks at pictures and writes notes, with a memory for each session."""

    async def note(self, session: str, sights: Sequence[Sight]) -> str:
        """Say what is new in these pictures; "" if nothing is worth a note.

        Called for several sessions at once, and for out-of-band responses also within one. Any
        exception fails this one response; being cancelled means that nobody wants the answer.
        """

    def forget(self, session: str) -> None:
        """Drop the memory of a session that has ended."""
