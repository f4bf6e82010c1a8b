"""Where brightness falls off sharply along rays from the middle of the retina outwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array
from retseg.imaging.rim import Points

RAYS = 360

SHARP = 0.4
"""An edge is sharp where, a few pixels farther out, less than this share of the brightness is left."""

EVEN = 0.65
"""Retina is evenly lit up to an edge where at least this share of the brightness deeper inside is left before it."""

LEAST_DROP = 0.15
"""An edge counts where brightness falls by at least this share of the largest fall on its ray."""

EDGE_LEVEL = 0.4
"""Share of the retina's brightness at which the edge lies. The middle would be the true edge of a blurred step; owners'
masks are drawn a little more generously."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Sharp edges: `points` (N, 2) as y and x; `firm` (N,) says that the retina before the edge is evenly lit.

    Badly lit retina that fades into the dark can look like an edge, but not like a firm one.
    """

    points: Points
    firm: BoolArray


def sharp_edges(above: Float32Array, centre: tuple[float, float], reach: int, noise: float) -> Edges:
    """The outermost sharp edge on each ray that has one.

    `above` (H, W) is the brightness above the background; `reach` pixels on both sides of an edge are compared.
    Being relative, this finds the rim of badly lit retina as well, and passes over glare, which fades.
    """
    rays = _along_rays(above, centre)
    mean = _running_mean(rays, reach)
    # The window's mean stands at its middle: moved outwards it lies before the edge, moved inwards behind it.
    inner, outer = _moved(mean, reach // 2 + 1), _moved(mean, -(reach // 2 + 1))
    with np.errstate(invalid="ignore"):
        sharp = (inner > 4 * noise) & (outer < SHARP * inner)
        drop = np.where(sharp, inner - outer, np.float32(0))
    # The faint blocks that compression leaves around the rim end sharply too; the rim itself is the far larger drop.
    sharp &= drop > LEAST_DROP * drop.max(axis=1, keepdims=True)
    rows = np.flatnonzero(sharp.any(axis=1))
    last = rays.shape[1] - 1 - sharp[rows, ::-1].argmax(axis=1)
    # At the outermost sharp place the inner window has all but left the retina; a window farther in it is full.
    retina = inner[rows, np.maximum(last - reach, 0)]
    deep = inner[rows, np.maximum(last - 3 * reach, 0)]
    radius = _level_crossing(rays[rows], EDGE_LEVEL * retina, last, reach)
    usable = np.isfinite(radius)
    points = np.array(centre) + _directions()[rows[usable]] * radius[usable, None]
    return Edges(points, EVEN * deep[usable] < retina[usable])


def _along_rays(above: Float32Array, centre: tuple[float, float]) -> Float32Array:
    """Brightness (RAYS, radius) in steps of a pixel; NaN beyond the image."""
    height, width = above.shape
    farthest = int(np.hypot(max(centre[0], height - centre[0]), max(centre[1], width - centre[1]))) + 1
    radius = np.arange(farthest)
    direction = _directions()
    y = centre[0] + direction[:, :1] * radius - 0.5
    x = centre[1] + direction[:, 1:] * radius - 0.5
    rays: Float32Array = ndimage.map_coordinates(above, [y, x], order=1, cval=np.nan, output=np.float32)
    # Neighbouring rays see the same rim; together they see less noise.
    present = np.isfinite(rays)
    total = ndimage.gaussian_filter1d(np.where(present, rays, np.float32(0)), 1.0, axis=0, mode="wrap")
    share = ndimage.gaussian_filter1d(present.astype(np.float32), 1.0, axis=0, mode="wrap")
    smooth: Float32Array = np.where(present, total / np.maximum(share, 0.1), np.float32(np.nan))
    return smooth


def _directions() -> NDArray[np.float64]:
    angle = np.arange(RAYS) * (2 * np.pi / RAYS)
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def _moved(values: Float32Array, steps: int) -> Float32Array:
    """The values `steps` farther out than they were; NaN where none come in."""
    moved = np.full_like(values, np.nan)
    if steps > 0:
        moved[:, steps:] = values[:, :-steps]
    else:
        moved[:, :steps] = values[:, -steps:]
    return moved


def _running_mean(rays: Float32Array, width: int) -> Float32Array:
    """Mean over `width` pixels along each ray, of those that lie in the image; NaN where hardly any does."""
    window = np.ones(width) / width
    present = np.isfinite(rays)
    total = ndimage.convolve1d(np.where(present, rays, np.float32(0)), window, axis=1, mode="constant")
    share = ndimage.convolve1d(present.astype(np.float32), window, axis=1, mode="constant")
    mean: Float32Array = np.where(share > 0.3, total / np.maximum(share, 0.3), np.float32(np.nan))
    return mean


def _level_crossing(rays: Float32Array, level: Float32Array, last: NDArray[np.intp], reach: int) -> NDArray[np.float64]:
    """Radius at which each ray crosses its level nearest before `last`, to a part of a pixel; NaN where it does not."""
    every = np.arange(len(rays))
    columns = np.clip(last[:, None] + np.arange(-2 * reach, reach + 1), 1, rays.shape[1] - 2)
    near = rays[every[:, None], columns]
    with np.errstate(invalid="ignore"):
        over = near > level[:, None]
    at = over.shape[1] - 1 - over[:, ::-1].argmax(axis=1)
    here, beyond = near[every, at], near[every, np.minimum(at + 1, near.shape[1] - 1)]
    radius = columns[every, at] + (here - level) / np.maximum(here - beyond, 1e-6)
    crossed = over.any(axis=1) & (at < near.shape[1] - 1)
    return np.where(crossed, radius, np.nan)
