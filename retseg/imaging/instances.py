"""Id maps: which pixels belong to the same single thing."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from retseg.core.types import Float32Array, UInt16Array


def depth(ids: UInt16Array) -> Float32Array:
    """How deep each pixel of an id map (H, W) lies inside its instance: (H, W) float32.

    The distance to the nearest pixel of anything else, as a share of the largest distance in the same instance: 1 at
    an instance's deepest pixel, above 0 everywhere inside, 0 where the id is 0. The image's border is no border of an
    instance. It does not depend on the instance's size, but for the width of a pixel.
    """
    result = np.zeros(ids.shape, np.float32)
    if not ids.any():
        return result
    for number, box in enumerate(ndimage.find_objects(ids), start=1):
        if box is None:
            continue
        # One pixel more on each side where there is one, so that the surroundings are seen.
        rows, columns = (slice(max(0, part.start - 1), part.stop + 1) for part in box)
        inside = ids[rows, columns] == number
        if inside.all():
            result[rows, columns] = 1.0
            continue
        distance = ndimage.distance_transform_edt(inside)
        result[rows, columns][inside] = (distance[inside] / distance.max()).astype(np.float32)
    return result
