"""Smooth curves through the pixels of a centreline: local polynomials, which straighten stairs and keep bends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

FloatArray = NDArray[np.float64]

# A cubic follows any bend whose curvature changes evenly within the window, and so does not cut corners.
_ORDER = 3


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A smooth curve in equal steps.

    Attributes:
        points: (N, 2) row and column in pixels.
        tangent: (N, 2) unit vectors along it.
        curvature: (N,) in 1/pixel; positive where it turns from the row axis towards the column axis.
        step: Length of a step in pixels.
    """

    points: FloatArray
    tangent: FloatArray
    curvature: FloatArray
    step: float


def odd_window(wanted: float, points: int, least: int = 5) -> int:
    """The odd number of points nearest to what is wanted that a path of so many points has; at least `least`."""
    window = max(least, 2 * round((wanted - 1) / 2) + 1)
    return min(window, points - 1 + points % 2)


@lru_cache(maxsize=512)
def _fit(window: int, derivative: int) -> FloatArray:
    """What turns as many values into the derivative of their least squares cubic at each of them."""
    places = np.arange(window) - window // 2
    powers = np.vander(places, _ORDER + 1, increasing=True).astype(np.float64)
    derived = np.zeros_like(powers)
    for power in range(derivative, _ORDER + 1):
        derived[:, power] = math.perm(power, derivative) * powers[:, power - derivative]
    fit: FloatArray = derived @ np.linalg.pinv(powers)
    return fit


def local_cubic(values: FloatArray, window: int, derivative: int = 0) -> FloatArray:
    """The values (N, 2), or their derivative by the index, by least squares cubics over an odd window of them.

    The filter of Savitzky and Golay; at both ends the cubic of the outermost window counts.
    `scipy.signal.savgol_filter` gives the same numbers, but solves for its weights anew for each of the hundreds of
    paths of an eye.
    """
    fit, half = _fit(window, derivative), window // 2
    # correlate1d sees half a window beyond the ends; what it makes of that is replaced.
    found: FloatArray = correlate1d(values, fit[half], axis=0, mode="nearest")
    found[:half] = fit[:half] @ values[:window]
    found[len(values) - half :] = fit[half + 1 :] @ values[-window:]
    return found


def smoothed(path: FloatArray, window: int, closed: bool) -> FloatArray:
    """A path (N, 2) with its stairs taken out by local cubics over a window of an odd number of points."""
    if window <= _ORDER:
        return path
    if not closed:
        return local_cubic(path, window)
    half = window // 2
    return local_cubic(np.concatenate([path[-half:], path, path[:half]]), window)[half:-half]


def in_equal_steps(path: FloatArray, *along: FloatArray) -> tuple[float, list[FloatArray]]:
    """The path (N, 2) and what is known `along` it (N,), in equal steps of about a pixel: the step, and all of them.

    The number of steps is a whole one, so that both ends stay where they are.
    """
    away = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    steps = max(1, round(away[-1]))
    places = np.linspace(0.0, away[-1], steps + 1)
    return away[-1] / steps, [np.interp(places, away, values) for values in (*path.T, *along)]


def curve(points: FloatArray, step: float, window: int) -> Curve:
    """The smooth curve through points (N, 2) in equal steps, by local cubics over `window` of them."""
    if window <= _ORDER:
        straight = points[-1] - points[0]
        tangent = np.broadcast_to(straight / max(float(np.hypot(*straight)), 1e-9), points.shape)
        return Curve(points, tangent, np.zeros(len(points)), step)
    place, first, second = (local_cubic(points, window, order) / step**order for order in (0, 1, 2))
    speed = np.maximum(np.hypot(*first.T), 1e-9)
    bend = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / speed**3
    length = float(np.hypot(*np.diff(place, axis=0).T).sum())
    return Curve(place, first / speed[:, None], bend, length / (len(points) - 1))
