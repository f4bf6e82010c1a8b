"""Drawn figures that touch and overlap, and what a good but imperfect net would say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.draw import disk, ellipse, polygon

from retseg.core.types import BoolArray, Float32Array, UInt16Array
from retseg.imaging.instances import depth


@dataclass(frozen=True)
class Canvas:
    """A scene that is being drawn: whatever comes later lies in front."""

    ids: UInt16Array

    @classmethod
    def empty(cls, height: int, width: int) -> Canvas:
        return cls(np.zeros((height, width), np.uint16))

    def put(self, *parts: tuple[np.ndarray, np.ndarray]) -> None:
        """One more instance, made of these pixels (rows, columns)."""
        number = int(self.ids.max()) + 1
        for rows, columns in parts:
            self.ids[rows, columns] = number

    def disc(self, y: float, x: float, radius: float) -> None:
        self.put(disk((y, x), radius, shape=self.ids.shape))

    def oval(self, y: float, x: float, tall: float, wide: float, turned: float = 0.0) -> None:
        self.put(ellipse(y, x, tall, wide, shape=self.ids.shape, rotation=turned))

    def person(self, feet: float, x: float, height: float, *, broad: float = 0.26, stride: float = 0.1) -> None:
        """Somebody who stands or walks: a head on a thin neck, a body, two legs.

        `feet` is the row of the feet, `x` the column of the middle; `broad` and `stride` are the width of the shoulders
        and how far each foot is from the middle, both as shares of the height.
        """
        shape, top = self.ids.shape, feet - height

        def at(*points: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
            rows, columns = zip(*((top + y * height, x + u * height) for y, u in points), strict=True)
            return polygon(rows, columns, shape)

        half, leg = broad / 2, 0.04 + 0.05 * broad
        parts = [
            ellipse(top + 0.075 * height, x, 0.08 * height, 0.058 * height, shape=shape),
            at((0.1, -0.028), (0.1, 0.028), (0.2, 0.028), (0.2, -0.028)),
            at(
                *[(0.17, -0.6 * half), (0.17, 0.6 * half), (0.22, half)],
                *[(0.55, 0.7 * half), (0.55, -0.7 * half), (0.22, -half)],
            ),
        ]
        for side in (-1, 1):
            hip = side * (0.7 * half - leg)
            foot = side * max(stride, leg * 0.5)
            parts.append(at((0.5, hip - leg), (0.5, hip + leg), (1.0, foot + 0.7 * leg), (1.0, foot - 0.7 * leg)))
        self.put(*parts)


def people(random: np.random.Generator, height: int = 220, width: int = 320) -> UInt16Array:
    """Two to five people, each of them touching or partly behind the next."""
    canvas = Canvas.empty(height, width)
    tall = random.uniform(0.3, 0.85) * height
    x = random.uniform(0.15, 0.3) * width
    feet = random.uniform(0.9, 0.98) * height
    for _ in range(random.integers(2, 6)):
        size = tall * random.uniform(0.85, 1.15)
        broad = random.uniform(0.16, 0.3)
        canvas.person(feet + random.uniform(-0.04, 0.04) * tall, x, size, broad=broad, stride=random.uniform(0, 0.18))
        x += random.uniform(0.75, 1.15) * broad * size
        if x > width - 0.1 * size:
            break
    return canvas.ids


def ovals(random: np.random.Generator, height: int = 200, width: int = 240) -> UInt16Array:
    """A chain of discs and ellipses, each of them touching or partly behind the next."""
    canvas = Canvas.empty(height, width)
    y, x, size = height / 2, 0.2 * width, random.uniform(10, 26)
    for _ in range(random.integers(3, 7)):
        tall, wide = size * random.uniform(0.8, 1.3, 2)
        canvas.oval(y, x, tall, wide, random.uniform(0, np.pi))
        direction = random.uniform(-0.9, 0.9)
        y, x = y + 1.6 * size * np.sin(direction), x + 1.6 * size * np.cos(direction)
    return canvas.ids


def rough(ids: UInt16Array, random: np.random.Generator, blur: float, noise: float) -> tuple[BoolArray, Float32Array]:
    """A mask (H, W) and a depth (1, H, W) in 0..1 as a net might predict them: blurred, noisy, torn at the outline.

    `blur` is the Gaussian's deviation in pixels; `noise` that of the depth's error, whose specks are some pixels wide.
    """
    specks = [ndimage.gaussian_filter(random.normal(size=ids.shape), wide) * wide * 2 * np.pi**0.5 for wide in (1, 3)]
    blurred = ndimage.gaussian_filter(depth(ids), blur) if blur else depth(ids)
    seen = ndimage.gaussian_filter((ids > 0).astype(np.float32), max(blur / 2, 0.5))
    mask = seen + noise * specks[1] > 0.5
    guess = blurred + noise * (specks[0] + specks[1]) / 2**0.5 * (0.3 + 0.7 * seen)
    return mask, guess.clip(0, 1).astype(np.float32)[None]
