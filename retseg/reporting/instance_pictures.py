"""Pictures of id maps: every instance in a colour that its neighbours do not have, with a thin outline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import UInt8Array, UInt16Array
from retseg.reporting.class_pictures import pale
from retseg.reporting.images import fitted_size, shrink_photograph

PALETTE: UInt8Array = np.asarray(
    [(0, 114, 178), (230, 159, 0), (204, 121, 167), (0, 158, 115), (86, 180, 233), (213, 94, 0), (240, 228, 66)],
    np.uint8,
)
"""Okabe and Ito's colours without black: distinct to colour-blind readers."""

_OPACITY = 0.72
_NEAR = 6
"""Instances closer than so many pixels are neighbours."""

_OUTLINE = (255, 255, 255)
_OUTER = (20, 20, 20)


def instance_colours(ids: UInt16Array, like: Mapping[int, int] | None = None) -> dict[int, int]:
    """An index into the palette for every id of a map (H, W): neighbours differ as far as the palette allows.

    `like` asks for the colour of an id, so that a figure can have the same one in two pictures; it is followed unless
    a neighbour has it already.
    """
    asked, chosen = like or {}, dict[int, int]()
    boxes = ndimage.find_objects(ids)
    names = [number for number, box in enumerate(boxes, start=1) if box is not None]
    for number in sorted(names, key=lambda n: n not in asked):
        rows, columns = (slice(max(0, part.start - _NEAR), part.stop + _NEAR) for part in boxes[number - 1])
        near = ndimage.binary_dilation(ids[rows, columns] == number, iterations=_NEAR)
        taken = [chosen[int(n)] for n in np.unique(ids[rows, columns][near]) if int(n) in chosen]
        wanted = asked.get(number, number - 1) % len(PALETTE)
        turns = [(wanted + step) % len(PALETTE) for step in range(len(PALETTE))]
        chosen[number] = min(turns, key=lambda colour: (taken.count(colour), turns.index(colour)))
    return chosen


def matched(found: UInt16Array, truth: UInt16Array) -> dict[int, int]:
    """For each found id, the true id that it shares more than half of their joint area with; others are left out."""
    pairs = np.stack([found.ravel(), truth.ravel()], axis=1)[(found.ravel() > 0) & (truth.ravel() > 0)]
    numbers, shared = np.unique(pairs, axis=0, return_counts=True)
    areas = [np.bincount(ids.ravel()) for ids in (found, truth)]
    return {
        int(one): int(other)
        for (one, other), both in zip(numbers, shared, strict=True)
        if 2 * both > areas[0][one] + areas[1][other] - both
    }


def painted_instances(image: UInt8Array, ids: UInt16Array, colours: Mapping[int, int], limit: int) -> UInt8Array:
    """The instances over the pale photograph (h, w, 3), at most `limit` pixels wide, with thin outlines."""
    small = _shrunk(ids, limit)
    ground = pale(shrink_photograph(image, limit)).astype(np.float32)
    table = np.zeros((int(ids.max()) + 1, 3), np.float32)
    for number, colour in colours.items():
        table[number] = PALETTE[colour]
    inside = small > 0
    ground[inside] = (1 - _OPACITY) * ground[inside] + _OPACITY * table[small][inside]
    picture: UInt8Array = np.rint(ground).astype(np.uint8)
    outer, inner = _borders(small)
    picture[outer] = _OUTER
    picture[inner] = _OUTLINE
    return picture


def _borders(ids: NDArray[np.uint16]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where an instance ends at the ground, and where it ends at another instance; each one pixel wide, inside it."""
    low = ndimage.minimum_filter(ids, 3)
    inside = ids > 0
    outer = inside & (low == 0)
    # Towards another instance only the one with the larger number has the line, so that it stays thin.
    others = np.where(ids == 0, ids.max() + 1, ids)
    inner = inside & ~outer & (ndimage.minimum_filter(others, 3) < ids)
    return outer, inner


def _shrunk(ids: UInt16Array, limit: int) -> UInt16Array:
    """An id map shrunk by the nearest pixel, since ids do not mix."""
    height, width = fitted_size(ids, limit)
    rows = (np.arange(height) + 0.5) * ids.shape[0] / height
    columns = (np.arange(width) + 0.5) * ids.shape[1] / width
    small: UInt16Array = ids[rows.astype(int)[:, None], columns.astype(int)]
    return small
