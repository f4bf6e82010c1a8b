"""The shape of vessels in a mask: their centreline, and how wide they are at each place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from retseg.core.types import BoolArray, Float32Array


def skeleton(mask: BoolArray) -> BoolArray:
    """The centreline (H, W) of a mask (H, W), one pixel wide: scikit-image's `skeletonize` (Zhang and Suen, 1984)."""
    line: BoolArray = skeletonize(mask)
    return line


def mean_width(mask: BoolArray) -> float | None:
    """How wide the vessels of a mask (H, W) are on average, in pixels: twice their area by their outline's length.

    None for an empty mask. The sides of pixels that the outline is counted in make a line look 4/pi times as long, on
    average over its directions.
    """
    sides = int(np.count_nonzero(mask[1:] != mask[:-1])) + int(np.count_nonzero(mask[:, 1:] != mask[:, :-1]))
    return float(2 * np.count_nonzero(mask) / (np.pi / 4 * sides)) if sides else None


def boundary(mask: BoolArray, inside: BoolArray) -> BoolArray:
    """The pixels of a mask (H, W) that have a 4-neighbour inside the field of view `inside` but outside the mask.

    The rim of the field of view is no wall of a vessel: nobody knows whether the vessel ends there. So what lies
    beyond it, or beyond the frame, makes no boundary.
    """
    wall = inside & ~mask
    beside = np.zeros_like(mask)
    beside[1:] |= wall[:-1]
    beside[:-1] |= wall[1:]
    beside[:, 1:] |= wall[:, :-1]
    beside[:, :-1] |= wall[:, 1:]
    return beside & mask


def local_calibre(
    mask: BoolArray, centreline: BoolArray, inside: BoolArray, wanted: BoolArray | None = None
) -> Float32Array:
    """How wide the vessel is at each pixel of a mask (H, W), in pixels; 0 off the mask, float32 (H, W).

    At a point of the centreline it is twice the distance from that pixel's centre to the centre of the nearest pixel
    that is outside the mask and `inside` the field of view. Any other pixel has the calibre of the nearest point of
    the centreline. A straight vessel of w pixels gets w to w + 1; infinity where the mask fills the field of view.
    Only pixels of the mask that are `wanted` (H, W) are measured, if that is given; the others stay 0.
    """
    calibre = np.zeros(mask.shape, np.float32)
    measured = mask if wanted is None else mask & wanted
    line, pixels = np.argwhere(centreline), np.argwhere(measured)
    if not len(pixels):
        return calibre
    along = 2 * nearest_distance(line, _edge_of_the_rest(mask, inside))
    _, nearest = cKDTree(line).query(pixels)
    calibre[measured] = along[nearest]
    return calibre


def nearest_distance(points: NDArray[np.intp], targets: NDArray[np.intp]) -> NDArray[np.float64]:
    """The distance from each of the points (N, 2) to the nearest target (M, 2); infinity where there is no target."""
    if not len(points) or not len(targets):
        return np.full(len(points), np.inf)
    # An unbalanced tree is built faster, and pixels lie evenly enough for it to be searched as fast.
    distances: NDArray[np.float64] = cKDTree(targets, balanced_tree=False, compact_nodes=False).query(points)[0]
    return distances


def _edge_of_the_rest(mask: BoolArray, inside: BoolArray) -> NDArray[np.intp]:
    """The pixels around a mask among which the nearest one outside it is found: the rest's own edge, rim included."""
    rest = inside & ~mask
    return np.argwhere(boundary(rest, np.ones_like(rest)))
