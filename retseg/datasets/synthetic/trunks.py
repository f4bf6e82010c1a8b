"""The courses of the great vessels: arcades above and below the macula, vertical and nasal trunks, as smooth curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from retseg.datasets.synthetic.anatomy import Anatomy

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trunk:
    """One great vessel: `points` (n, 2) in micrometres from where it leaves its stem; `upper` says which stem."""

    upper: bool
    points: Points


def draw_trunks(rng: Generator, anatomy: Anatomy, step: float, crowding: Callable[[Points], float]) -> list[Trunk]:
    """The great arteries or veins of one eye, sampled about every `step` micrometres, the arcade first in each half.

    `crowding` says which share of a course runs along vessels of the other kind: of a few possible courses the one with
    the least is taken, so that veins run beside their arteries and cross them here and there, as they do in an eye.
    """
    trunks = []
    entry = np.array(anatomy.entry) + rng.normal(0, 55, 2)
    for upper in (True, False):
        sign = -1.0 if upper else 1.0
        base = np.array([entry, entry])
        base[1] += (rng.normal(0, 50), sign * rng.uniform(150, 260))
        courses = [_temporal]
        courses += [_vertical] if rng.random() < 0.75 else []
        courses += [_nasal]
        courses += [_far_nasal] if rng.random() < 0.35 else []
        for course in courses:
            choices = [_curve(np.vstack([base, course(rng, anatomy, sign)]), step) for _ in range(8)]
            trunks.append(Trunk(upper, min(choices, key=crowding)))
    return trunks


def _margin(anatomy: Anatomy, angle: float) -> tuple[float, float]:
    """The point of the disc's margin at `angle` radians from the temple, positive downwards."""
    return anatomy.disc_radius[0] * np.cos(angle), anatomy.disc_radius[1] * np.sin(angle)


def _jitter(rng: Generator, points: list[tuple[float, float]], sd: float) -> Points:
    array = np.array(points, float)
    growing = np.linspace(0.4, 1.4, len(array))[:, None]
    return array + rng.normal(0, sd, array.shape) * growing


def _temporal(rng: Generator, anatomy: Anatomy, sign: float) -> Points:
    """The arcade: up or down from the disc, then in a wide arch round the macula and on towards the raphe."""
    x, y = anatomy.fovea
    arch = rng.uniform(2500, 3700)
    margin = _margin(anatomy, sign * np.radians(rng.uniform(72, 104)))
    points = [
        margin,
        (0.17 * x + rng.normal(0, 120), y / 3 + sign * arch * 0.66),
        (0.5 * x, y / 2 + sign * arch * 0.95),
        (0.95 * x, y + sign * arch * rng.uniform(0.9, 1.06)),
        (1.5 * x, y + sign * arch * rng.uniform(0.75, 1.05)),
        (2.2 * x, y + sign * arch * rng.uniform(0.55, 1.25)),
        (3.0 * x, y + sign * arch * rng.uniform(0.4, 1.5)),
    ]
    return np.vstack([points[:1], _jitter(rng, points[1:], 130)])


def _vertical(rng: Generator, anatomy: Anatomy, sign: float) -> Points:
    """A trunk that runs straight up or down beyond the arcade."""
    angle = np.radians(rng.uniform(78, 104))
    lean = rng.uniform(-0.05, 0.45)
    points = [_margin(anatomy, sign * angle)]
    points += [(lean * reach + 150 * np.cos(angle), sign * reach) for reach in (2300, 4200, 6500, 9000, 12000)]
    return np.vstack([points[:1], _jitter(rng, points[1:], 220)])


def _nasal(rng: Generator, anatomy: Anatomy, sign: float) -> Points:
    return _radial(rng, anatomy, sign * np.radians(rng.uniform(118, 148)), sign * rng.uniform(-0.1, 0.25))


def _far_nasal(rng: Generator, anatomy: Anatomy, sign: float) -> Points:
    return _radial(rng, anatomy, sign * np.radians(rng.uniform(152, 178)), sign * rng.uniform(-0.15, 0.15))


def _radial(rng: Generator, anatomy: Anatomy, angle: float, bend: float) -> Points:
    """A trunk that leaves the disc at `angle` and turns by `bend` radians over four millimetres."""
    points = [_margin(anatomy, angle)]
    for reach in (2100, 3600, 5600, 8000, 11000):
        turned = angle + bend * (reach - 900) / 4000
        points.append((reach * np.cos(turned), reach * np.sin(turned)))
    return np.vstack([points[:1], _jitter(rng, points[1:], 160)])


def _curve(knots: Points, step: float) -> Points:
    """A smooth curve through `knots`, in points about `step` apart."""
    chord = np.hypot(*np.diff(knots, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(np.sqrt(chord) * np.sqrt(chord.mean()))])
    curve = CubicSpline(at, knots, bc_type="natural")(np.linspace(0, at[-1], int(4 * chord.sum() / step)))
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    even = np.linspace(0, length[-1], max(2, round(length[-1] / step)))
    return np.column_stack([np.interp(even, length, curve[:, axis]) for axis in (0, 1)])
