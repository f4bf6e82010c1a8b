"""What can happen to a photograph before a model sees it, and how a map of the result goes back to its own grid."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from retseg.core.types import Float32Array, UInt8Array

Worsen = Callable[[UInt8Array], UInt8Array]
Back = Callable[[Float32Array, tuple[int, int]], Float32Array]


def as_it_is(values: Float32Array, shape: tuple[int, int]) -> Float32Array:
    return values


@dataclass(frozen=True, slots=True)
class Degradation:
    """What happens to a photograph (H, W, 3), and how a map (h, w) of the result goes back to the grid (H, W).

    `promised`: in the ranges for which a limit was promised; the others are shown for what they are.
    """

    name: str
    worsen: Worsen
    back: Back = as_it_is
    promised: bool = True


def jpeg(quality: int) -> Degradation:
    def worsen(image: UInt8Array) -> UInt8Array:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.array(Image.open(file).convert("RGB"))

    return Degradation(f"JPEG, quality {quality}", worsen)


def resolution(factor: float) -> Degradation:
    def worsen(image: UInt8Array) -> UInt8Array:
        height, width = (round(side * factor) for side in image.shape[:2])
        return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))

    def back(values: Float32Array, shape: tuple[int, int]) -> Float32Array:
        return np.array(Image.fromarray(values).resize(shape[::-1], Image.Resampling.BILINEAR))

    return Degradation(f"resolution x{factor:g}", worsen, back)


def scaled(name: str, factors: Sequence[float]) -> Degradation:
    """The stored values of red, green and blue times `factors`."""

    def worsen(image: UInt8Array) -> UInt8Array:
        return as_bytes(image * np.asarray(factors, np.float32))

    return Degradation(name, worsen)


def exposure(factor: float) -> Degradation:
    """The light itself times `factor`: stored values are sRGB, which are brighter than in proportion to the light."""
    stored = np.arange(256) / 255
    light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4) * factor
    again = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    table = as_bytes(again * 255)
    return Degradation(f"exposure, light x{factor:g}", lambda image: table[image])


def rotation(degrees: float) -> Degradation:
    """Turned about its centre on a canvas that holds all of it, the new corners black."""
    cosine, sine = (round(f(math.radians(degrees)), 15) for f in (math.cos, math.sin))

    def worsen(image: UInt8Array) -> UInt8Array:
        height, width = image.shape[:2]
        # Rounded first: a quarter turn must not grow by a pixel because its cosine is 6e-17.
        tall = math.ceil(round(height * abs(cosine) + width * abs(sine), 6))
        wide = math.ceil(round(width * abs(cosine) + height * abs(sine), 6))
        return np.array(turned(Image.fromarray(image), cosine, sine, (tall, wide), Image.Resampling.BICUBIC))

    def back(values: Float32Array, shape: tuple[int, int]) -> Float32Array:
        return np.array(turned(Image.fromarray(values), cosine, -sine, shape, Image.Resampling.BILINEAR))

    return Degradation(f"turned by {degrees:g} degrees", worsen, back)


def turned(
    picture: Image.Image, cosine: float, sine: float, shape: tuple[int, int], how: Image.Resampling
) -> Image.Image:
    """`picture` turned about its centre, which becomes the centre of a canvas of `shape` (height, width)."""
    x, y, to_x, to_y = picture.width / 2, picture.height / 2, shape[1] / 2, shape[0] / 2
    # From the new canvas to the old one, edges at whole numbers.
    across = (cosine, -sine, x - cosine * to_x + sine * to_y)
    down = (sine, cosine, y - sine * to_x - cosine * to_y)
    return picture.transform(shape[::-1], Image.Transform.AFFINE, (*across, *down), how)


def mirror(name: str, axis: int) -> Degradation:
    return Degradation(
        name, lambda image: np.ascontiguousarray(np.flip(image, axis)), lambda values, shape: np.flip(values, axis)
    )


def blur(sigma: float) -> Degradation:
    def worsen(image: UInt8Array) -> UInt8Array:
        return as_bytes(gaussian_filter(image.astype(np.float32), (sigma, sigma, 0)))

    return Degradation(f"blur, sigma {sigma:g} pixels", worsen, promised=False)


def noise(share: float) -> Degradation:
    def worsen(image: UInt8Array) -> UInt8Array:
        # The same photograph always gets the same noise, whatever came before it.
        random = np.random.default_rng(zlib.crc32(image.tobytes()))
        return as_bytes(image + random.standard_normal(image.shape, np.float32) * np.float32(share * 255))

    return Degradation(f"noise, {share:.0%} of white", worsen, promised=False)


def contrast(factor: float) -> Degradation:
    def worsen(image: UInt8Array) -> UInt8Array:
        return np.array(ImageEnhance.Contrast(Image.fromarray(image)).enhance(factor))

    return Degradation(f"contrast x{factor:g}", worsen, promised=False)


def as_bytes(values: NDArray[Any]) -> UInt8Array:
    stored: UInt8Array = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return stored


UNTOUCHED = Degradation("untouched", lambda image: image)

DEGRADATIONS = (
    *(jpeg(quality) for quality in (100, 80, 60, 40, 20)),
    *(resolution(factor) for factor in (0.5, 0.75, 2)),
    exposure(0.8),
    exposure(1.2),
    scaled("all stored values x0.8", (0.8, 0.8, 0.8)),
    scaled("all stored values x1.2", (1.2, 1.2, 1.2)),
    *(
        scaled(f"{channel} x{factor}", [factor if one == number else 1 for one in range(3)])
        for number, channel in enumerate(("red", "green", "blue"))
        for factor in (0.85, 1.15)
    ),
    scaled("warm: red x1.15, blue x0.85", (1.15, 1, 0.85)),
    scaled("cold: red x0.85, blue x1.15", (0.85, 1, 1.15)),
    *(rotation(degrees) for degrees in (15, 30, 45, 90, 137, 180)),
    mirror("mirrored left to right", 1),
    mirror("mirrored top to bottom", 0),
    blur(1),
    blur(2),
    noise(0.02),
    noise(0.04),
    contrast(0.8),
)
