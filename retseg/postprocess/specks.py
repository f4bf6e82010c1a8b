"""Specks: pieces of a mask too small to be a stretch of a vessel; and gaps, across which some of them belong to one."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray
from retseg.postprocess.basins import EIGHT


def specks(mask: BoolArray, least: float) -> BoolArray:
    """Those pieces of the mask (H, W) that have fewer than `least` pixels; a piece hangs together, also at corners."""
    pieces, count = ndimage.label(mask, EIGHT)
    small = np.bincount(pieces.ravel(), minlength=count + 1) < least
    small[0] = False
    found: BoolArray = small[pieces]
    return found


def bridges(probable: BoolArray, small: BoolArray, large: BoolArray, reach: int) -> BoolArray:
    """The `probable` pixels (H, W) that lie within `reach` rows and columns of a small piece and of a large one."""
    side = 2 * reach + 1
    near_small, near_large = (ndimage.maximum_filter(pieces.view(np.uint8), side) for pieces in (small, large))
    found: BoolArray = probable & near_small.view(np.bool_) & near_large.view(np.bool_)
    return found
