"""What a small change looks like: questions about the same rectangle before and after.

All take patches of shape (height, width), one 32-bit pixel a word.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from hud.pixels import Words, channels, middle, words
from hud.rect import Rect
from stages.change.detector.dirty import COLOUR, Mask
from stages.change.detector.options import Tolerance
from stages.change.detector.regions import MOSTLY

if TYPE_CHECKING:
    from cv2.typing import MatLike

Shares = npt.NDArray[np.float64]
"""Shape (64,)."""
VACANT = 0.985
"""Share of one colour in a place that is free to be written on; a hollow caret takes 1 %."""
LINE = 72
"""No line of text is higher than this, at twice the usual scale."""
DIALOG = 4 * LINE * LINE
"""Pixels that a dialog has at least."""
DENSE, BASE = 0.45, 0.35
"""Share of the columns of a line of text that hold strokes; share of these that end on its base."""
SAME = 0.9
"""Correlation of the same words in two tones."""
TURN = 4
"""Levels by which two pixels of one colour differ at most."""
LETTER = 5
"""No digit is lower."""
NUDGE, NUDGED = 4, 0.85
"""Pixels by which the rest of a line moves when one of its letters gets wider or narrower; two
lines that agree so far, by correlation, are one that a letter pushed along."""
LAMP = 0.65
"""A block this wide for its height is a sign: no cell of a terminal is, so no caret."""
STROKES = 100
"""Strong edges from left to right that a word has."""
STROKE = 80
"""Pixels that are more than the specks of a tint: a word was struck out."""
SOFT, TRACE = 40, 16
"""Levels by which a picture that got sharper differs, blurred; and what is no difference."""
BLUR = 0.3
"""Share of the contrast of a picture by which its pixels change when it gets sharper."""
SPREAD = 2
"""Pixels that each reaches when it is blurred."""
VIVID = 64
"""Levels by which such a colour is anything but blue or gray, of which selections are."""
ENOUGH, ROWS = 2**15, 64
"""Pixels that tell the colours of a patch; rows that are looked at in one go."""
SPACE = 0.25
"""A gap that parts two words, in heights of the line."""
WORD, TALL = 8, 12
"""In heights of the line, what is longer than most words; pixels that a line is high where one of
its letters is tall."""
RING = 8
"""Pixels that the line around a field takes at most, with its glow."""
COVERED = 0.4
"""Share of a place that changes with its ground."""
ASTRAY = 2
"""Edges more or less within the size of a letter that make no other one."""
THIN, LONG, LONGEST = 5, 16, 80
"""Lines that are drawn: thinner than this, each at least so long, the longest at least so long."""
MANY = 2**17
"""Pixels that are compared in one go."""


def ruled(mask: Mask, pixels: int) -> bool:
    """Whether `pixels` changed pixels are thin straight lines: a frame around a cell, a marker."""
    height, width = mask.shape
    if max(height, width) < LONGEST or pixels > 4 * THIN * (height + width):
        return False
    changed = np.ascontiguousarray(mask).view(np.uint8)
    across = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((1, LONG), np.uint8))
    down = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((LONG, 1), np.uint8))
    if 20 * cv2.countNonZero(cv2.bitwise_or(across, down)) < 19 * pixels:
        return False
    return not cv2.erode(changed, np.ones((THIN, THIN), np.uint8)).any()


def framed(before: Words, after: Words) -> bool:
    """Whether what changed is the line around a field, its caret, and text that it pushed along."""
    height, width = after.shape
    if height < 3 * RING or width < LONGEST:
        return False
    mask = differ(before, after, 16)
    across, down = (mask[:RING], mask[-RING:]), (mask[:, :RING], mask[:, -RING:])
    sides = [side.any(axis=axis).mean() for axis, two in enumerate((across, down)) for side in two]
    if min(sides) < 0.9 or mask.mean() >= COVERED:
        return False
    inside = slice(RING, -RING), slice(RING, -RING)
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask[inside]).view(np.uint8))
    old, new = (patch[inside][y : y + height, x : x + width] for patch in (before, after))
    return not new.size or caret(old, new) or nudged(old, new)


def highlighted(before: Words, after: Words) -> bool:
    """Whether the same stands on another ground: what is selected, or under the pointer.

    A ground that turns red, or green again, is no such mark but a signal.
    """
    height, width = after.shape
    if width < 2 * height:
        return False
    one, other = (edges(patch).view(np.uint8) for patch in (before, after))
    if min(cv2.countNonZero(one), cv2.countNonZero(other)) < STROKES:
        return False
    if filled(before, after) < COVERED or signals(before) or signals(after):
        return False
    near = np.ones((3, 3), np.uint8)
    gone, come = (
        cv2.subtract(one, cv2.dilate(other, near)),
        cv2.subtract(other, cv2.dilate(one, near)),
    )
    astray = cv2.boxFilter(cv2.max(gone, come), cv2.CV_16U, (12, 12), normalize=False)
    return bool(astray.max() <= ASTRAY)


def signals(patch: Words) -> bool:
    """Whether its ground has one of the colours in which states are told: red, amber, green."""
    blue, green, red = _ground(patch)
    return max(red, green) - blue >= VIVID


def alarms(patch: Words) -> bool:
    """Whether its ground is red."""
    blue, green, red = _ground(patch)
    return red - max(blue, green) >= VIVID


def _ground(patch: Words) -> tuple[float, float, float]:
    blue, green, red, _ = middle(channels(_sample(patch)).reshape(-1, 4)).tolist()
    return blue, green, red


def bar(before: Words, after: Words) -> bool:
    """Whether it is far wider than high and holds a few edges only: a bar that grows."""
    height, width = after.shape
    most = max(np.count_nonzero(edges(patch)) for patch in (before, after))
    return bool(width >= 4 * height and most <= 3 * height)


def end_moved(before: Words, after: Words) -> bool:
    """Whether one colour gives way to another in every row, not where it did: the end of a bar.

    It may be rounded, and end between two pixels; what is written turns back to its ground.
    """
    middle = before[len(before) // 2]
    if not differ(middle[None, :1], middle[None, -1:], 32).any():
        return False
    return all(_runs_over(patch) for patch in (before, after))


def _runs_over(patch: Words) -> bool:
    """Whether every row goes from its first colour to its last without turning back."""
    steps = np.diff(channels(patch).astype(np.int16), axis=1)
    up, down = (steps >= -TURN).all(axis=(0, 1)), (steps <= TURN).all(axis=(0, 1))
    return bool((up | down).all())


def found_in(line: Words, place: Words) -> bool:
    """Whether this is written somewhere in a place as wide, in whatever tone."""
    now, then = (channels(patch)[..., 1] for patch in (line, place))
    if then.shape[0] < now.shape[0] or not now.std() > TURN:
        return False
    return bool(cv2.matchTemplate(then, now, cv2.TM_CCOEFF_NORMED).max() >= SAME)


def levels(before: Words, after: Words) -> Words:
    """Absolute difference, channel by channel, one word a pixel."""
    steps = _steps(before, after)
    steps &= COLOUR
    return steps


def _steps(before: Words, after: Words) -> Words:
    """Absolute difference of every byte, also of the one that is no colour."""
    a = np.ascontiguousarray(before).view(np.uint8)
    b = np.ascontiguousarray(after).view(np.uint8)
    steps: Words = cv2.absdiff(a, b).view(np.uint32)
    return steps


def differ(before: Words, after: Words, tolerance: Tolerance) -> Mask:
    """Pixels of which a channel differs by `tolerance` or more."""
    if before.size <= MANY:
        return _differ(before, after, tolerance)
    # Of a whole screen the steps in between would take 25 MB.
    found, rows = np.empty(before.shape, np.bool_), max(1, MANY // before.shape[1])
    for top in range(0, len(found), rows):
        band = slice(top, top + rows)
        found[band] = _differ(before[band], after[band], tolerance)
    return found


def _differ(before: Words, after: Words, tolerance: Tolerance) -> Mask:
    high = 0x100 - tolerance
    steps = _steps(before, after)
    steps &= np.uint32(high * 0x010101)
    found: Mask = steps != 0
    return found


def edges(patch: Words) -> Mask:
    """Where a pixel is quite another than the one to its left; a column less than the patch."""
    if patch.shape[1] < 2:
        return np.zeros((patch.shape[0], 0), np.bool_)
    return differ(patch[:, 1:], patch[:, :-1], 64)


def strongest(before: Words, after: Words) -> int:
    """The largest difference of any channel of any pixel."""
    return int(levels(before, after).view(np.uint8).max(initial=0))


def tinted(before: Words, after: Words, faint: int) -> bool:
    """Whether nearly all of what changed did so by `faint` levels at most."""
    strong = some = 0
    for top in range(0, len(after), ROWS):
        rows = slice(top, top + ROWS)
        strength = levels(before[rows], after[rows]).view(np.uint8)
        strong += _pixels(strength > faint)
        if strong > STROKE:
            return False
        some += _pixels(strength > 4)
    return 20 * strong <= some


def stronger(before: Words, after: Words, faint: int) -> Mask:
    """Pixels that changed by more than `faint` levels."""
    found: Mask = (levels(before, after).view(np.uint8) > faint).view(np.uint32) != 0
    return found


def _pixels(channels: Mask) -> int:
    """How many pixels have a channel that is set."""
    return int(np.count_nonzero(channels.view(np.uint32)))


def alike_rows(patch: Words, tolerance: Tolerance = 16) -> bool:
    """Whether every row is the same: blank ground, a bar, a block; never a letter."""
    middle = patch[patch.shape[0] // 2 : patch.shape[0] // 2 + 1]
    inner = patch[1:-1] if patch.shape[0] > 8 else patch
    # Where a row is repeated, it is so byte for byte; of letters one row tells.
    if (inner == middle).all():
        return True
    if differ(middle, inner[:1], tolerance).any():
        return False
    rows = np.empty((min(len(inner), max(1, MANY // inner.shape[1])), inner.shape[1]), np.uint32)
    rows[:] = middle
    bands = (inner[top : top + len(rows)] for top in range(0, len(inner), len(rows)))
    return not any(differ(rows[: len(band)], band, tolerance).any() for band in bands)


def blank(patch: Words, tolerance: Tolerance = 16) -> bool:
    """Whether nothing is written here: one colour, or a frame around one colour."""
    return alike_rows(patch, tolerance) and alike_rows(patch.T, tolerance)


def lines(mask: Mask) -> int:
    """How many lines of text changed, one below the other: none in a bar or a frame."""
    return sum(_of_text(bottom - top) for top, bottom in _bands(mask))


def by_line(mask: Mask, rect: Rect) -> list[Rect]:
    """The lines of text of a place that changed, `mask` says where; all of it if it is none."""
    bands = _bands(mask)
    if not all(_of_text(bottom - top) for top, bottom in bands):
        return [rect]
    return [Rect(rect.x, rect.y + top, rect.width, bottom - top) for top, bottom in bands]


def _bands(mask: Mask) -> list[tuple[int, int]]:
    """First and last row, exclusive, of what changed without a row between that did not."""
    edges = np.flatnonzero(np.diff(mask.any(axis=1).astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _of_text(height: int) -> bool:
    return LETTER <= height <= LINE // 2


def caret(before: Words, after: Words) -> bool:
    """A bar or block that came, went or moved on blank ground, no higher than a line of text."""
    height, width = after.shape
    if height > 72 or height < 6 or width > 1.3 * height + 4:
        return False
    if not (alike_rows(before) and alike_rows(after)):
        return False
    lamp = LAMP < width / height < 1.25 and blank(before) and blank(after)
    return not lamp


def nudged(before: Words, after: Words) -> bool:
    """Whether the ink of a line is where it was, or a few pixels beside it, save for a letter.

    A centred line moves by a pixel or less when one of its letters changes, and what moves by less
    than a pixel is drawn anew; so nothing of it is equal.
    """
    old, new = _ink(before), _ink(after)
    width = old.shape[1]
    best = 0.0
    for step in range(-min(NUDGE, width - 1), min(NUDGE, width - 1) + 1):
        mine = new[:, max(0, step) : width + min(0, step)]
        other = old[:, max(0, -step) : width - max(0, step)]
        power = float((mine * mine).sum() * (other * other).sum())
        best = max(best, float((mine * other).sum()) / max(1.0, power) ** 0.5)
    return best >= NUDGED


def _ink(patch: Words) -> npt.NDArray[np.float32]:
    """How much each pixel stands out from the ground, smoothed along the line."""
    green = channels(patch)[..., 1].astype(np.float32)
    ink: npt.NDArray[np.float32] = cv2.blur(np.abs(green - middle(green.ravel())), (3, 1))
    return ink.reshape(patch.shape)


def caret_moved(before: Words) -> bool:
    """Of a caret change: whether it went to another place, rather than on or off."""
    middle = before[before.shape[0] // 2]
    return bool(differ(middle[None, :1], middle[None, -1:], 16).any())


def written(before: Words, after: Words) -> bool:
    """Something was written on blank ground (a bar may have stood there)."""
    return alike_rows(before) and not alike_rows(after)


def vacant(patch: Words) -> bool:
    """Nothing stands here but perhaps a caret, which may be hollow."""
    return bool(palette(patch).max() >= VACANT)


def erased(before: Words, after: Words) -> bool:
    """What was written is gone, the ground is blank."""
    return alike_rows(after) and not alike_rows(before)


def filled(before: Words, after: Words, tolerance: Tolerance = 16) -> float:
    """Share of the rectangle that changed."""
    return float(differ(before, after, tolerance).mean())


def palette(patch: Words) -> Shares:
    """The share of a patch that each of 64 colours has, four levels a channel."""
    seen = _sample(patch)
    return np.bincount(codes(seen).ravel(), minlength=64) / max(1, seen.size)


def _sample(patch: Words) -> Words:
    """A grid of its pixels if it is large: all pixels of a screen take longer than a frame may."""
    step = max(1, math.isqrt(patch.size // ENOUGH))
    return patch[::step, ::step] if patch.ndim > 1 else patch[:: step**2]


def codes(patch: Words) -> Words:
    """Which of 64 colours each pixel has, four levels a channel."""
    high = patch & np.uint32(0xC0C0C0)
    found: Words = high >> np.uint32(6)
    found |= high >> np.uint32(12)
    found |= high >> np.uint32(18)
    found &= np.uint32(63)
    return found


def changed_colours(before: Words, after: Words) -> Shares:
    """The palette of what was put in place of something else."""
    return palette(after[differ(before, after, 32)])


def without_caret(patch: Words) -> int:
    """The width of a patch without the caret at its right edge, columns of one colour."""
    last = patch[-1:, -1:]
    plain = (patch == last).all(axis=0)
    width = int(patch.shape[1])
    while width > 1 and plain[width - 1]:
        width -= 1
    return width if width > 1 else int(patch.shape[1])


def ends_in_caret(before: Words, after: Words) -> bool:
    """Whether a caret, be it a bar, a block or a box, stands behind what was written."""
    width, height = after.shape[1], after.shape[0]
    tail = width - without_caret(after)
    if not 0 < tail <= height or not alike_rows(before[:, -tail:]):
        return False
    return bool((after[:, 0] != after[-1, -1]).any())  # else it is the edge of a filled place


def one_word(patch: Words) -> bool:
    """Whether no gap as wide as a space parts what is written, and it is no longer than words are.

    Many scripts put no spaces between them.
    """
    if patch.shape[1] > WORD * max(TALL, patch.shape[0]):
        return False
    ink = np.flatnonzero(differ(np.broadcast_to(patch[:1], patch.shape), patch, 32).any(axis=0))
    return bool(ink.size and np.diff(ink).max(initial=1) <= SPACE * patch.shape[0])


def plain_inside(patch: Words) -> bool:
    """Whether the middle of a patch is one colour: a dot, a block, nothing written."""
    height, width = patch.shape
    inner = patch[height // 3 : 2 * height // 3 + 1, width // 3 : 2 * width // 3 + 1]
    return not differ(np.broadcast_to(inner[:1, :1], inner.shape), inner, 32).any()


def textual(patch: Words) -> bool:
    """Whether there are as many strong edges from left to right as letters have."""
    return bool(edges(patch).sum() >= 0.08 * max(1, patch[:, 1:].size))


def on_a_line(patch: Words) -> bool:
    """Whether strokes stand close and end on one line below: of letters, but not of a chart."""
    strokes = edges(patch)
    columns = strokes.any(axis=0)
    if columns.sum() < DENSE * max(1, columns.size):
        return False
    ends = patch.shape[0] - 1 - strokes[::-1, columns].argmax(axis=0)
    counts = np.bincount(ends, minlength=3)
    return bool(np.convolve(counts, np.ones(3)).max() >= BASE * ends.size)


def fills(mask: Mask, rect: Rect) -> bool:
    """Whether most of a rectangle has another colour than before, as it has not below new text."""
    return bool(np.count_nonzero(mask) >= MOSTLY * rect.area)


def sheet(patch: Words) -> bool:
    """Whether it is a ground of one colour, as large as half of it, with a word on it or more."""
    if palette(patch).max() < 0.5:
        return False
    strokes = itertools.accumulate(
        int(edges(patch[top : top + ROWS]).sum()) for top in range(0, len(patch), ROWS)
    )
    return any(count >= STROKES for count in strokes)


def lettered(patch: Words) -> bool:
    """Whether a row has as many strong edges, for its height, as one of digits or letters."""
    height, width = patch.shape
    if height < 7 or width < 3:
        return False
    return bool(edges(patch).sum() >= 0.1 * height * height)


def sharper(before: Words, after: Words) -> bool:
    """Whether two patches differ in nothing but sharpness, as when a remote desktop refines.

    A small faint digit is as like another one once both are blurred; but its strokes went from
    ground to ink.
    """
    # A page that is another one says so in its first rows; all of it takes longer than a frame may.
    if any(strongest(*two) > SOFT for two in _blurred(before, after)):
        return False
    changed = total = 0
    least, most = [255.0] * 3, [0.0] * 3
    for top in range(0, len(after), ROWS):
        old, new = (_colours(patch[top : top + ROWS]) for patch in (before, after))
        strength = functools.reduce(cv2.max, cv2.split(cv2.absdiff(old, new)))
        found = cv2.threshold(strength, TRACE, 0, cv2.THRESH_TOZERO)[1]
        changed += cv2.countNonZero(found)
        total += int(cv2.sumElems(found)[0])
        low, high = _extremes(new)
        least, most = list(map(min, least, low)), list(map(max, most, high))
    contrast = max(high - low for low, high in zip(least, most, strict=True))
    return total <= BLUR * contrast * changed


def _blurred(before: Words, after: Words) -> Iterator[tuple[Words, Words]]:
    """Both patches blurred, a few rows at a time."""
    for top in range(0, len(after), ROWS):
        first = max(0, top - SPREAD)  # at the edge of a piece a blur would see no further
        blurred = (
            cv2.blur(channels(patch[first : top + ROWS + SPREAD]), (2 * SPREAD + 1,) * 2)
            for patch in (before, after)
        )
        one, other = (words(np.asarray(patch, np.uint8)) for patch in blurred)
        inner = slice(top - first, top - first + ROWS)
        yield one[inner], other[inner]


def _colours(patch: Words) -> MatLike:
    return cv2.cvtColor(channels(patch), cv2.COLOR_BGRA2BGR)


def _extremes(patch: MatLike) -> tuple[Sequence[float], Sequence[float]]:
    """The least and the most of each channel."""
    found = [cv2.minMaxLoc(channel) for channel in cv2.split(patch)]
    return [low for low, *_ in found], [high for _, high, *_ in found]
