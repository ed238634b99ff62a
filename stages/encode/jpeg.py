"""Turns a change into the JPEGs, or the words, that the model will be shown."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Callable, Sequence

import attrs
import cv2
import trio

from hud.errors import LocalModelError, UsageError
from hud.items import Cause, Change, Picture, Shot, View, Words, clock
from hud.local.reader import Line
from hud.realtime import caption
from hud.realtime.budget import Step
from hud.realtime.tokens import TILE
from hud.rect import Rect
from hud.stage import between, given, one_of, option
from hud.threads import in_thread
from stages.encode import draw, words
from stages.encode.plan import native, plan, with_overview
from stages.encode.redact import Redaction, in_one_piece, with_surroundings
from stages.encode.standing import Standing
from stages.encode.surroundings import Surroundings
from stages.encode.words import Recogniser

INLINE_PIXELS = 500_000
"""Below this a crop is encoded faster (0.5 ms) than the loop must be spared."""
INLINE_REGIONS = 12
"""Up to so many regions are planned within 2 ms."""
PATIENCE = 1.0
"""Seconds that reading may take before the picture is shown after all; it needs about 0.3."""

HIDDEN = "\nplain gray boxes hide secrets: do not mention them"

Read = Callable[[bytes], Sequence[Line]]


@attrs.frozen
class Jpeg:
    """Close-ups of the changed regions at native resolution; the first frame whole."""

    show: str = option(
        "picture",
        meaning="`picture`; `text`: the words of a change, read on this machine, instead; `auto`: "
        "words where a change is nothing but text. Needs the extra `local`; the local model "
        "always gets pictures",
        check=one_of("picture", "text", "auto"),
    )
    quality: int = option(
        85,
        meaning="JPEG quality; small text suffers below 70, tokens do not depend on it",
        check=between(30, 100),
    )
    margin: int = option(
        24, meaning="pixels of surroundings around each region", check=between(0, 200)
    )
    pictures: int = option(4, meaning="pictures per note, at most", check=between(1, 16))
    low_detail: int = option(
        362,
        meaning="close-ups that fit a square of this many pixels are sent at low detail, which "
        "costs a third; 0 never does",
        check=between(0, 512),
    )

    standing: bool = given(False)
    """Whether the model keeps a picture of the screen, which must not become outdated."""
    reader: Recogniser | None = given(None)
    """Who reads the words where `show` or the budget asks for them."""
    redaction: Redaction | None = given(None)
    """What paints over secrets, where `privacy.redact` asks for it."""
    step: Callable[[], Step] = given(lambda: Step.FULL)
    """What the budget allows for the next turn."""

    def preflight(self) -> None:
        """Check that there is a reader to be had where one is needed."""
        if self.show != "picture" and importlib.util.find_spec("rapidocr") is None:
            raise UsageError(
                f"encode.show: {self.show} needs the extra `local` (pip install '.[local]'); "
                "or choose encode.show: picture"
            )

    @property
    def reads(self) -> bool:
        """Whether a reader is needed."""
        return self.show != "picture" and not self.standing

    def sketcher(self, read: Read | None = None) -> Callable[[Change], Shot]:
        """What makes the shots of a run without their JPEGs, for an estimate.

        `read` gives the lines of an encoded picture, where `show` asks for words.
        """
        seen: defaultdict[int, Surroundings] = defaultdict(Surroundings)

        def sketch(change: Change) -> Shot:
            if self.standing:
                return shoot(change, _each(native(change, self.margin, self.pictures)), None)
            told = tuple[Words, ...]()
            if read is not None and self.reads:
                strips = words.strips(change)
                told = self._told(change, strips, [read(part) for part in _cut(change, strips)])
            return shoot(change, self._views(change, seen[change.monitor], told), None, told)

        return sketch

    async def run(
        self, inbox: trio.abc.ReceiveChannel[Change], outbox: trio.abc.SendChannel[Shot]
    ) -> None:
        """Encode each change, large ones in a thread."""
        cv2.setNumThreads(1)
        standing: defaultdict[int, Standing] = defaultdict(Standing)
        seen: defaultdict[int, Surroundings] = defaultdict(Surroundings)
        async for change in inbox:
            await outbox.send(await self._shot(change, standing, seen))
            del change  # with it, the picture of a shot that is done with

    async def _shot(
        self,
        change: Change,
        standing: defaultdict[int, Standing],
        seen: defaultdict[int, Surroundings],
    ) -> Shot:
        """What the model will be shown; drawn in a thread if it is large."""
        told = tuple[Words, ...]()
        if self.standing:
            rects = native(change, self.margin, self.pictures)
            renew = standing[change.monitor].renew
            views = _each(await in_thread(renew, change.frame, rects))
        else:
            told = await self._read(change)
            views = await self._planned(change, seen[change.monitor], told)
        blots = await self._blots(change, views)
        if blots is None:
            # What the model is believed to have seen, it has not.
            standing.pop(change.monitor, None)
            seen.pop(change.monitor, None)
            return Shot(change, (), "", withheld=True)
        if sum(rect.area for view in views for rect in view.rects) < INLINE_PIXELS:
            return shoot(change, views, self.quality, told, blots)
        return await in_thread(shoot, change, views, self.quality, told, blots)

    async def _blots(self, change: Change, views: Sequence[View]) -> tuple[Rect, ...] | None:
        """What is to be painted over; None: nobody may see these views."""
        if self.redaction is None or not views:
            return ()
        return await self.redaction.blots(change.frame, views)

    async def _planned(
        self, change: Change, seen: Surroundings, told: Sequence[Words]
    ) -> tuple[View, ...]:
        if len(change.regions) <= INLINE_REGIONS:
            return self._views(change, seen, told)
        return await in_thread(self._views, change, seen, told)

    def _views(self, change: Change, seen: Surroundings, told: Sequence[Words]) -> tuple[View, ...]:
        """The pictures of a change, of which the words may be told already."""
        whole, step = change.frame.whole, self.step()
        if step is Step.LOCAL:
            return _each(native(change, self.margin, self.pictures))
        if step is not Step.FULL:
            return () if told else plan([_largest(change)], whole, self.margin, 1, TILE)
        regions = (whole,) if change.cause is Cause.FIRST else change.regions
        views = () if told else plan(regions, whole, self.margin, self.pictures, self.low_detail)
        return with_overview(views, whole, self.low_detail) if seen.are_missing(change) else views

    async def _read(self, change: Change) -> tuple[Words, ...]:
        """The words to tell instead of a picture; () where there are none, or not in time."""
        wanted = self.reads or self.step() is Step.WORDS
        strips = words.strips(change) if self.reader is not None and wanted else ()
        if self.redaction is not None:
            strips = with_surroundings(change.frame, strips)
            strips = strips if in_one_piece(strips) else ()
        if self.reader is None or not strips:
            return ()
        parts = await in_thread(_cut, change, strips)
        with trio.move_on_after(PATIENCE):
            try:
                lines = await self.reader.read(parts)
            except LocalModelError:
                return ()  # it starts anew when it is asked next
            return self._told(change, strips, lines)
        return ()

    def _told(
        self, change: Change, strips: Sequence[Rect], lines: Sequence[Sequence[Line]]
    ) -> tuple[Words, ...]:
        placed = words.placed(strips, lines)
        if self.redaction is not None:
            placed = [self.redaction.without_secrets(each) for each in placed]
        read = zip(strips, placed, strict=True)
        return words.told(change, read, only_if_sure=self.show != "text")


def _largest(change: Change) -> Rect:
    """What is shown when only one picture fits: all of a first frame, else the largest region."""
    if change.cause is Cause.FIRST:
        return change.frame.whole
    return max(change.regions, key=lambda rect: rect.area)


def _each(rects: Sequence[Rect]) -> tuple[View, ...]:
    return tuple(View((rect,), (rect.width, rect.height)) for rect in rects)


def _cut(change: Change, strips: Sequence[Rect]) -> list[bytes]:
    return [draw.lossless(change.frame, strip) for strip in strips]


def shoot(
    change: Change,
    views: Sequence[View],
    quality: int | None,
    told: tuple[Words, ...] = (),
    blots: Sequence[Rect] = (),
) -> Shot:
    """Draw the views of a change and write their caption; without a quality nothing is drawn.

    At `blots` the pictures are painted over.
    """
    frame = change.frame
    pictures = tuple(
        Picture(view, b"" if quality is None else draw.encode(frame, view, quality, blots))
        for view in views
    )
    size, rects = (frame.width, frame.height), [view.rects for view in views]
    text = caption.write(clock(frame.wall_time), frame.monitor, size, rects, told)
    if blots:
        text += HIDDEN
    return Shot(change, pictures, text, told)
