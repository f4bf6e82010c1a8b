"""The way from the native grid to the working grid and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retseg.core.types import BoolArray, Float32Array, UInt8Array, UInt16Array
from retseg.imaging.fov import fov_box, fov_diameter

# Bicubic keeps the contrast of thin vessels; maps of probabilities go bilinear, which cannot leave 0..1.
_PHOTOGRAPH = Image.Resampling.BICUBIC
_MAP = Image.Resampling.BILINEAR
_LABEL = Image.Resampling.NEAREST


@dataclass(frozen=True, slots=True)
class Geometry:
    """Carries arrays from the native grid to the working grid and back.

    `native` (height, width) of the photograph; `box` (top, left, height, width) the part of it that is used;
    `working` (height, width) of that part after resizing. Grids are aligned at the pixels' outer edges (half-pixel
    centres), shrinking is anti-aliased, and where `working` equals the box no value changes.
    """

    native: tuple[int, int]
    box: tuple[int, int, int, int]
    working: tuple[int, int]

    def __post_init__(self) -> None:
        top, left, height, width = self.box
        inside = top >= 0 and left >= 0 and top + height <= self.native[0] and left + width <= self.native[1]
        if not inside or min(height, width, *self.working) < 1:
            raise ValueError(f"no geometry from {self.native} over the box {self.box} to {self.working}")

    @classmethod
    def identity(cls, shape: tuple[int, int]) -> Geometry:
        """Native and working grid are the same."""
        height, width = shape
        return cls((height, width), (0, 0, height, width), (height, width))

    @classmethod
    def fit(cls, fov: BoolArray, *, crop: bool, diameter: float | None) -> Geometry:
        """The geometry for a field of view (H, W): cut to its box if `crop`, scaled to `diameter` pixels if given."""
        native = (fov.shape[0], fov.shape[1])
        box = fov_box(fov) if crop else (0, 0, *native)
        scale = 1.0 if diameter is None else diameter / fov_diameter(fov)
        return cls(native, box, (max(1, round(box[2] * scale)), max(1, round(box[3] * scale))))

    def scaled(self, factor: float) -> Geometry:
        """The same part of the photograph on a working grid that is larger by this factor."""
        height, width = (max(1, round(side * factor)) for side in self.working)
        return Geometry(self.native, self.box, (height, width))

    def image_to_working(self, image: UInt8Array) -> UInt8Array:
        """(H, W, 3) uint8 on the native grid to (h, w, 3) on the working grid."""
        return self._resized(self._cut(image), self.working, _PHOTOGRAPH)

    def labels_to_working(self, labels: UInt8Array) -> UInt8Array:
        """(H, W) uint8 class indices to the working grid, by nearest neighbour."""
        return self._resized(self._cut(labels), self.working, _LABEL)

    def ids_to_working(self, ids: UInt16Array) -> UInt16Array:
        """(H, W) uint16 ids to the working grid, by nearest neighbour, so that they agree with labels_to_working."""
        return self._resized(self._cut(ids).astype(np.int32), self.working, _LABEL).astype(np.uint16)

    def mask_to_working(self, mask: BoolArray) -> BoolArray:
        """(H, W) bool to the working grid, by nearest neighbour, so that it agrees with labels_to_working."""
        return self._resized(self._cut(mask).view(np.uint8), self.working, _LABEL).view(np.bool_)

    def map_to_native(self, values: Float32Array, fill: float | Sequence[float] = 0.0) -> Float32Array:
        """(C, h, w) or (h, w) float32 on the working grid to the native grid.

        `fill` is the value outside the box, or one for each of the C maps.
        """
        if values.shape[-2:] != self.working:
            raise ValueError(f"a map of {values.shape[-2:]} does not lie on the working grid {self.working}")
        top, left, height, width = self.box
        planes = values.reshape(-1, *self.working)
        native = np.empty((len(planes), *self.native), np.float32)
        for plane, target, outside in zip(planes, native, np.broadcast_to(fill, len(planes)), strict=True):
            if (height, width) != self.native:
                target.fill(outside)
            target[top : top + height, left : left + width] = self._resized(plane, (height, width), _MAP)
        return native.reshape(*values.shape[:-2], *self.native)

    def _cut(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.shape[:2] != self.native:
            raise ValueError(f"an array of {values.shape[:2]} does not lie on the native grid {self.native}")
        top, left, height, width = self.box
        return np.ascontiguousarray(values[top : top + height, left : left + width])

    @staticmethod
    def _resized(values: NDArray[Any], shape: tuple[int, int], how: Image.Resampling) -> NDArray[Any]:
        if values.shape[:2] == shape:
            return values.copy()
        return np.array(Image.fromarray(np.ascontiguousarray(values)).resize(shape[::-1], how))
