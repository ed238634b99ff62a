"""Other sensitivities for parts of the screen, each judged by a detector of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import attrs

from hud.detector import Detector
from hud.items import Cause, Change, Frame, Mark, Rect
from hud.stage import one_of, option


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
            piece = attrs.evolve(frame, pixels=frame.pixels[part.slices], damage=None)
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
        def outside(rect: Rect) -> bool:
            middle = Rect(rect.x + rect.width // 2, rect.y + rect.height // 2, 1, 1)
            return not any(place.intersects(middle) for place, _ in self._places)

        # A first frame is shown whole, wherever the middle of the screen belongs.
        if change.cause is not Cause.CONTENT or all(map(outside, change.regions)):
            return change
        regions = tuple(rect for rect in change.regions if outside(rect))
        marks = tuple(mark for mark in change.marks if outside(mark.rect))
        return attrs.evolve(change, regions=regions, marks=marks)


def _moved(change: Change, part: Rect, frame: Frame) -> Change:
    """A change of a part of the frame, as one of the whole frame."""

    def moved(rect: Rect) -> Rect:
        return attrs.evolve(rect, x=rect.x + part.x, y=rect.y + part.y)

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
