from __future__ import annotations

import pytest

from hud.local.echo import Echo
from hud.place import WORDS
from hud.rect import Rect


@pytest.mark.parametrize(
    "line",
    [
        "hud: watching · 344 frames · 8 sent · p50 0.49 s · $0.0120",
        "hud: send restarting · 12 frames",
        "Hud; 763 frames: 658 unchanged, 81 merged, 24 sent",
        *(f"07:45:37 {place}" for place in WORDS),
        "07:45:37 2 top left",
    ],
)
def test_what_is_printed_around_notes_is_no_news(line):
    assert Echo().is_note(line, Rect(0, 0, 400, 16))


@pytest.mark.parametrize(
    "line",
    ["hudson: 3 errors", "07:45:37 top left corner", "07:45:37", "top left", "14:02 left"],
)
def test_what_only_looks_like_it_is_told(line):
    assert not Echo().is_note(line, Rect(0, 0, 400, 16))
