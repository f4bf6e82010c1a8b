"""How much what a net marked is like the vessels of a retina: the net is sure of them, and they hang together."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array

LEAST_LIKE = 0.25
"""Below this nothing speaks for a retina. Letters, leaves and noise reach 0.02 to 0.2, whole photographs of the retina
0.5 to 0.75, and most of their cut-out, darkened or blurred copies 0.3 at least (benchmarks/fundus_check.py)."""

_TOUCHING = np.ones((3, 3), np.bool_)


def vessel_likeness(probability: Float32Array, fov: BoolArray, threshold: float) -> float:
    """The mean probability (H, W) of what is marked in a field of view (H, W), times the largest piece's share of it.

    0 to 1; 0 where nothing is marked.
    """
    marked = (probability > threshold) & fov
    pieces, _ = ndimage.label(marked, _TOUCHING)
    sizes = np.bincount(pieces.ravel())[1:]
    if not len(sizes):
        return 0.0
    return float(probability[marked].mean() * sizes.max() / sizes.sum())
