"""Which parts of a frame to show, in which pictures: the most legible, then the cheapest.

The service scales a picture down until its shortest side has 512 pixels, and counts tiles of 512.
A close-up that fits a tile is seen as it stood on the screen, for less than the whole screen costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hud import collage
from hud.items import Cause, Change, View
from hud.realtime.tokens import LOW_TOKENS, TILE, seen_size, view_tokens
from hud.rect import Rect, together

CONTEXT = (256, 64)
"""Pixels across and down that a close-up has at least: a number is nothing without its label."""
LEAST_MARGIN = 8
LARGEST = 2
"""A picture at low detail costs the same whatever its size, so it is enlarged, up to twofold."""
PERFECT = 1.0, -LOW_TOKENS
"""A plan that shrinks nothing, and costs as little as a picture can."""

Plan = tuple[View, ...]


def native(change: Change, margin: int, most: int) -> tuple[Rect, ...]:
    """Padded regions, or all of the frame when they are most of it; for a model that is free."""
    whole = change.frame.whole
    if change.cause is Cause.FIRST:
        return (whole,)
    padded = [rect.padded(margin, whole.width, whole.height) for rect in change.regions]
    rects, distance = together(padded), margin
    while len(rects) > most:
        rects, distance = together(rects, distance), 2 * distance + 1
    return (whole,) if 2 * sum(rect.area for rect in rects) > whole.area else rects


def plan(regions: Sequence[Rect], whole: Rect, margin: int, most: int, low: int) -> Plan:
    """Show `regions` of a screen in at most `most` pictures, for no more than the whole screen.

    Close-ups that fit a square of `low` pixels are shown at low detail. Where the regions do not
    fit at their own scale, the plan that shrinks them least is taken.
    """
    limit = tokens([_view([whole], low)])
    best, worth = Plan(), (0.0, 0)
    for each in _plans(regions, whole, margin, low):
        cost = tokens(each)
        value = min(map(scale, each)), -cost
        if len(each) <= most and cost <= limit and value > worth:
            best, worth = each, value
        if worth == PERFECT:
            break
    return best


def with_overview(views: Plan, whole: Rect, low: int) -> Plan:
    """Add all of the screen at low detail, unless that makes it dearer than the screen itself."""
    view = View((whole,), seen_size(whole.width, whole.height, "low"), "low")
    fits = tokens((*views, view)) <= tokens([_view([whole], low)])
    return (*views, view) if fits and not any(whole in each.rects for each in views) else views


def tokens(views: Iterable[View]) -> int:
    """What the pictures of a plan cost."""
    return sum(map(view_tokens, views))


def scale(view: View) -> float:
    """Pixels that the model sees for one of the screen, counted up to 1."""
    return min(1.0, view.size[0] / collage.size(view.rects)[0])


def _plans(regions: Sequence[Rect], whole: Rect, margin: int, low: int) -> Iterator[Plan]:
    """What there is to choose from; of equals the first is taken, so the simplest comes first."""
    for space in sorted({margin, margin // 2, min(margin, LEAST_MARGIN)}, reverse=True):
        parts = _close_ups(regions, whole, space)
        around = parts[0]
        for part in parts:
            around = around.union(part)
        yield (_view([around], low),)
        if len(parts) > 1:  # else they are the same
            yield tuple(_view([part], low) for part in parts)
            yield (_view(parts, low),)
    yield (_view([whole], low),)


def _close_ups(regions: Sequence[Rect], whole: Rect, margin: int) -> tuple[Rect, ...]:
    """Each region with `margin` pixels around it and `CONTEXT` at least, united where they meet."""
    padded = (rect.padded(margin, whole.width, whole.height) for rect in regions)
    return together([in_context(rect, whole) for rect in padded])


def in_context(rect: Rect, whole: Rect) -> Rect:
    """`rect`, made as large as `CONTEXT` where the screen has room."""
    width, height = max(rect.width, CONTEXT[0]), max(rect.height, CONTEXT[1])
    x, y = rect.x - (width - rect.width) // 2, rect.y - (height - rect.height) // 2
    x, y = min(x, whole.right - width), min(y, whole.bottom - height)
    return Rect(max(0, x), max(0, y), min(width, whole.width), min(height, whole.height))


def _view(rects: Sequence[Rect], low: int) -> View:
    width, height = collage.size(rects)
    if max(width, height) > low:
        return View(tuple(rects), seen_size(width, height))
    longest = max(width, height)
    if LARGEST * longest <= TILE:
        size = LARGEST * width, LARGEST * height
    else:
        size = width * TILE // longest, height * TILE // longest
    return View(tuple(rects), size, "low")
