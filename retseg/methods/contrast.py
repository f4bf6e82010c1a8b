"""What the filters look at: how much darker each pixel is than its surroundings, carried smoothly beyond the rim."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array, UInt8Array
from retseg.imaging.fov import fov_box

Float64Array = NDArray[np.float64]

_SURROUNDINGS = 0.04
"""Deviation of the Gaussian that weighs the surroundings, as a share of the field of view's longer side: wider than
the widest vessel, narrower than the disc and the shade towards the rim."""

_RIM = 0.006
"""Width of the blurred edge of the field of view that is not believed, as a share of its longer side."""

_COARSE = 150
"""Pixels of the field's longer side in the small copy in which the surroundings are computed."""

_DEGREE = 4
"""Of the polynomial that describes the shade over the whole field."""

_DARKEST = 0.02
"""Brightness (of 1) below which a pixel is too dark for its contrast to mean anything."""


def dark_contrast(image: UInt8Array, fov: BoolArray) -> Float32Array:
    """(H, W) float32: (surroundings - green) / surroundings in -1..1, so that vessels are positive.

    The surroundings are a plane fitted to the green channel (vessels show best in it) around each pixel, to pixels
    inside the field of view only: neither the shade towards the rim nor the dark beyond it makes a false ridge.
    Beyond the rim the values of the inside are mirrored.

    Args:
        image: (H, W, 3) photograph.
        fov: (H, W) field of view.
    """
    if not fov.any():
        return np.zeros(fov.shape, np.float32)
    side = max(fov_box(fov)[2:])
    inner = _without_rim(fov, max(1, round(_RIM * side)))
    green = image[..., 1].astype(np.float32) / np.float32(255)
    around = _surroundings(green, inner, side)
    contrast = np.where(inner, (around - green) / np.maximum(around, np.float32(_DARKEST)), np.float32(0))
    return _mirrored(np.clip(contrast, -1, 1).astype(np.float32), inner)


def _without_rim(fov: BoolArray, margin: int) -> BoolArray:
    # A field that fills the frame has no rim there, so the frame's border counts as inside.
    inner: BoolArray = ndimage.distance_transform_edt(np.pad(fov, 1, mode="edge"))[1:-1, 1:-1] > margin
    return inner if inner.any() else fov


def _surroundings(green: Float32Array, inner: BoolArray, side: int) -> Float32Array:
    """The brightness around each pixel (H, W): a smooth shade over the whole field, and a plane fitted to the rest."""
    factor = max(1, side // _COARSE)
    height, width = green.shape
    weight, light = (_binned(values, factor) for values in (inner, green * inner))
    # At the rim the neighbourhood lies on one side only, and a plane through a curved shade would miss it there.
    shade = _shade(weight, light)
    plane = _local_plane(weight, light - shade * weight, _SURROUNDINGS * side / factor)
    return _grown(np.clip(shade + plane, 0, 1), factor)[:height, :width].astype(np.float32)


def _shade(weight: Float64Array, light: Float64Array) -> Float64Array:
    """The polynomial of low degree in x and y that fits light / weight best where there is weight, (h, w)."""
    y, x = (axis - 0.5 for axis in np.meshgrid(*(np.linspace(0, 1, n) for n in weight.shape), indexing="ij"))
    terms = np.stack([x**i * y**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)], axis=-1)
    root = np.sqrt(weight[weight > 0])
    solved = np.linalg.lstsq(terms[weight > 0] * root[:, None], light[weight > 0] / root, rcond=None)[0]
    shade: Float64Array = terms @ solved
    return shade


def _local_plane(weight: Float64Array, light: Float64Array, sigma: float) -> Float64Array:
    """The value at each place of the plane that fits its neighbourhood best, (h, w); 0 where nothing is near."""
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]].astype(np.float64)

    def total(values: Float64Array) -> Float64Array:
        summed: Float64Array = ndimage.gaussian_filter(values, sigma, mode="constant", truncate=3.0)
        return summed

    # Moments about each pixel itself, from moments about the origin.
    n, nx, ny = total(weight), total(weight * x), total(weight * y)
    v, vx, vy = total(light), total(light * x), total(light * y)
    xx = total(weight * x * x) - 2 * x * nx + x * x * n
    yy = total(weight * y * y) - 2 * y * ny + y * y * n
    xy = total(weight * x * y) - x * ny - y * nx + x * y * n
    mx, my, wx, wy = nx - x * n, ny - y * n, vx - x * v, vy - y * v
    # A little stiffness, so that a neighbourhood seen from one side only cannot tilt the plane without bounds.
    stiff = 0.1 * sigma**2 * n
    xx, yy = xx + stiff, yy + stiff
    flat = xx * yy - xy**2
    determinant = n * flat - mx * (mx * yy - xy * my) + my * (mx * xy - xx * my)
    height_at_place = v * flat - mx * (wx * yy - xy * wy) + my * (wx * xy - xx * wy)
    known = determinant > 1e-9 * max(float(determinant.max()), 1e-300)
    plane: Float64Array = np.where(known, height_at_place / np.where(known, determinant, 1), 0)
    return plane


def _binned(values: NDArray[Any], factor: int) -> Float64Array:
    """Sums over squares of factor x factor pixels; what is missing at the end counts as 0."""
    height, width = (math.ceil(extent / factor) for extent in values.shape)
    padded = np.zeros((height * factor, width * factor))
    padded[: values.shape[0], : values.shape[1]] = values
    summed: Float64Array = padded.reshape(height, factor, width, factor).sum(axis=(1, 3))
    return summed


def _grown(values: Float64Array, factor: int) -> Float64Array:
    """Bilinear between the centres of the squares."""
    if factor == 1:
        return values
    grids = [(np.arange(extent * factor) + 0.5) / factor - 0.5 for extent in values.shape]
    grown: Float64Array = values
    for axis, at in enumerate(grids):
        low = np.clip(np.floor(at).astype(int), 0, max(values.shape[axis] - 2, 0))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        share = np.clip(at - low, 0, 1).reshape([-1 if i == axis else 1 for i in range(2)])
        grown = grown.take(low, axis) * (1 - share) + grown.take(high, axis) * share
    return grown


def _mirrored(values: Float32Array, inner: BoolArray) -> Float32Array:
    """`values` where `inner`; elsewhere the value as far inside the nearest edge as the pixel is outside."""
    if inner.all():
        return values
    nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    own = np.indices(values.shape)
    mirror = np.clip(2 * nearest - own, 0, np.array(values.shape)[:, None, None] - 1)
    there = inner[mirror[0], mirror[1]]
    rows, columns = np.where(there, mirror, nearest)
    mirrored: Float32Array = values[rows, columns]
    return mirrored
