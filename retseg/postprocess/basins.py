"""Basins of a map of depth, and which of them are one: the watershed without its well-known surplus of pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from retseg.core.types import BoolArray

EIGHT = np.ones((3, 3), bool)
"""A pixel's neighbours: also those at its corners."""

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


def basins(depth: Float64Array, mask: BoolArray) -> Int64Array:
    """One basin for every local maximum of the depth (H, W) within the mask (H, W): 1, 2, 3 and so on; 0 outside.

    A plateau is one maximum, so every connected piece of the mask has at least one basin, however flat it is.
    """
    # What lies outside is lower than everything, also all round the image: a plateau up to its border is a maximum.
    inside = np.pad(np.where(mask, depth, -np.inf), 1, constant_values=-np.inf)
    peaks, _ = ndimage.label(local_maxima(inside, connectivity=2)[1:-1, 1:-1] & mask, EIGHT)
    found: Int64Array = watershed(-depth, peaks, mask=mask, connectivity=EIGHT).astype(np.int64)
    return found


def passes(depth: Float64Array, parts: Int64Array) -> tuple[Int64Array, Int64Array, Float64Array]:
    """Which parts of an id map (H, W) touch, and how deep it is at best where one goes over from one to the other.

    Returns:
        For each touching pair, the deepest pass first: its smaller id (n,), its larger id (n,) and the depth (n,).
    """
    height, width = parts.shape
    lower, upper, deep = [], [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
        there = slice(down, height), slice(max(0, right), width + min(0, right))
        touching = (parts[here] != parts[there]) & (parts[here] > 0) & (parts[there] > 0)
        one, other = parts[here][touching], parts[there][touching]
        lower.append(np.minimum(one, other))
        upper.append(np.maximum(one, other))
        deep.append(np.minimum(depth[here][touching], depth[there][touching]))
    smaller, larger, best = np.concatenate(lower), np.concatenate(upper), np.concatenate(deep)
    order = np.lexsort((-best, larger, smaller))
    smaller, larger, best = smaller[order], larger[order], best[order]
    new = np.ones(len(order), bool)
    new[1:] = (smaller[1:] != smaller[:-1]) | (larger[1:] != larger[:-1])
    falling = np.flatnonzero(new)[np.argsort(-best[new], kind="stable")]
    return smaller[falling], larger[falling], best[falling]


def merged(
    depth: Float64Array, parts: Int64Array, contrast: float, smallest: int, least_share: float = 0.0
) -> Int64Array:
    """Joins touching parts of an id map (H, W) until between any two of them the depth (H, W) falls far enough.

    Two parts stay apart if the depth falls by at least `contrast` on the best way from the lower one's peak to the
    other, and if the smaller has at least `smallest` pixels and `least_share` of the larger one's. What is joined over
    the deepest passes counts as one part at the next. The result's ids have gaps.
    """
    count = int(parts.max(initial=0))
    peak = np.append(0.0, ndimage.maximum(depth, parts, range(1, count + 1))) if count else np.zeros(1)
    area = np.bincount(parts.ravel(), minlength=count + 1)
    joined = list(range(count + 1))

    def whole(part: int) -> int:
        while joined[part] != part:
            joined[part] = joined[joined[part]]
            part = joined[part]
        return part

    for one, other, deep in zip(*passes(depth, parts), strict=True):
        low, high = sorted((whole(int(one)), whole(int(other))), key=lambda part: (peak[part], area[part], -part))
        if low == high:
            continue
        few, many = sorted((area[low], area[high]))
        if peak[low] - deep < contrast or few < max(smallest, least_share * many):
            joined[low] = high
            area[high] += area[low]
    table: Int64Array = np.array([whole(part) for part in range(count + 1)], np.int64)
    return table[parts]
