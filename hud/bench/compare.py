"""Two benchmarks side by side: what got slower, what faster, and how sure that is.

The interval is a bootstrap of the difference of the medians (of CPU: of the means), 99 %: rounds
are drawn with replacement, and within them samples (Davison and Hinkley, Bootstrap Methods and
their Application, 1997, section 3.8). With one round on either side nothing is known about what
differs from one start of the program to the next; then the interval is that of this run only.
What has one sample for each start, as memory has, is judged by the tolerance alone below FEWEST.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from hud.bench.report import METRICS, Metric, Report, Rounds

RESAMPLES = 2000
CONFIDENCE = 0.99
"""Some dozen metrics are compared, and a false alarm among them should be rare."""
FEWEST = 5
"""Samples on each side, below which nothing is said."""


class Verdict(enum.Enum):
    """What became of a metric."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "no difference visible"
    UNKNOWN = "too few samples"


@attrs.frozen
class Difference:
    """One metric before and after; the values in its unit."""

    size: str
    scene: str
    name: str
    before: float
    after: float
    low: float
    """End of the interval of `after - before`."""
    high: float
    verdict: Verdict
    starts: int | None = None
    """How many starts were compared by the tolerance alone, on the side that has fewer."""

    @property
    def metric(self) -> Metric:
        """What it is."""
        return METRICS[self.name]

    def percent(self, value: float) -> float:
        """A difference as a share of what was before."""
        return 100 * value / self.before if self.before else float("inf")


def compared(before: Report, after: Report, tolerance: float) -> list[Difference]:
    """Every metric that both have; a difference below `tolerance` (a share) does not count."""
    found = []
    olds = {screen.size: screen for screen in before.screens}
    for screen in after.screens:
        if screen.size not in olds:
            continue
        old = olds[screen.size]
        for name, scene in screen.scenes.items():
            if name not in old.scenes:
                continue
            former = old.scenes[name].metrics
            for metric in (each for each in METRICS if each in former and each in scene.metrics):
                values = former[metric], scene.metrics[metric]
                found.append(_difference((screen.size, name, metric), *values, tolerance))
    return found


def _difference(
    place: tuple[str, str, str], before: Rounds, after: Rounds, tolerance: float
) -> Difference:
    metric = METRICS[place[2]]
    samples = [list(itertools.chain(*rounds)) for rounds in (before, after)]
    old, new = map(metric.middle, samples)
    low, high = interval(before, after, mean=metric.is_mean)
    count = min(map(len, samples))
    alone = count < FEWEST and metric.of_a_start
    if count < FEWEST and not alone:
        verdict = Verdict.UNKNOWN
    elif abs(new - old) < max(metric.floor, tolerance * old) or (not alone and low <= 0 <= high):
        verdict = Verdict.SAME
    else:
        verdict = Verdict.WORSE if new > old else Verdict.BETTER
    return Difference(*place, old, new, low, high, verdict, count if alone else None)


def interval(before: Rounds, after: Rounds, *, mean: bool = False) -> tuple[float, float]:
    """The bootstrap interval of `after - before`; the same for the same samples."""
    rng = np.random.default_rng(0)
    differences = _middles(rng, after, mean=mean) - _middles(rng, before, mean=mean)
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(differences, [outside, 1 - outside])
    return float(low), float(high)


def _middles(rng: np.random.Generator, rounds: Rounds, *, mean: bool) -> np.ndarray:
    """The middle of each resample."""
    parts = [np.asarray(part) for part in rounds if part]
    if len(parts) == 1:
        drawn = rng.choice(parts[0], (RESAMPLES, len(parts[0])))
        return np.asarray(np.mean(drawn, axis=1) if mean else np.median(drawn, axis=1))
    middle = np.mean if mean else np.median
    return np.array([middle(_resample(rng, parts)) for _ in range(RESAMPLES)])


def _resample(rng: np.random.Generator, parts: Sequence[np.ndarray]) -> np.ndarray:
    chosen = [parts[number] for number in rng.integers(len(parts), size=len(parts))]
    return np.concatenate([rng.choice(part, len(part)) for part in chosen])


def unlike(before: Report, after: Report) -> Iterator[str]:
    """Why the two may not be comparable, a sentence each."""
    for key, value in after.machine.items():
        old = before.machine.get(key)
        if old != value and key != "load":
            yield f"{key} was {old}, is {value}"
    if before.settings != after.settings or before.config != after.config:
        was, now = (" ".join([each.config, *each.settings]) for each in (before, after))
        yield f"the configuration was {was}, is {now}"
    if before.answer != after.answer:
        yield f"the model answered within {before.answer:g} s, now within {after.answer:g} s"
    if before.seconds != after.seconds:
        yield f"a round took {before.seconds:g} s, now {after.seconds:g} s"
