"""Can the words that changed be read in what is sent, and what do the pictures cost?

    python benchmarks/legibility.py SCENE ... [--show auto] [--tokens] [--qualities] [--set K=V]

Plays labelled scenes (make_scenes.py, desktops.py) through the detector and the encoder, as
`hud estimate` does, and prints for each scene
  turns    shots, and their image tokens on average: also in percent of the whole screen's
  words    words of the labels that were shown; share of them that Tesseract reads
             native   in the screen itself, without any compression
             whole    in the whole screen as JPEG, as the service sees it: scaled down by its rule
             ours     in the pictures of the shot, as the service sees them, or in its words
           and ours in percent of native and of whole
Each reading is of the same part of the screen, enlarged to the same size, by the same settings.
The second table is the same for the first frames, which show the whole screen. With --qualities a
table of the share that can be read, and of the bytes, by JPEG quality follows. Needs
Tesseract (the program) and pytesseract.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import cv2
import numpy as np
import orjson
import pytesseract

from hud import collage
from hud import scene as scenes
from hud.config import build
from hud.document import read as document
from hud.estimate import Assumptions, estimate
from hud.items import Cause, Change, Frame, Shot, View
from hud.local.notetaker import lines
from hud.local.reader import Reader
from hud.packaged import config_file
from hud.realtime.models import FREE
from hud.realtime.tokens import image_tokens, seen_size, view_tokens
from hud.rect import Rect
from stages.encode import draw
from stages.registry import SECTIONS

QUALITIES = (30, 50, 60, 70, 80, 85, 90, 95)
AROUND = 12  # pixels around a label that are read with it
Picture = np.ndarray


@attrs.define
class Tally:
    """Words that could be read."""

    shots: int = 0
    tokens: int = 0
    screens: int = 0
    """Tokens of as many whole screens."""
    words: int = 0
    native: int = 0
    whole: int = 0
    ours: int = 0

    def add(self, other: Tally) -> None:
        """Count another tally's into this one."""
        for field in attrs.fields(Tally):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def row(self, name: str) -> str:
        """One line of the table."""

        def share(part: int, of: int) -> str:
            return f"{100 * part / of:7.1f}" if of else "      -"

        return (
            f"{name:22} {self.shots:5} {self.tokens / max(1, self.shots):7.1f}"
            f"{share(self.tokens, self.screens)} {self.words:6}"
            f"{share(self.native, self.words)}{share(self.whole, self.words)}"
            f"{share(self.ours, self.words)}{share(self.ours, self.native)}"
            f"{share(self.ours, self.whole)}"
        )


HEAD = (
    f"{'scene':22} {'turns':>5} {'tokens':>7}{'%':>7} {'words':>6}{'native':>7}{'whole':>7}"
    f"{'ours':>7}{'%nat':>7}{'%whole':>7}"
)


@attrs.frozen(eq=False)
class Seen:
    """A label and the shot that showed it."""

    rect: Rect
    words: tuple[str, ...]
    shot: Shot


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("scenes", nargs="+", type=Path)
    arguments.add_argument("--show", default="picture", choices=["picture", "text", "auto"])
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--tokens", action="store_true", help="only count tokens")
    arguments.add_argument("--qualities", action="store_true")
    given = arguments.parse_args()
    os.environ["OMP_THREAD_LIMIT"] = "1"
    settings = document(config_file("openai.yaml"))
    for assignment in [f"encode.show={given.show}", *given.set]:
        settings.set(assignment)
    stages = build(settings, SECTIONS).stages
    read = functools.partial(lines, Reader()) if stages["encode"].reads else None
    changes, firsts, tables = Tally(), Tally(), dict[int, list[int]]()
    rows = list[str]()
    print(HEAD)
    for folder in given.scenes:
        shots, seen = play(folder, stages, read)
        later = Tally(len(shots), sum(map(cost, shots)), sum(map(whole_cost, shots)))
        first = Tally()
        for one in [] if given.tokens else seen:
            tally = first if one.shot.change.cause is Cause.FIRST else later
            tally.add(counted(one, stages["encode"].quality))
        rows.append(first.row(folder.name))
        changes.add(later)
        firsts.add(first)
        print(later.row(folder.name), flush=True)
        if given.qualities:
            tabulate(seen, tables)
    print(changes.row("all"))
    if not given.tokens:
        print("\nfirst frames", *rows, firsts.row("all"), sep="\n")
    if given.qualities:
        print("\nquality  words read %  kB a shot")
        for quality, (words, hits, size, count) in tables.items():
            print(f"{quality:7} {100 * hits / words:13.1f} {size / count / 1000:10.1f}")


