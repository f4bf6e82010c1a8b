"""From a filter's response to a score that means the same in every photograph."""

from __future__ import annotations

import numpy as np

from retseg.core.types import BoolArray, Float32Array

RANK = 0.9
"""The response at this rank inside the field of view gets the score 0.5. About a tenth of retina is vessel."""


def to_score(response: Float32Array, fov: BoolArray, floor: float) -> Float32Array:
    """(H, W) float32 in 0..1: r / (r + q), where q is the 90th percentile of the responses r inside the field of view.

    No label has a part in it, the order of responses is kept, and nothing is cut off at the top; negative responses
    become 0.

    Args:
        response: (H, W) response of a filter.
        fov: (H, W) field of view.
        floor: Least q, so that a photograph without any contrast is not blown up into noise.
    """
    positive = np.maximum(response, 0).astype(np.float32)
    inside = positive[fov]
    reference = float(np.quantile(inside, RANK)) if inside.size else 0.0
    score: Float32Array = positive / (positive + np.float32(max(reference, floor)))
    return np.where(fov, score, np.float32(0))
