"""Recognising a scroll: the same rows of pixels, standing higher or lower than before."""

from __future__ import annotations

import attrs
import cv2
import numpy as np
import numpy.typing as npt

from hud.local.ink import Gray, Mask
from hud.rect import Rect

_COLUMNS = 128  # numbers that stand for one row of pixels
_ALIKE = 0.12  # share of a row's energy that JPEG noise, or one other letter, may make up
_LEAST_ROWS = 8  # one line of the smallest readable text
_CANDIDATES = 5
_TIPS = 4  # rows


@attrs.frozen
class Move:
    """A block that stands `up` rows higher than before (lower where negative)."""

    block: Rect
    """Where it stands now."""
    up: int

    @property
    def exposed(self) -> Rect:
        """The rows that it came from and no longer covers: what stands there came into view."""
        if self.up > 0:
            return attrs.evolve(self.block, y=self.block.bottom, height=self.up)
        return attrs.evolve(self.block, y=self.block.y + self.up, height=-self.up)


def differs(old: Gray, new: Gray) -> Mask:
    """Where two pictures differ by more than two encodings of one picture do.

    Measured on 6x13 letters: noise stays below 15 % of the contrast around it at quality 60 to 85,
    a comma that becomes a full stop makes 22 %.
    """
    difference = cv2.blur(cv2.absdiff(old, new), (3, 3))
    if not difference.any():
        return np.zeros(old.shape, np.uint8)
    around = np.ones((17, 17), np.uint8)
    contrast = cv2.max(*(cv2.morphologyEx(p, cv2.MORPH_GRADIENT, around) for p in (old, new)))
    limit = np.clip(cv2.convertScaleAbs(contrast, alpha=0.16), 12, 40)
    return np.where(difference > limit, 255, 0).astype(np.uint8)


def find(old: Gray, new: Gray) -> Move | None:
    """The vertical movement that explains most of what changed between two pictures of one place.

    The block's origin is that of the pictures.
    """
    alike = _same_rows(old, new)
    if alike is None:
        return None
    now, before = np.nonzero(alike)
    ups, counts = np.unique(before - now, return_counts=True)
    best = sorted(zip(counts.tolist(), ups.tolist(), strict=True), reverse=True)
    likely = [up for count, up in best if up and count >= _LEAST_ROWS][:_CANDIDATES]
    rated = [(_left_over(old, new, up), abs(up), up) for up in likely]
    if not rated:
        return None
    left_over, _, up = min(rated)
    rows = now[before - now == up]
    if left_over > 0.5:
        return None
    top, bottom = _stretched(old, new, up, int(rows.min()), int(rows.max()) + 1)
    return Move(Rect(0, top, new.shape[1], bottom - top), up)


def _stretched(old: Gray, new: Gray, up: int, top: int, bottom: int) -> tuple[int, int]:
    """Add the thin tips of letters, which are too faint to be recognised as a row that moved."""
    moved = np.zeros(new.shape[0], np.bool_)
    now = slice(max(0, -up), min(new.shape[0], new.shape[0] - up))
    moved[now] = ~differs(old[now.start + up : now.stop + up], new[now]).any(axis=1)
    for _ in range(_TIPS):
        top -= int(top > 0 and moved[top - 1])
        bottom += int(bottom < len(moved) and moved[bottom])
    return top, bottom


def _same_rows(old: Gray, new: Gray) -> npt.NDArray[np.bool_] | None:
    """Whether row i of the new picture looks like row j of the old one; empty rows never do."""
    signs, energies = zip(*(_signs(picture) for picture in (new, old)), strict=True)
    if not all((energy > 0).any() for energy in energies):
        return None
    distance = energies[0][:, None] + energies[1][None, :] - 2 * (signs[0] @ signs[1].T)
    larger = np.maximum(energies[0][:, None], energies[1][None, :])
    return np.asarray((distance < _ALIKE * larger) & (larger > 0), np.bool_)


def _signs(picture: Gray) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    height, width = picture.shape
    columns = min(_COLUMNS, -(-width // 4))
    small = cv2.resize(picture, (columns, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= np.median(small, axis=1, keepdims=True)
    small[np.abs(small).max(axis=1) < 16] = 0  # an empty row is like any other and says nothing
    return small, np.asarray((small**2).sum(axis=1), np.float32)


def _left_over(old: Gray, new: Gray, up: int) -> float:
    """Share of the changed pixels that the movement does not explain, where old and new overlap."""
    height = new.shape[0]
    now = slice(max(0, -up), min(height, height - up))
    before = slice(now.start + up, now.stop + up)
    still = cv2.countNonZero(differs(old[now], new[now]))
    moved = cv2.countNonZero(differs(old[before], new[now]))
    return moved / still if still else 1.0
