"""Specks: pieces of a mask that are too small to be a stretch of a vessel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array
from retseg.postprocess.basins import EIGHT

_STEP = 1 / 65535  # of a probability in its 16-bit file, so that what is lowered stays below the threshold there


def without_specks(probability: Float32Array, fov: BoolArray, threshold: float, millionths: float) -> Float32Array:
    """The probability (H, W) in 0..1, lowered to just below the threshold in small pieces of the mask.

    A piece is what lies above the threshold inside the field of view (H, W) and hangs together, also at corners. It is
    small if its area is less than so many millionths of the field's. Nothing is ever raised.
    """
    pieces, count = ndimage.label((probability > threshold) & fov, EIGHT)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    small = sizes < millionths * 1e-6 * np.count_nonzero(fov)
    small[0] = False
    if not small.any():
        return probability
    ceiling = np.float32(max(0.0, threshold - _STEP))
    return np.where(small[pieces], np.minimum(probability, ceiling), probability)
