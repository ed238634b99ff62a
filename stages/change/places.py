"""Other sensitivities for parts of the screen, each judged by a detector of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np

from hud.detector import Detector
from hud.items import Cause, Change, Frame, Mark
from hud.rect import Rect
from hud.stage import one_of, option
from stages.change.detector.regions import bounds


def _is_region(value: tuple[int, ...]) -> str | None:
    if len(value) == 4 and min(value[:2]) >= 0 and min(value[2:]) >= 1:
        return None
    return "must be [x, y, width, height] in pixels of the monitor"


@attrs.frozen
class Place:
    """A part of the monitor with a sensitivity of its own."""

    region: tuple[int, ...] = option(meaning="[x, y, width, height]", check=_is_region)
    sensitivity: str = option(
        "off",
        meaning="off: nothing here is ever news",
        check=one_of("off", "low", "normal", "high"),
    )

    @property
    def rect(self) -> Rect:
        """The region."""
        return Rect(*self.region)


BEYOND = 12
"""Pixels that a region may reach beyond what changed: a dash gets the height of a line."""
MARGIN = 3
"""Pixels shown around what changed."""


class Places:
    """A detector for the screen that leaves some places to detectors of their own."""

    def __init__(
        self, screen: Detector, places: Sequence[Place], make: Callable[[str], Detector]
    ) -> None:
        self._screen = screen
        self._frame: Frame | None = None
        self._places = [
            (place.rect, None if place.sensitivity == "off" else make(place.sensitivity))
            for place in places
        ]

    def look(self, frame: Frame) -> Change:
        """Judge a frame, each place by itself; the last of the places that holds a spot decides."""
        self._frame = frame
        change = self._without_places(self._screen.look(frame))
        for part, detector in self._parts(frame):
            piece = attrs.evolve(
                frame, pixels=frame.pixels[part.slices], damage=_damage_in(frame, part)
            )
            change = _joined(change, _moved(detector.look(piece), part, frame))
        return change

    def wake(self, time: float) -> Change | None:
        """See Detector."""
        frame, change = self._frame, self._screen.wake(time)
        if frame is None:
            return None
        changes = [] if change is None else [self._without_places(change)]
        for part, detector in self._parts(frame):
            change = detector.wake(time)
            if change is not None:
                changes.append(_moved(change, part, frame))
        found = [change for change in changes if change.regions]
        return functools.reduce(_joined, found) if found else None

    def due(self) -> float | None:
        """See Detector."""
        detectors = [self._screen, *(each for _, each in self._places if each is not None)]
        times = [detector.due() for detector in detectors]
        return min((time for time in times if time is not None), default=None)

    def _parts(self, frame: Frame) -> Iterator[tuple[Rect, Detector]]:
        """The places that have a detector, as far as they lie on the frame."""
        for rect, detector in self._places:
            part = rect.padded(0, frame.width, frame.height)
            if detector is not None and part.area:
                yield part, detector

    def _without_places(self, change: Change) -> Change:
        """What of a change of the whole screen lies outside of the places."""
        touched = any(self._over(rect) for rect in change.regions)
        if change.cause is not Cause.CONTENT or not touched:  # a first frame is shown whole
            return change
        known = {mark.rect: mark for mark in change.marks}
        kept = [self._outside(known.get(r, Mark(r, None)), change.frame) for r in change.regions]
        left = [mark for mark in kept if mark is not None]
        regions = tuple(mark.rect for mark in left)
        return attrs.evolve(change, regions=regions, marks=tuple(left))

    def _over(self, rect: Rect) -> list[Rect]:
        return [place for place, _ in self._places if place.intersects(rect)]

    def _outside(self, mark: Mark, frame: Frame) -> Mark | None:
        """A region as far as what changed in it lies outside of the places; None if nothing does.

        A region reaches some pixels beyond what changed, and may unite news on both sides of a
        place's edge: so what counts is where the pixels differ.
        """
        rect, before = mark.rect, mark.before
        places = self._over(rect)
        if not places:
            return mark
        now = frame.pixels[rect.slices][..., :3]
        if before is None or before.shape[:2] != now.shape[:2]:
            differs, margin = np.ones(now.shape[:2], np.bool_), BEYOND
        else:
            differs, margin = (now != before[..., :3]).any(axis=2), 0
        for place in places:
            part = _moved_back(place.padded(margin, frame.width, frame.height), rect)
            differs[part.slices] = False
        found = bounds(differs)
        if found is None:
            return None
        found = found.padded(MARGIN, rect.width, rect.height)
        seen = before[found.slices] if not margin and before is not None else None
        return Mark(found.moved(rect.x, rect.y), seen)


def _damage_in(frame: Frame, part: Rect) -> tuple[Rect, ...] | None:
    """Where a part of the frame may have changed, as damage of that part alone."""
    if frame.damage is None:
        return None
    return tuple(_moved_back(rect, part) for rect in frame.damage if rect.intersects(part))


def _moved_back(rect: Rect, box: Rect) -> Rect:
    """The part of a rectangle that lies in `box`, counted from the corner of that."""
    return rect.moved(-box.x, -box.y).padded(0, box.width, box.height)


def _moved(change: Change, part: Rect, frame: Frame) -> Change:
    """A change of a part of the frame, as one of the whole frame."""

    def moved(rect: Rect) -> Rect:
        return rect.moved(part.x, part.y)

    regions = tuple(moved(rect) for rect in change.regions)
    marks = tuple(Mark(moved(mark.rect), mark.before) for mark in change.marks)
    return attrs.evolve(change, frame=frame, regions=regions, marks=marks)


def _joined(one: Change, other: Change) -> Change:
    if not other.regions:
        return one
    if not one.regions:
        return other
    return attrs.evolve(
        one,
        regions=one.regions + other.regions,
        marks=one.marks + other.marks,
        rule=f"{one.rule}; {other.rule}",
    )
