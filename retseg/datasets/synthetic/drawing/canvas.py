"""The canvas: a picture and the label of every pixel, painted together from the back to the front."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from retseg.core.types import BoolArray, Float32Array, UInt8Array, UInt16Array
from retseg.datasets.synthetic.drawing.outlines import Outline

_FINER = 4
"""Outlines are drawn on a grid so many times finer, and averaged, so that edges are smooth."""

_BETWEEN = 0.72
"""About the standard deviation of a bicubic surface through independent standard normal values."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a canvas that a material fills: coordinates of its pixels, in units of the shorter side.

    `x` (1, w) and `y` (h, 1); `low` and `high` are the outline's highest and lowest points, which shading follows.
    """

    x: Float32Array
    y: Float32Array
    low: float
    high: float
    grain: Generator

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.y.shape[0], self.x.shape[1]

    @property
    def down(self) -> Float32Array:
        """How far down each row lies in the outline: 0 at its top, 1 at its foot; (h, 1)."""
        return (self.y - np.float32(self.low)) / np.float32(max(self.high - self.low, 1e-6))

    def noise(self, wave: float, tall: float | None = None) -> Float32Array:
        """A smooth random surface (h, w), mean 0 and deviation about 1; `wave` wide and `tall` high summits."""
        steps = (wave / 2, (tall if tall is not None else wave) / 2)
        h, w = self.shape
        wide, high = float(np.ptp(self.x)) + 1e-6, float(np.ptp(self.y)) + 1e-6
        columns, rows = wide / steps[0], high / steps[1]
        lattice = self.grain.standard_normal((math.ceil(rows) + 4, math.ceil(columns) + 4)).astype(np.float32)
        start = self.grain.uniform(1, 2, 2)
        part = (start[0], start[1], start[0] + max(columns, 1e-3), start[1] + max(rows, 1e-3))
        surface = Image.fromarray(lattice).resize((w, h), Image.Resampling.BICUBIC, box=part)
        return np.asarray(surface, np.float32) / np.float32(_BETWEEN)


Material = Callable[[Window], Float32Array]
"""Colours (h, w, 3), 0 to 1, of the pixels of a window."""


class Canvas:
    """A picture of `width` x `height` pixels whose labels are all `empty` at first.

    Args:
        width: Pixels.
        height: Pixels.
        grain: Where textures come from; apart from the generator of shapes, so that these are alike at every size.
        empty: The label where nothing has been painted.
    """

    def __init__(self, width: int, height: int, grain: Generator, empty: int = 0) -> None:
        self.grain = grain
        self.unit = min(width, height)
        self.width, self.height = width / self.unit, height / self.unit
        self.image: Float32Array = np.full((height, width, 3), 0.5, np.float32)
        self.labels: UInt16Array = np.full((height, width), empty, np.uint16)

    def paint(self, outline: Outline, material: Material, label: int | None = None, *, opacity: float = 1.0) -> None:
        """Fills the outline with a material, and with a label unless that is None."""
        found = self._coverage(outline)
        if found is None:
            return
        rows, columns, cover = found
        colours = material(self._window(rows, columns, outline))
        weight = (cover * np.float32(opacity))[..., None]
        region = self.image[rows, columns]
        region += (colours - region) * weight
        if label is not None:
            self.labels[rows, columns][cover >= 0.5] = label

    def mark(self, outline: Outline, label: int) -> None:
        """Labels the outline without painting it, as people label what has holes: by its outer rim."""
        found = self._coverage(outline)
        if found is not None:
            rows, columns, cover = found
            self.labels[rows, columns][cover >= 0.5] = label

    def shade(self, outline: Outline, light: float, blur: float = 0.0) -> None:
        """Multiplies the light on the outline; labels stay. `blur` softens a shadow's rim."""
        if blur <= 0:
            self.paint(outline, lambda window: np.zeros((*window.shape, 3), np.float32), opacity=1 - light)
            return
        centre = outline.mean(axis=0)
        steps = 4
        for step in range(steps):
            grown = centre + (outline - centre) * (1 + blur * (step / (steps - 1) - 0.5))
            self.shade(grown, light ** (1 / steps))

    def _window(self, rows: slice, columns: slice, outline: Outline) -> Window:
        x = ((np.arange(columns.start, columns.stop) + 0.5) / self.unit).astype(np.float32)[None, :]
        y = ((np.arange(rows.start, rows.stop) + 0.5) / self.unit).astype(np.float32)[:, None]
        return Window(x, y, float(outline[:, 1].min()), float(outline[:, 1].max()), self.grain)

    def _coverage(self, outline: Outline) -> tuple[slice, slice, Float32Array] | None:
        """The pixels that the outline touches, and how far it covers each of them, 0 to 1; None outside the picture."""
        height, width = self.labels.shape
        pixels = outline * self.unit
        left, top = (max(0, math.floor(value)) for value in pixels.min(axis=0))
        right, bottom = (math.ceil(value) for value in pixels.max(axis=0))
        right, bottom = min(right, width), min(bottom, height)
        if left >= right or top >= bottom:
            return None
        fine = Image.new("L", ((right - left) * _FINER, (bottom - top) * _FINER))
        places = (pixels - np.array([left, top])) * _FINER - 0.5
        ImageDraw.Draw(fine).polygon([tuple(place) for place in places.tolist()], fill=255)
        cover: Float32Array = np.asarray(fine.reduce(_FINER), np.float32) / np.float32(255)
        return slice(top, bottom), slice(left, right), cover

    def developed(self, rng: Generator, noise: float = 0.014) -> UInt8Array:
        """The picture as a camera would take it: its light, tint and contrast, a soft lens, and noise; (H, W, 3)."""
        picture = self.image
        h, w = self.labels.shape
        x = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
        y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
        side = rng.uniform(-0.08, 0.08, 2)
        light = np.float32(rng.uniform(0.84, 1.12)) * (1 + np.float32(side[0]) * x + np.float32(side[1]) * y)
        warmth = rng.normal(0, 0.025)
        tint = np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
        contrast = np.float32(rng.uniform(0.88, 1.08))
        picture = _softened(((picture - np.float32(0.5)) * contrast + np.float32(0.5)) * light[..., None] * tint)
        grey, coloured = (self.grain.standard_normal((h, w, depth), np.float32) for depth in (1, 3))
        picture += (grey + np.float32(0.5) * coloured) * np.float32(noise * rng.uniform(0.5, 1.3))
        return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)

    def seams(self, width: float) -> BoolArray:
        """The pixels (H, W) near a border of two labels, where people leave pixels unlabelled.

        `width` is about how far a seam reaches to each side, in units of the shorter side.
        """
        edge: BoolArray = np.zeros(self.labels.shape, bool)
        sideways = self.labels[:, 1:] != self.labels[:, :-1]
        upright = self.labels[1:] != self.labels[:-1]
        edge[:, 1:] |= sideways
        edge[:, :-1] |= sideways
        edge[1:] |= upright
        edge[:-1] |= upright
        if not edge.any():
            return edge
        away = distance_transform_edt(~edge).astype(np.float32)
        everywhere = np.array([[0.0, 0.0], [self.width, self.height]])
        window = self._window(slice(0, edge.shape[0]), slice(0, edge.shape[1]), everywhere)
        reach = np.float32(width * self.unit) * (1 + 0.45 * window.noise(0.3))
        near: BoolArray = away < np.maximum(reach, 0.5)
        return near


def _softened(picture: Float32Array) -> Float32Array:
    """A light blur over 3 x 3 pixels, as of a lens."""
    for axis in (0, 1):
        before = np.take(picture, np.r_[0, : picture.shape[axis] - 1], axis=axis)
        after = np.take(picture, np.r_[1 : picture.shape[axis], picture.shape[axis] - 1], axis=axis)
        picture = picture * np.float32(0.7) + (before + after) * np.float32(0.15)
    return picture
