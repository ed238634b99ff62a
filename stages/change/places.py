"""Other sensitivities for parts of the screen, each judged by a detector of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from hud.detector import Detector
from hud.items import Change, Frame, Mark, Rect
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
        self._places = [
            (place.rect, None if place.sensitivity == "off" else make(place.sensitivity))
            for place in places
        ]

    def look(self, frame: Frame) -> Change:
        """Judge a frame, each place by itself; the last of the places that holds a spot decides."""
        change = self._without_places(self._screen.look(frame))
        for rect, detector in self._places:
            part = rect.padded(0, frame.width, frame.height)
            if detector is None or not part.area:
                continue
            piece = attrs.evolve(frame, pixels=frame.pixels[part.slices], damage=None)
            change = _joined(change, _moved(detector.look(piece), part, frame))
        return change

    def wake(self, time: float) -> Change | None:
        """See Detector; what rests in a place is passed on with its next frame."""
        change = self._screen.wake(time)
        kept = self._without_places(change) if change is not None else None
        return kept if kept is not None and kept.regions else None

    def due(self) -> float | None:
        """See Detector."""
        return self._screen.due()

    def _without_places(self, change: Change) -> Change:
        def outside(rect: Rect) -> bool:
            middle = Rect(rect.x + rect.width // 2, rect.y + rect.height // 2, 1, 1)
            return not any(place.intersects(middle) for place, _ in self._places)

        if change.cause is None or not any(not outside(rect) for rect in change.regions):
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
