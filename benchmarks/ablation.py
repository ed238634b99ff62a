"""The rules of the detector, each by a name, to be switched off one at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from stages.change.detector import detector, intake, judge
from stages.change.detector.field import Field
from stages.change.detector.film import Films
from stages.change.detector.judge import Judge
from stages.change.detector.memory import Rates
from stages.change.detector.past import Past
from stages.change.detector.screen import Screen


def _says(answer: object) -> Callable[..., object]:
    return lambda *_, **__: answer


def _nothing_known(screen: Screen, box: Any, mask: Any) -> Any:  # noqa: ANN401 - as Screen.seen
    cells, before = _seen(screen, box, mask)
    return cells, before & False


_seen = Screen.seen

RULES: dict[str, tuple[object, str, object]] = {
    "background by rate": (Rates, "_learn", _says(None)),
    "films": (Films, "holds", _says(False)),
    "flickering fields": (Field, "flickers", _says(False)),
    "thin lines": (intake, "ruled", _says(False)),
    "carets": (intake, "caret", _says(False)),
    "scrolling": (intake, "find_shift", _says(None)),
    "pointer": (detector, "_pointer", lambda _screen, judged, _time: judged),
    "siblings": (detector.Detector, "_with_siblings", lambda _self, judged, _time: judged),
    "companions": (detector.Detector, "_companions", _says([])),
    "captions": (detector.Detector, "_surrounded", _says(False)),
    "rest of the page": (Past, "left", _says([])),
    "seen before": (Screen, "seen", _nothing_known),
    "tints": (judge, "tinted", _says(False)),
    "erased text": (judge, "erased", _says(False)),
    "sharper": (judge, "sharper", _says(False)),
    "crisp": (Judge, "_crisp", _says(True)),
    "numbers that return": (Judge, "_returned", _says(False)),
    "restlessness": (Judge, "_restlessness", _says(0.0)),
    "edges that move": (Judge, "_edge_moved", _says(False)),
    "refreshed tables": (Field, "refreshed", _says(False)),
    "background that stops": (detector.Detector, "_rests", _says(None)),
    "strange colours": (Screen, "strange", _says(False)),
    "plain ground": (judge, "PLAIN", 2.0),
}


@contextlib.contextmanager
def without(rule: str) -> Iterator[None]:
    """Switch a rule off."""
    owner, name, instead = RULES[rule]
    with mock.patch.object(owner, name, instead):
        yield
