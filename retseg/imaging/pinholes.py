"""Pinholes: gaps inside a vessel, such as a bright reflex leaves, that are no space between two vessels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray


def without_pinholes(mask: BoolArray) -> BoolArray:
    """The mask (H, W) with its pinholes filled.

    A pinhole is a hole (background that the mask encloses, 4-connected) of A pixels, around the middle of which a disc
    of radius √A + 1/2 holds nothing but the mask and the hole itself: the vessel around it is more than twice as wide
    as the hole. A gap between two vessels that part and meet again is longer or wider than that.
    """
    holes, count = ndimage.label(np.pad(~mask, 1, constant_values=True))
    # All that is joined to the frame's outside is no hole.
    outer = int(holes[0, 0])
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    filled, vessel = mask, int(mask.sum())
    for number, box in enumerate(ndimage.find_objects(holes), start=1):
        # A disc that needs more pixels than there are need not be looked at.
        if box is None or number == outer or 2 * int(sizes[number]) > vessel:
            continue
        middle = _middle(holes[box] == number) + [part.start for part in box]
        if _alone(holes, number, middle, math.sqrt(sizes[number]) + 0.5):
            filled = mask.copy() if filled is mask else filled
            filled[holes[1:-1, 1:-1] == number] = True
    return filled


def _middle(hole: BoolArray) -> NDArray[np.intp]:
    """The hole's pixel (row, column) that is nearest to its centre of gravity."""
    pixels = np.argwhere(hole)
    away = pixels - pixels.mean(axis=0)
    nearest: NDArray[np.intp] = pixels[np.argmin((away**2).sum(axis=1))]
    return nearest


def _alone(holes: NDArray[np.int32], number: int, middle: NDArray[np.intp], radius: float) -> bool:
    """Whether a disc in the frame around the middle of a hole meets no other background."""
    reach = int(radius)
    low, high = middle - reach, middle + reach + 1
    if (low < 0).any() or (high > holes.shape).any():
        return False
    around = holes[low[0] : high[0], low[1] : high[1]]
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    inside = around[rows**2 + columns**2 <= radius**2]
    return bool(((inside == 0) | (inside == number)).all())
