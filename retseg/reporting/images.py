"""Panels: arrays shrunk to the size of a page and encoded as data URIs.

Shrinking is by area, so nothing is skipped. Where a class is made of thin structures, a plain mean would let them fade
away, so its maps are shrunk by a power mean; the ground truth is always shrunk the same way as the probabilities that
stand beside it, so that the two can be compared by eye.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.reporting.view_models import Colour

THIN_POWER = 3.0
"""Exponent of the power mean for thin structures: 1 is the mean (they fade), infinity the maximum (they swell)."""

_GREY_LEVELS = 64
"""Levels of grey in a map. The eye separates fewer, and a file of 64 levels is half as large as one of 256."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image with its size in pixels."""

    source: str
    width: int
    height: int


def fitted_size(image: NDArray[Any], limit: int) -> tuple[int, int]:
    """(height, width) of an image shrunk to at most `limit` pixels in width; never enlarged, never empty."""
    height, width = image.shape[:2]
    if width <= limit:
        return height, width
    return max(1, round(height * limit / width)), limit


def shrink_photograph(image: UInt8Array, limit: int) -> UInt8Array:
    """(H, W, 3) uint8 photograph shrunk by area to at most `limit` pixels in width."""
    height, width = fitted_size(image, limit)
    if (height, width) == image.shape[:2]:
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def shrink_map(values: NDArray[Any], limit: int, *, thin: bool = False) -> Float32Array:
    """(H, W) map with values 0..1, or a mask, shrunk by area to at most `limit` pixels in width.

    With `thin` the power mean takes the place of the mean.
    """
    plane = values.astype(np.float32)
    height, width = fitted_size(plane, limit)
    if (height, width) == plane.shape:
        return plane
    if thin:
        plane = plane**THIN_POWER
    small = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX), np.float32)
    return np.clip(small, 0, 1) ** (1 / THIN_POWER) if thin else small


def shrink_classes(class_map: UInt8Array, limit: int) -> UInt8Array:
    """(H, W) class indices shrunk to at most `limit` pixels in width, by the nearest pixel: indices do not mix."""
    height, width = fitted_size(class_map, limit)
    if (height, width) == class_map.shape:
        return class_map
    return np.asarray(Image.fromarray(class_map).resize((width, height), Image.Resampling.NEAREST))


def grey(values: Float32Array) -> UInt8Array:
    """Values 0..1 as grey levels from black to white."""
    steps = np.rint(np.clip(np.nan_to_num(values), 0, 1) * (_GREY_LEVELS - 1))
    return np.rint(steps * (255 / (_GREY_LEVELS - 1))).astype(np.uint8)


def painted(
    image: UInt8Array, layers: list[tuple[BoolArray, Colour]], limit: int, *, outside: BoolArray | None = None
) -> UInt8Array:
    """Coloured masks over a pale grey version of a photograph, shrunk to at most `limit` pixels in width.

    Args:
        image: Photograph (H, W, 3) uint8.
        layers: Masks (H, W) that do not overlap, each with its colour.
        limit: Largest width of the result in pixels.
        outside: Where nothing is scored; drawn darker.
    """
    backdrop = _backdrop(shrink_photograph(image, limit))
    if outside is not None:
        backdrop *= 1 - 0.65 * shrink_map(outside, limit)[..., None]
    shares = [shrink_map(mask, limit) for mask, _ in layers]
    total = np.maximum(sum(shares, np.zeros(backdrop.shape[:2], np.float32)), 1e-6)
    colour = sum(
        (share[..., None] * np.asarray(c, np.float32) for share, (_, c) in zip(shares, layers, strict=True)),
        np.zeros_like(backdrop),
    )
    # As in the maps of thin classes, a thin line keeps its visibility when it is shrunk below a pixel.
    opacity = np.clip(total, 0, 1)[..., None] ** (1 / THIN_POWER) * (total[..., None] > 2e-6)
    mixed = backdrop * (1 - opacity) + colour / total[..., None] * opacity
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def _backdrop(image: UInt8Array) -> Float32Array:
    """A photograph as dim grey, so that the colours laid on it are the brightest thing in the picture."""
    # The green channel, where vessels and lesions show best.
    return np.repeat((16 + 0.5 * image[..., 1:2].astype(np.float32)), 3, axis=2)


def jpeg(image: UInt8Array, quality: int, *, sharp_colours: bool = False) -> Picture:
    """A photograph as JPEG; `sharp_colours` keeps the full resolution of colour for drawings on a photograph."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(
        buffer, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=0 if sharp_colours else 2
    )
    return _picture("image/jpeg", buffer.getvalue(), image)


def png(image: UInt8Array) -> Picture:
    """A grey (H, W) or colour (H, W, 3) map as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return _picture("image/png", buffer.getvalue(), image)


def _picture(kind: str, data: bytes, image: UInt8Array) -> Picture:
    text = base64.b64encode(data).decode("ascii")
    return Picture(f"data:{kind};base64,{text}", image.shape[1], image.shape[0])
