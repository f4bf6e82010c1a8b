"""Specks: pieces of a mask that are too small to be a stretch of a vessel."""

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
