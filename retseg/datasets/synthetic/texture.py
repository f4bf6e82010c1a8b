"""Smooth random textures of a given wavelength, evaluated on any grid of points, the same at every resolution."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.ndimage import map_coordinates, spline_filter

from retseg.core.types import Float32Array

BETWEEN = 0.874
"""Standard deviation of a cubic spline through independent standard normal values, averaged over all places."""


class Noise:
    """A smooth random surface of about mean 0 and standard deviation 1 over the retina, repeating far outside any view.

    Args:
        rng: Where its values come from; one draw whatever the grid it is looked up on.
        wavelength: Typical distance between two of its summits in micrometres.
        size: How many lattice points it has along each side before it repeats.
    """

    def __init__(self, rng: Generator, wavelength: float, size: int = 64) -> None:
        self.wavelength = wavelength
        self.step = wavelength / 2.2
        values = rng.standard_normal((size, size)).astype(np.float32)
        self.lattice = spline_filter(values, order=3, output=np.float32, mode="grid-wrap")
        self.scale = np.float32(1 / BETWEEN)
        self.origin = rng.uniform(0, size, 2).astype(np.float32)

    def at(self, x: Float32Array, y: Float32Array) -> Float32Array:
        """Values at points given in micrometres."""
        step = np.float32(self.step)
        places = np.stack([y / step + self.origin[1], x / step + self.origin[0]])
        values: Float32Array = map_coordinates(
            self.lattice, places, output=np.float32, order=3, mode="grid-wrap", prefilter=False
        )
        return values * self.scale


def smooth_step(values: Float32Array, low: float, high: float) -> Float32Array:
    """0 below `low`, 1 above `high`, and a smooth rise in between (a fall where `low` is above `high`)."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    risen: Float32Array = t * t * (3 - 2 * t)
    return risen
