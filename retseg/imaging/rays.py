"""Where brightness falls off sharply along rays from the middle of the retina outwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array
from retseg.imaging.rim import Points

RAYS = 360

SHARP = 0.4
"""An edge is sharp where, a few pixels farther out, less than this share of the brightness is left."""

EDGE_LEVEL = 0.4
"""Share of the retina's brightness at which the edge lies. The middle would be the true edge of a blurred step; owners'
masks are drawn a little more generously."""


def sharp_edges(above: Float32Array, centre: tuple[float, float], reach: int, noise: float) -> Points:
    """The outermost sharp edge on each ray that has one, as (N, 2) points (y, x).

    `above` (H, W) is the brightness above the background, `reach` how many pixels on both sides of an edge are compared.
    Being relative, this finds the rim of badly lit retina as well, and passes over glare, which fades.
    """
    rays = _along_rays(above, centre)
    window = np.ones(reach) / reach
    mean = ndimage.convolve1d(rays, window, axis=1, mode="nearest")
    # The window's mean now stands at its middle: inside it lies before the edge, outside it lies behind.
    inner = _moved(mean, reach // 2 + 1)
    outer = _moved(mean, -(reach // 2 + 1))
    with np.errstate(invalid="ignore"):
        sharp = (inner > 4 * noise) & (outer < SHARP * inner)
    found = sharp.any(axis=1)
    last = rays.shape[1] - 1 - sharp[:, ::-1].argmax(axis=1)
    return _edge_points(rays, inner, last, found, centre, reach)


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
    smooth: Float32Array = ndimage.gaussian_filter1d(rays, 1.0, axis=0, mode="wrap")
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


def _edge_points(
    rays: Float32Array,
    inner: Float32Array,
    last: NDArray[np.intp],
    found: BoolArray,
    centre: tuple[float, float],
    reach: int,
) -> Points:
    """The crossing of EDGE_LEVEL nearest to each sharp place, to a part of a pixel."""
    rows = np.flatnonzero(found)
    # From the outer end of the sharp stretch, go inwards to where the level is reached again.
    offsets = np.arange(-2 * reach, reach + 1)
    columns = np.clip(last[rows, None] + offsets, 1, rays.shape[1] - 2)
    level = EDGE_LEVEL * inner[rows, np.maximum(last[rows] - reach, 0)]
    near = rays[rows[:, None], columns]
    with np.errstate(invalid="ignore"):
        over = near > level[:, None]
    hit = over.any(axis=1) & ~over[:, -1]
    rows, level, near, over = rows[hit], level[hit], near[hit], over[hit]
    at = over.shape[1] - 1 - over[:, ::-1].argmax(axis=1)
    picked = np.arange(len(rows))
    here, beyond = near[picked, at], near[picked, np.minimum(at + 1, near.shape[1] - 1)]
    radius = columns[hit][picked, at] + (here - level) / np.maximum(here - beyond, 1e-6)
    usable = np.isfinite(radius)
    points: Points = np.array(centre) + _directions()[rows[usable]] * radius[usable, None]
    return points
