"""Views of a frame as JPEG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from hud import collage
from hud.items import Frame, Pixels, View
from hud.rect import Rect

SHRUNK = 95
"""Quality of pictures that are scaled down: letters of six rows bear no further loss."""
_BETWEEN = 128
"""Brightness of what lies between the parts of a picture: neither paper nor ink."""


BLOT = 96
"""Brightness of what is painted over: to be seen on dark and on light ground."""


def encode(frame: Frame, view: View, quality: int, blots: Sequence[Rect] = ()) -> bytes:
    """One view as JPEG, painted over at `blots` before anything is scaled.

    OpenCV takes BGRA where it stands: without blots no conversion and no copy.
    """
    parts = [_part(frame, rect, blots) for rect in view.rects]
    picture = _stacked(view.rects, parts) if len(parts) > 1 else parts[0]
    shrinks = view.size[0] < picture.shape[1]
    if shrinks:
        picture = shrunk(picture, view.size)
    elif picture.shape[1::-1] != view.size:
        larger = cv2.resize(picture, view.size, interpolation=cv2.INTER_CUBIC)
        picture = np.asarray(larger, np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, max(quality, SHRUNK) if shrinks else quality]
    done, data = cv2.imencode(".jpg", picture, options)
    assert done, "OpenCV encodes any non-empty 8-bit picture as JPEG"
    return data.tobytes()


def _part(frame: Frame, rect: Rect, blots: Iterable[Rect]) -> Pixels:
    part = frame.pixels[rect.slices]
    hidden = [blot for blot in blots if blot.intersects(rect)]
    if hidden:
        part = part.copy()
    for blot in hidden:
        left, top = max(0, blot.x - rect.x), max(0, blot.y - rect.y)
        part[top : blot.bottom - rect.y, left : blot.right - rect.x] = (BLOT, BLOT, BLOT, 255)
    return part


def shrunk(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at (width, height): halved while it can be, the rest between pixels.

    As legible as the mean over fractions of pixels, which takes ten times as long.
    """
    while picture.shape[1] >= 2 * size[0] and picture.shape[0] >= 2 * size[1]:
        half = picture.shape[1] // 2, picture.shape[0] // 2
        even = picture[: 2 * half[1], : 2 * half[0]]
        picture = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _stacked(rects: Sequence[Rect], parts: Iterable[Pixels]) -> Pixels:
    width, height = collage.size(rects)
    picture = np.full((height, width, 4), _BETWEEN, np.uint8)
    for part, place in zip(parts, collage.places(rects), strict=True):
        picture[place.slices] = part
    return picture


def lossless(frame: Frame, rect: Rect) -> bytes:
    """One part of a frame as PNG."""
    part = np.ascontiguousarray(frame.pixels[rect.slices][..., :3])
    done, data = cv2.imencode(".png", part, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done, "OpenCV encodes any non-empty 8-bit picture as PNG"
    return data.tobytes()
