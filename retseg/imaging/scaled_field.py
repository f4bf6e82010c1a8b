"""A photograph's field of view on a small copy of fixed size, where landmarks and quality are looked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from retseg.core.errors import ImageError
from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.fov import fov_box, fov_diameter

_ROUGH_SIDE = 800
"""Pixels of the longer side that suffice to tell how large the field is."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaledField:
    """The box of a field of view, scaled so that the field's whole circle is `diameter` pixels across.

    Places are (row, column) of pixel centres: the first pixel's centre is at 0.

    Args:
        pixels: The photograph, (h, w, 3) float32 in grey levels 0..255.
        inside: Which pixels belong to the field of view, (h, w).
        diameter: Diameter of the field in pixels of this copy.
        corner: Row and column of the box's first pixel in the photograph.
        scale: Pixels of this copy for one of the photograph, down and across.
    """

    pixels: Float32Array
    inside: BoolArray
    diameter: float
    corner: tuple[int, int]
    scale: tuple[float, float]

    def to_native(self, row: float, column: float) -> tuple[float, float]:
        """Where a place of this copy lies in the photograph."""
        return (
            (row + 0.5) / self.scale[0] - 0.5 + self.corner[0],
            (column + 0.5) / self.scale[1] - 0.5 + self.corner[1],
        )

    def from_native(self, row: float, column: float) -> tuple[float, float]:
        """Where a place of the photograph lies in this copy."""
        return (
            (row - self.corner[0] + 0.5) * self.scale[0] - 0.5,
            (column - self.corner[1] + 0.5) * self.scale[1] - 0.5,
        )

    @property
    def length_scale(self) -> float:
        """Pixels of this copy for one of the photograph, in any direction."""
        return float(np.sqrt(self.scale[0] * self.scale[1]))

    def shrunk_mask(self, mask: BoolArray) -> BoolArray:
        """A mask (H, W) of the photograph on this copy (h, w): where a quarter of a pixel at least is set."""
        share = _shrunk(mask.astype(np.uint8) * np.uint8(255), self.corner, self._box, self.inside.shape)
        part: BoolArray = share >= 64
        return part

    @property
    def _box(self) -> tuple[int, int]:
        height, width = self.inside.shape
        return round(height / self.scale[0]), round(width / self.scale[1])


def scaled_field(image: UInt8Array, fov: BoolArray, diameter: int) -> ScaledField:
    """The field of view `fov` (H, W) of an (H, W, 3) uint8 photograph, its circle `diameter` pixels across."""
    check_photograph(image, fov)
    top, left, height, width = fov_box(fov)
    factor = diameter / field_diameter(fov)
    small = (max(8, round(height * factor)), max(8, round(width * factor)))
    corner, box = (top, left), (height, width)
    share = _shrunk(fov.astype(np.uint8) * np.uint8(255), corner, box, small)
    return ScaledField(
        pixels=_shrunk(image, corner, box, small).astype(np.float32),
        inside=share > 127,
        diameter=float(diameter),
        corner=corner,
        scale=(small[0] / height, small[1] / width),
    )


def check_photograph(image: UInt8Array, fov: BoolArray) -> None:
    """An ImageError unless `image` is (H, W, 3) uint8 and `fov` (H, W) of the same size."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"an image of shape {image.shape} and type {image.dtype} is no photograph", fix="Give (H, W, 3) uint8"
        )
    if fov.shape != image.shape[:2] or fov.dtype != np.bool_:
        raise ImageError(
            f"a field of view of shape {fov.shape} and type {fov.dtype} does not fit an image of {image.shape[:2]}",
            fix="Give an (H, W) mask of booleans of the image's own size",
        )


def check_vessels(vessels: BoolArray | None, fov: BoolArray) -> None:
    """An ImageError unless a vessel mask, if there is one, is (H, W) bool like the field of view."""
    if vessels is not None and (vessels.shape != fov.shape or vessels.dtype != np.bool_):
        raise ImageError(
            f"a vessel mask of shape {vessels.shape} and type {vessels.dtype} does not fit an image of {fov.shape}",
            fix="Give an (H, W) mask of booleans of the image's own size",
        )


def field_diameter(fov: BoolArray) -> float:
    """`fov_diameter` of a field of view (H, W) to a few pixels in a thousand, in a fraction of its time."""
    step = max(1, max(fov.shape) // _ROUGH_SIDE)
    few = fov[::step, ::step]
    return fov_diameter(few) * step if few.any() else fov_diameter(fov)


def filled(values: Float32Array, inside: BoolArray) -> Float32Array:
    """Values (h, w) whose pixels outside the field are those of the nearest pixel inside: no edge at the rim."""
    if inside.all():
        return values
    rows, columns = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    nearest: Float32Array = values[rows, columns]
    return nearest


def _shrunk(values: UInt8Array, corner: tuple[int, int], box: tuple[int, int], small: tuple[int, ...]) -> UInt8Array:
    """The box of a picture (H, W) or (H, W, 3), as a picture of the size `small`."""
    rows, columns = (slice(start, start + length) for start, length in zip(corner, box, strict=True))
    picture = Image.fromarray(np.ascontiguousarray(values[rows, columns]))
    factor = max(1, int(0.5 * box[0] / small[0]))
    picture = picture.reduce(factor) if factor > 1 else picture
    # Never finer than the photograph itself is: a box that is enlarged would be blocks.
    how = Image.Resampling.BOX if small[0] < box[0] else Image.Resampling.BILINEAR
    return np.asarray(picture.resize((small[1], small[0]), how))