def play(
    folder: Path, stages: dict[str, Any], read: Callable[[bytes], Any] | None
) -> tuple[list[Shot], list[Seen]]:
    """The shots of a scene, and which label was first shown by which."""
    scene, shots = scenes.load(folder), list[Shot]()
    sketch = stages["encode"].sketcher(read)

    def shoot(change: Change) -> Shot:
        shots.append(sketch(change))
        return shots[-1]

    detector = stages["change"].detector()
    estimate(scene.frames(), scene.fps, detector, shoot, Assumptions("", FREE, 1.0))
    events = orjson.loads((folder / scenes.INDEX).read_bytes())["events"]
    found = (_seen(event, shots) for event in events if event["kind"] == "meaningful")
    return shots, [one for one in found if one is not None]


def _seen(event: dict[str, Any], shots: Sequence[Shot]) -> Seen | None:
    rect, words = Rect(*event["rect"]), tuple(tokens(event["text"]))
    for shot in shots:
        in_time = event["t"] - 0.05 <= shot.change.frame.time < event["until"]
        if words and in_time and any(rect.intersects(other) for other in shot.change.regions):
            return Seen(rect, words, shot)
    return None


def cost(shot: Shot) -> int:
    return sum(view_tokens(picture.view) for picture in shot.pictures)


def whole_cost(shot: Shot) -> int:
    return image_tokens(shot.change.frame.width, shot.change.frame.height)


def counted(one: Seen, quality: int) -> Tally:
    """How many words of a label can be read where."""
    frame = one.shot.change.frame
    rect = one.rect.padded(AROUND, frame.width, frame.height)
    native = np.ascontiguousarray(frame.pixels[rect.slices][..., :3])
    whole = View((frame.whole,), (frame.width, frame.height))
    return Tally(
        words=len(one.words),
        native=hits(one.words, text(native, rect)),
        whole=hits(one.words, shown(frame, [whole], rect, quality)),
        ours=hits(one.words, ours(one.shot, rect, quality)),
    )


def ours(shot: Shot, rect: Rect, quality: int) -> str:
    views = [picture.view for picture in shot.pictures]
    told = [line for words in shot.words for line in (*words.lines, *words.near)]
    return " ".join([shown(shot.change.frame, views, rect, quality), *told])


def shown(frame: Frame, views: Iterable[View], rect: Rect, quality: int) -> str:
    """What can be read of a part of the screen in pictures, as the service sees them."""
    found = []
    for view in views:
        if not any(map(rect.intersects, view.rects)):
            continue
        picture = seen(draw.encode(frame, view, quality), view)
        for part, place in zip(view.rects, collage.places(view.rects), strict=True):
            if not part.intersects(rect):
                continue
            scale = picture.shape[1] / collage.size(view.rects)[0]
            common = _common(rect, part)
            x, y = common.x - part.x + place.x, common.y - part.y + place.y
            cut = picture[
                round(y * scale) : round((y + common.height) * scale),
                round(x * scale) : round((x + common.width) * scale),
            ]
            if cut.size:
                found.append(text(cut, common))
    return " ".join(found)


def seen(jpeg: bytes, view: View) -> Picture:
    """A picture as the service sees it."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    size = seen_size(picture.shape[1], picture.shape[0], view.detail)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def text(picture: Picture, rect: Rect) -> str:
    """What Tesseract reads in the picture of a part of the screen, brought to one size for all."""
    larger = 3 if rect.area < 500_000 else 2
    size = rect.width * larger, rect.height * larger
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    layout = 6 if rect.height < 200 else 11
    return str(pytesseract.image_to_string(picture, config=f"--psm {layout}"))


def tokens(text: str) -> list[str]:
    return [word.casefold() for word in re.findall(r"\w[\w.:/-]*\w|\d", text)]


def hits(words: Iterable[str], read: str) -> int:
    """Words that were read; one with its neighbour's sign glued to it counts as well."""
    known = set(tokens(read))
    plain = re.sub(r"\W", "", read.casefold())
    return sum(word in known or (len(word) > 5 and word in plain) for word in words)


def tabulate(seen: Sequence[Seen], tables: dict[int, list[int]]) -> None:
    """Add a scene to the words, hits, bytes and shots by quality."""
    for quality in QUALITIES:
        sums = tables.setdefault(quality, [0, 0, 0, 0])
        for one in seen:
            if one.shot.change.cause is Cause.FIRST:
                continue
            frame = one.shot.change.frame
            rect = one.rect.padded(AROUND, frame.width, frame.height)
            views = [picture.view for picture in one.shot.pictures]
            jpegs = [draw.encode(frame, view, quality) for view in views]
            sums[0] += len(one.words)
            sums[1] += hits(one.words, ours(one.shot, rect, quality))
            sums[2] += sum(map(len, jpegs))
            sums[3] += 1


def _common(one: Rect, other: Rect) -> Rect:
    x, y = max(one.x, other.x), max(one.y, other.y)
    right, bottom = min(one.right, other.right), min(one.bottom, other.bottom)
    return Rect(x, y, right - x, bottom - y)


if __name__ == "__main__":
    main()
