"""What can stand under `use`: our own stages, and those that other packages bring by entry point.

Other packages are looked at only when a name is asked for that is not ours, so that they cost
nothing otherwise and a broken one harms nobody who does not use it.
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from collections.abc import Iterator, Mapping

import attrs

from hud.errors import UsageError


class Choices(Mapping[str, type]):
    """Stage classes by name; ours come first and cannot be replaced.

    `group` is that of the entry points, such as `hud.sinks`; `kind` is what one of them is called;
    `needs` are the attributes that its class must have.
    """

    def __init__(
        self, own: Mapping[str, type], group: str, kind: str, needs: tuple[str, ...] = ("run",)
    ) -> None:
        self.own = own
        self.group = group
        self.kind = kind
        self.needs = needs

    def __getitem__(self, name: str) -> type:
        """The class of that name.

        Raises:
            KeyError: nobody has it.
            UsageError: the package that has it is broken, or is not the only one.
        """
        return self.own[name] if name in self.own else self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._foreign

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (name for name in self._foreign if name not in self.own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def origin(self, name: str) -> str:
        """The package that brings it; empty for our own."""
        return "" if name in self.own else _packages(self._foreign[name])

    def clashes(self) -> list[str]:
        """A sentence for each package that has a name of ours, which it is not found by."""
        return [
            f"{self.kind} {name!r} of {_packages(points)} is not used: hud has one of that name"
            for name, points in self._foreign.items()
            if name in self.own
        ]

    @functools.cached_property
    def _foreign(self) -> Mapping[str, list[importlib.metadata.EntryPoint]]:
        found: dict[str, list[importlib.metadata.EntryPoint]] = {}
        for point in importlib.metadata.entry_points(group=self.group):
            found.setdefault(point.name, []).append(point)
        return dict(sorted(found.items()))

    def _load(self, name: str) -> type:
        points = self._foreign[name]
        what = f"{self.kind} {name!r} of {_packages(points)}"
        if len(points) > 1:
            raise UsageError(f"{what}: two packages have that name, uninstall one")
        try:
            cls = points[0].load()
        except Exception as error:  # another's code can fail in any way
            raise UsageError(
                f"{what} cannot be loaded: {type(error).__name__}: {error}".splitlines()[0]
            ) from error
        if not _is_stage(cls, self.needs):
            needs = " and ".join(self.needs)
            raise UsageError(
                f"{what} is no {self.kind}: it must be an attrs class with {needs}, "
                "and run must be async with inbox and outbox"
            )
        return cls  # type: ignore[no-any-return]


def _is_stage(cls: object, needs: tuple[str, ...]) -> bool:
    if not (inspect.isclass(cls) and attrs.has(cls) and all(hasattr(cls, name) for name in needs)):
        return False
    run = cls.run  # type: ignore[attr-defined]
    return inspect.iscoroutinefunction(run) and len(inspect.signature(run).parameters) == 3


def _packages(points: list[importlib.metadata.EntryPoint]) -> str:
    dists = [point.dist for point in points]
    return " and ".join(f"{dist.name} {dist.version}" if dist else "?" for dist in dists)
