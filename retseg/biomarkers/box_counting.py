"""Boxes on a set of points: how many hold any of them, and how evenly. Averaged over where the grid lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from retseg.biomarkers.smoothing import FloatArray
from retseg.core.types import BoolArray

_SIZES = 10
_FINEST, _COARSEST = 128.0, 16.0
_LEAST_BOX = 1.5
_PLACES = 16
"""At how many places the grid of boxes of each size is laid down."""

# Places that cover the unit square evenly, each with a row and a column of its own.
_SPREAD = qmc.Sobol(2, scramble=False).random(_PLACES)


@dataclass(frozen=True, slots=True, eq=False)
class BoxSums:
    """For boxes of each of S sizes, on average over the grid's places.

    Attributes:
        sizes: (S,) side of a box in pixels.
        occupied: (S,) how many boxes hold a point; a box at the rim counts as far as it lies in the field of view.
        information: (S,) sum of p ln p over boxes, where p is a box's share of the points.
        correlation: (S,) sum of p² over boxes.
    """

    sizes: FloatArray
    occupied: FloatArray
    information: FloatArray
    correlation: FloatArray

    def slope(self, values: FloatArray) -> float:
        """By how much `values` (S,) rise with the logarithm of the size: the slope of the least squares line."""
        return float(np.polyfit(np.log(self.sizes), values, 1)[0])

    @property
    def box_dimension(self) -> float:
        """The box-counting dimension D0."""
        return -self.slope(np.log(self.occupied))

    @property
    def information_dimension(self) -> float:
        """The information dimension D1."""
        return self.slope(self.information)

    @property
    def correlation_dimension(self) -> float:
        """The correlation dimension D2."""
        return self.slope(np.log(self.correlation))


def box_sizes(diameter: float) -> NDArray[np.int64]:
    """Sides of boxes in whole pixels for a field of this diameter: from a 128th to a 16th of it, evenly by ratio.

    Sized by the field, so that an enlarged photograph is measured with enlarged boxes. Empty where the smallest would
    be no two pixels wide.
    """
    if diameter / _FINEST < _LEAST_BOX:
        return np.empty(0, np.int64)
    return np.unique(np.rint(np.geomspace(diameter / _FINEST, diameter / _COARSEST, _SIZES)).astype(np.int64))


def box_sums(points: FloatArray, field: BoolArray, sizes: NDArray[np.int64]) -> BoxSums:
    """The sums over boxes for points (N, 2) (row, column) in a field of view (H, W).

    A box at the rim is taken for the part of a box that lies in the field, and for as dense out of it as in it. That
    keeps the field's own outline out of the dimensions: a field that is full of points has dimension 2.
    """
    held = [np.flatnonzero(field.any(axis=axis)) for axis in (1, 0)]
    corner, far = (np.array([side[end] for side in held]) for end in (0, -1))
    field = field[corner[0] : far[0] + 1, corner[1] : far[1] + 1]
    covered = np.pad(field, ((1, 0), (1, 0))).cumsum(0, dtype=np.int64).cumsum(1)
    # A smooth line may leave the frame by a fraction of a pixel.
    places = np.rint(points).astype(np.int64).clip(corner, far) - corner
    rows = []
    for size in sizes.tolist():
        shifts = (_SPREAD * size).astype(np.int64).tolist()
        found = [_sums(places, covered, size, (down, right)) for down, right in shifts]
        rows.append(np.mean(found, axis=0))
    occupied, information, correlation = np.array(rows).T
    return BoxSums(sizes.astype(np.float64), occupied, information, correlation)


def _sums(
    places: NDArray[np.int64], covered: NDArray[np.int64], size: int, shift: tuple[int, int]
) -> tuple[float, float, float]:
    boxes = (places + shift) // size
    height, width = (int(side) // size + 2 for side in covered.shape)
    counts = np.bincount(boxes[:, 0] * width + boxes[:, 1], minlength=height * width)
    held = np.flatnonzero(counts)
    share = counts[held] / len(places)
    top, left = held // width * size - shift[0], held % width * size - shift[1]
    (top, bottom), (left, right) = (
        (first.clip(0, side - 1), (first + size).clip(0, side - 1))
        for first, side in zip((top, left), covered.shape, strict=True)
    )
    area = covered[bottom, right] - covered[top, right] - covered[bottom, left] + covered[top, left]
    inside = area / size**2
    # A box that holds points has at least a pixel of the field.
    whole = share / np.maximum(inside, 1 / size**2)
    return float(inside.sum()), float((share * np.log(whole)).sum()), float((share * whole).sum())
