"""How long to wait: certain things at once, doubtful things later."""

from __future__ import annotations

import attrs

from hud.detector import SLACK
from hud.rect import Rect
from stages.change.detector.field import Field
from stages.change.detector.memory import BURST
from stages.change.detector.options import Limits
from stages.change.detector.past import Past
from stages.change.detector.screen import Screen, cell_slices
from stages.change.detector.shapes import LINE, ends_in_caret, sheet
from stages.change.detector.spot import Spot
from stages.change.detector.verdict import Say, Verdict

BLOCK = 0.12
"""Output of several lines comes in pieces; one more frame shows whether more follows."""


@attrs.frozen
class Patience:
    """How long each kind of change has to rest before it is believed.

    What is complete at once waits for a frame at most, what moves until it rests, and a place that
    keeps changing, or used to, the longest.
    """

    screen: Screen
    options: Limits
    field: Field
    past: Past

    def _watched(self, spot: Spot, tight: Rect, time: float) -> float:
        """For how long to watch what looks complete: not at all where all was quiet before.

        What follows in the same burst goes together when it pauses; only its first line goes alone.
        """
        single = spot.woken and not spot.page and tight.height <= LINE / 2
        if not single or not self.options.at_once:
            return self.options.confirm
        around = tight.padded(LINE, self.screen.width, self.screen.height)
        before, after = self.screen.shown[tight.slices], self.screen.now[tight.slices]
        if self.past.touches(around, spot.touched - BURST):
            return BLOCK
        return self.options.confirm if ends_in_caret(before, after) else 0.0

    def _painting(self, spot: Spot, tight: Rect, *, solid: bool) -> float:
        """For how long to watch something larger than a line.

        It may be the first of several pieces, or of a movement. A sheet with writing on it that
        covers what was there is neither: a toolkit shows a dialog when it is drawn.
        """
        around = tight.padded(LINE, self.screen.width, self.screen.height)
        sudden = spot.woken and not spot.page and spot.changes == 1 and self.options.at_once
        if not sudden or self.past.touches(around, spot.touched - BURST):
            return BLOCK
        return 0.0 if solid and sheet(self.screen.now[tight.slices]) else BLOCK

    def _complete(self, spot: Spot, tight: Rect, time: float, need: float) -> Verdict:
        need = max(need, self._restlessness(spot, tight, time))
        return self._when_quiet(spot, time, need, Say.SHOW, "new content", tight)

    def _restlessness(self, spot: Spot, tight: Rect, time: float) -> float:
        """The rest asked of a place that changes often, or used to."""
        if spot.scrolled:
            return 0.0
        once = self.screen.rates.restless_at[cell_slices(tight)].max()
        if time - once < 60:
            return self.options.doubt
        passes = self.past.count(tight, time - 6)
        return (0.0, 2 * self.options.rest, self.options.doubt)[min(passes, 2)]

    def _when_quiet(
        self, spot: Spot, time: float, need: float, say: Say, rule: str, *rects: Rect
    ) -> Verdict:
        if time - spot.touched >= need - SLACK:
            return Verdict(say, rule, rects)
        waiting = f"{rule}, not yet certain"
        easy = say is Say.SHOW
        return Verdict(Say.WAIT, waiting, rects, spot.touched + need, easy)
