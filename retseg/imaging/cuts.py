"""Straight cuts through the field of view, where a frame or a camera truncates the circle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray
from retseg.imaging.rim import Points

_MOST_CUTS = 4
_TRIALS = 200
_FEWEST_POINTS = 10


@dataclass(frozen=True, slots=True)
class Cut:
    """A straight line; the field of view lies where `y * normal_y + x * normal_x < distance` (pixels)."""

    normal_y: float
    normal_x: float
    distance: float

    def beyond(self, points: Points) -> NDArray[np.float64]:
        """How far points (N, 2) lie beyond the line, in pixels; negative on the side of the retina."""
        beyond: NDArray[np.float64] = points[:, 0] * self.normal_y + points[:, 1] * self.normal_x - self.distance
        return beyond

    def keeps(self, shape: tuple[int, int]) -> BoolArray:
        """The pixels of an image (H, W) on the side of the retina."""
        y = (np.arange(shape[0]) + 0.5) * self.normal_y
        x = (np.arange(shape[1]) + 0.5) * self.normal_x
        kept: BoolArray = y[:, None] + x[None] < self.distance
        return kept


def find_cuts(points: Points, centre: tuple[float, float], shortest: float, tolerance: float) -> list[Cut]:
    """The lines on which many of the sharp edge points (N, 2) lie, each along at least `shortest` pixels.

    `tolerance` is how far a point may lie off its line; `centre` (y, x) is kept by every cut.
    """
    rng = np.random.default_rng(0)
    cuts: list[Cut] = []
    while len(points) >= _FEWEST_POINTS and len(cuts) < _MOST_CUTS:
        cut = _most_agreed(points, centre, tolerance, rng)
        near = np.abs(cut.beyond(points)) < tolerance
        along = points[near] @ np.array([-cut.normal_x, cut.normal_y])
        if near.sum() < _FEWEST_POINTS or np.ptp(along) < shortest:
            break
        cuts.append(cut)
        points = points[~near]
    return cuts


def _most_agreed(points: Points, centre: tuple[float, float], tolerance: float, rng: np.random.Generator) -> Cut:
    """The line through two of the points that most of them lie on, turned so that the centre is kept."""
    first, second = points[rng.integers(0, len(points), (2, _TRIALS))]
    along = second - first
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    length = np.linalg.norm(normal, axis=1)
    normal /= length[:, None] + 1e-9
    distance = (normal * first).sum(axis=1)
    # Two points that nearly coincide give no direction.
    votes = (length > 2 * tolerance) * (np.abs(points @ normal.T - distance) < tolerance).sum(axis=0)
    best = int(votes.argmax())
    sign = 1.0 if normal[best] @ np.array(centre) < distance[best] else -1.0
    return Cut(float(sign * normal[best, 0]), float(sign * normal[best, 1]), float(sign * distance[best]))
