"""What became of frames and what turns were made of, as values that files and pages can hold."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import attrs

from hud.items import Fate, Picture, Status, Usage, View, clock
from hud.rect import Rect

NEAR = 10.0
"""Seconds in which frames of one fate and reason share an entry, whatever came between them."""
IN_A_ROW = 60.0
"""Seconds in which they share one when none came between them."""

LONGEST_NUMBER = 18
"""Digits that SQLite can hold as a number."""


def frame_number(wanted: str) -> int | None:
    """Which frame is asked for; None: something else than a frame."""
    return int(wanted) if wanted.isdecimal() and len(wanted) <= LONGEST_NUMBER else None


@attrs.define
class Entry:
    """One frame, or several that met the same end for the same reason."""

    number: int
    """Of the entry, ascending in a run."""
    monitor: int
    frames: list[tuple[int, int]]
    """First and last number of each row of frames, ascending."""
    began: float
    """When the first was captured, in seconds since the epoch."""
    wall_time: float
    """When the last was captured."""
    fate: Fate | None = None
    """None: not known yet."""
    rule: str = ""
    """Why, in words: mostly the detector's rule."""
    regions: tuple[Rect, ...] = ()
    into: int | None = None
    """The frame that went on with what these held."""
    note: str = ""
    """The id of the last turn that was about it."""
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    milliseconds: float | None = None
    """From the grab to the finished answer."""
    text: str = ""
    """The note, "" for none."""
    stages: dict[str, float] = attrs.field(factory=dict)
    """Milliseconds in each stage and before it, of all these frames together."""
    version: int = attrs.field(default=0, eq=False)
    """Grows with every change of any entry or exhibit."""

    @property
    def count(self) -> int:
        """Number of frames."""
        return sum(last - first + 1 for first, last in self.frames)

    @property
    def last(self) -> int:
        """Number of the last frame; 0 where all were taken out again."""
        return self.frames[-1][1] if self.frames else 0

    @property
    def kind(self) -> tuple[object, ...]:
        """What frames that share an entry have in common."""
        return self.monitor, self.fate, self.rule, self.into

    def shares_with(self, later: Entry) -> bool:
        """Whether a later entry of the same kind can be told together with this."""
        in_a_row = later.frames[0][0] == self.last + 1
        return later.wall_time - self.began <= (IN_A_ROW if in_a_row else NEAR)

    def add(self, later: Entry) -> None:
        """Tell a later entry of the same kind together with this."""
        for first, last in later.frames:
            if self.frames and first == self.last + 1:
                self.frames[-1] = self.frames[-1][0], last
            else:
                self.frames.append((first, last))
                self.frames.sort()
        self.wall_time = max(self.wall_time, later.wall_time)
        for stage, spent in later.stages.items():
            self.stages[stage] = self.stages.get(stage, 0.0) + spent

    def take_out(self, frame: int, stages: Mapping[str, float]) -> None:
        """Take one of the frames out again, and its times."""
        pieces = list[tuple[int, int]]()
        for first, last in self.frames:
            if first <= frame <= last:
                pieces += [(first, frame - 1), (frame + 1, last)]
            else:
                pieces.append((first, last))
        self.frames = [(first, last) for first, last in pieces if first <= last]
        for stage, spent in stages.items():
            self.stages[stage] = self.stages.get(stage, 0.0) - spent

    def holds(self, frame: int) -> bool:
        """Whether it is about this frame."""
        return any(first <= frame <= last for first, last in self.frames)

    def concerns(self, frame: int) -> bool:
        """Whether it is about this frame, or about some that went on with it."""
        return self.into == frame or self.holds(frame)

    def line(self) -> str:
        """For a person."""
        fate = self.fate.value if self.fate else "in flight"
        parts = [self.rule, *self._places(), *self._outcome()]
        said = "; ".join(part for part in parts if part)
        return f"{clock(self.wall_time)}  {self.numbers:26} {fate:12} {said}"

    @property
    def numbers(self) -> str:
        """Which frames, in words."""
        first, last = self.frames[0][0], self.last
        if first == last:
            return f"frame {first}"
        if len(self.frames) == 1:
            return f"frames {first} to {last}"
        return f"{self.count} of frames {first} to {last}"

    def _places(self) -> Iterator[str]:
        if self.regions:
            yield "at " + ", ".join(places(self.regions))

    def _outcome(self) -> Iterator[str]:
        if self.into is not None:
            yield f"went on with frame {self.into}"
        if self.milliseconds is not None:
            tokens = self.input_tokens + self.output_tokens
            cost = f", ${self.usd:.4f}" if self.usd else ""
            yield f"answered after {self.milliseconds:.0f} ms, {tokens} tokens{cost}"
        if self.text:
            yield f"“{self.text}”"

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `record` made."""
        fate = None if record["fate"] is None else Fate(record["fate"])
        frames = [(first, last) for first, last in record["frames"]]
        fields = dict(record) | {"fate": fate, "regions": rects(record["regions"])}
        return cls(**fields | {"frames": frames, "stages": dict(record["stages"])})

    def record(self) -> dict[str, Any]:
        """As plain data."""
        record = attrs.asdict(self, recurse=False)
        del record["version"]
        fate = self.fate.value if self.fate else None
        stages = {stage: round(spent, 2) for stage, spent in self.stages.items()}
        frames = [list(each) for each in self.frames]
        plain = {"fate": fate, "frames": frames, "regions": lists(self.regions), "stages": stages}
        return record | plain


@attrs.frozen(eq=False)
class Exhibit:
    """One turn: what the model was shown, and what it answered."""

    id: str
    """Of the note, if there is one."""
    seq: int
    """Of the frame that was shown."""
    monitor: int
    size: tuple[int, int]
    """Width and height of the frame in pixels."""
    wall_time: float
    """When the frame was captured, in seconds since the epoch."""
    cause: str
    rule: str
    regions: tuple[Rect, ...]
    """Where something had changed, on the monitor."""
    caption: str
    """The words that went with the pictures."""
    pictures: tuple[Picture, ...]
    """As they were sent."""
    status: Status = Status.IN_PROGRESS
    text: str = ""
    session: str = ""
    model: str = ""
    detail: str = ""
    usage: Usage = Usage()
    usd: float | None = None
    milliseconds: float | None = None
    """From the grab to the end of the answer."""
    stages: Mapping[str, float] = attrs.field(factory=dict)
    """Milliseconds in each stage, and before it."""
    version: int = 0

    @property
    def weight(self) -> int:
        """Bytes of its pictures."""
        return sum(len(picture.jpeg) for picture in self.pictures)

    def is_meant(self, words: str) -> bool:
        """By its id, the time that stands before its note, or words of the note."""
        told = words in {self.id, clock(self.wall_time)}
        return told or words.casefold() in self.text.casefold()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `record` made."""
        fields = dict(record) | {
            "size": tuple(record["size"]),
            "regions": rects(record["regions"]),
            "pictures": tuple(map(_picture, record["pictures"])),
            "status": Status(record["status"]),
            "usage": Usage(**record["usage"]),
        }
        return cls(**fields)

    def record(self, *, pictures: bool = True) -> dict[str, Any]:
        """As plain data, the pictures in base64 or left out."""
        record = attrs.asdict(self, recurse=False)
        del record["version"]
        return record | {
            "size": list(self.size),
            "regions": lists(self.regions),
            "pictures": [_plain(picture) for picture in self.pictures if pictures],
            "status": self.status.value,
            "usage": attrs.asdict(self.usage),
            "stages": {stage: round(spent, 2) for stage, spent in self.stages.items()},
        }


def _plain(picture: Picture) -> dict[str, Any]:
    view, jpeg = picture.view, base64.b64encode(picture.jpeg).decode()
    return {
        "rects": lists(view.rects),
        "size": list(view.size),
        "detail": view.detail,
        "jpeg": jpeg,
    }


def _picture(record: Mapping[str, Any]) -> Picture:
    width, height = record["size"]
    view = View(rects(record["rects"]), (width, height), record["detail"])
    return Picture(view, base64.b64decode(record["jpeg"]))


def places(regions: Sequence[Rect], most: int = 3) -> list[str]:
    """Rectangles for a person: the first few, and how many more."""
    said = [f"{r.width}x{r.height} at {r.x},{r.y}" for r in regions[:most]]
    more = len(regions) - len(said)
    return [*said, f"{more} more"] if more > 0 else said


def lists(regions: Sequence[Rect]) -> list[list[int]]:
    """Rectangles as plain data."""
    return [[rect.x, rect.y, rect.width, rect.height] for rect in regions]


def rects(plain_ones: Sequence[Sequence[int]]) -> tuple[Rect, ...]:
    """The other way round."""
    return tuple(Rect(*each) for each in plain_ones)
