"""Views of a frame as JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from hud import collage
from hud.items import Frame, Pixels, Rect, View

SHRUNK = 95
"""Quality of pictures that are scaled down: letters of six rows bear no further loss."""
_BETWEEN = 128
"""Brightness of what lies between the parts of a picture: neither paper nor ink."""


def encode(frame: Frame, view: View, quality: int) -> bytes:
    """One view as JPEG; OpenCV takes BGRA where it stands: no conversion and no copy."""
    picture = _stacked(frame, view) if len(view.rects) > 1 else frame.pixels[view.rects[0].slices]
    shrinks = view.size[0] < picture.shape[1]
    if picture.shape[1::-1] != view.size:
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(picture, view.size, interpolation=how), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, max(quality, SHRUNK) if shrinks else quality]
    done, data = cv2.imencode(".jpg", picture, options)
    assert done, "OpenCV encodes any non-empty 8-bit picture as JPEG"
    return data.tobytes()


def _stacked(frame: Frame, view: View) -> Pixels:
    width, height = collage.size(view.rects)
    picture = np.full((height, width, 4), _BETWEEN, np.uint8)
    for rect, place in zip(view.rects, collage.places(view.rects), strict=True):
        picture[place.slices] = frame.pixels[rect.slices]
    return picture


def lossless(frame: Frame, rect: Rect) -> bytes:
    """One part of a frame as PNG."""
    part = np.ascontiguousarray(frame.pixels[rect.slices][..., :3])
    done, data = cv2.imencode(".png", part, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done, "OpenCV encodes any non-empty 8-bit picture as PNG"
    return data.tobytes()
