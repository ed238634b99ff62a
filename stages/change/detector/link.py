"""A link that the pointer is on: the same words, underlined in their own colour."""

from __future__ import annotations

import numpy as np

from hud.pixels import Words, commonest
from stages.change.detector.dirty import COLOUR
from stages.change.detector.shapes import stronger

LINE, KEPT, MORE = 0.5, 0.9, 0.15
"""Share of its width that an underline covers; shares of the words that are still there, and that
came besides."""
LOWEST = 8
"""Pixels that a word with a line below it is high at least."""
INK, ALIKE = 48, 24
"""Levels by which writing is told from its ground, and one colour of it from another."""
OWN = 0.2
"""Share of the words in the very colour of the line, the rest is smoothed; an error is underlined
in another one."""


def underlined(before: Words, after: Words) -> bool:
    """Whether words were underlined, or no longer are; they may have taken another colour."""
    across = before[:: len(before) // 4 + 1]
    if len(after) < LOWEST or (across == across[0, 0]).all():  # soon told: nothing was written
        return False
    changed = ((before ^ after) & COLOUR).astype(bool)
    if changed.mean(axis=1).max() < LINE:
        return False
    ground = np.broadcast_to(commonest(after), after.shape)
    if (commonest(before) ^ ground[0, 0]) & COLOUR:
        return False
    old, new = stronger(before, ground, INK), stronger(after, ground, INK)
    if np.count_nonzero(new) < np.count_nonzero(old):
        old, new, after = new, old, before
    lines = (new & ~old).mean(axis=1) >= LINE
    if not lines.any():
        return False
    near = np.convolve(lines, np.ones(3), "same") > 0
    words = old & ~near[:, None]
    count = np.count_nonzero(words)
    kept, came = np.count_nonzero(words & new), np.count_nonzero(new & ~old & ~near[:, None])
    if not count or kept < KEPT * count or came > MORE * count:
        return False
    line = np.broadcast_to(commonest(after[lines]), after.shape)
    return bool(np.count_nonzero(words & ~stronger(after, line, ALIKE)) >= OWN * count)
