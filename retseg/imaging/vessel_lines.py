"""Dark lines of a vessel's width on a small copy: where they are, which way they run, and where they converge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retseg.core.types import BoolArray, Float32Array

_WIDTHS = (0.004, 0.008)
"""Sigmas of the ridges, in diameters of the field: thin and thick vessels of photographs of 30 to 60 degrees."""

_RIDGES = 85
"""Percentile of ridge strength above which a pixel counts as vessel: vessels take about a tenth of the retina."""

_SECTORS = 16
_FROM, _TO = 0.9, 2.6
_TOWARDS = 0.7
"""Cosine of twice the angle between a vessel and the way to the centre: within 23 degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class VesselLines:
    """Vessels as lines (h, w each): `weight` 0 to 1, 0 off the vessels, and `across`, the angle across the vessel.

    Angles are radians from the direction of growing rows towards that of growing columns.
    """

    weight: Float32Array
    across: Float32Array

    def sums(self) -> tuple[Float32Array, Float32Array]:
        """The doubled direction along the vessel as (cosine, sine) times the weight: it averages as angles cannot."""
        return -self.weight * np.cos(2 * self.across), -self.weight * np.sin(2 * self.across)


def vessel_lines(brightness: Float32Array, valid: BoolArray, diameter: float, vessels: BoolArray | None) -> VesselLines:
    """The dark lines of a logarithmic brightness (h, w), where `valid`; only those on `vessels`, if given."""
    strength, across = np.zeros_like(brightness), np.zeros_like(brightness)
    for share in _WIDTHS:
        sigma = max(share * diameter, 1.0)
        down, right, mixed = (
            ndimage.gaussian_filter(brightness, sigma, order=order) * sigma**2 for order in ((2, 0), (0, 2), (1, 1))
        )
        half = np.hypot((down - right) / 2, mixed)
        ridge = np.clip((down + right) / 2 + half - np.abs((down + right) / 2 - half), 0, None)
        across = np.where(ridge > strength, 0.5 * np.arctan2(2 * mixed, down - right), across)
        strength = np.maximum(strength, ridge)
    among = strength[valid]
    if not len(among) or not among.any():
        return VesselLines(np.zeros_like(brightness), across)
    weight = strength / (strength + max(float(np.percentile(among, 95)), 1e-6))
    on_vessel = vessels if vessels is not None else strength > np.percentile(among, _RIDGES)
    weight = np.where(on_vessel & valid, weight, 0).astype(np.float32)
    return VesselLines(weight, across.astype(np.float32))


@dataclass(frozen=True, slots=True)
class Convergence:
    """What runs towards a place: `spread` is the share of directions from it, 0 to 1, in which a vessel leaves.

    Of those that the field shows; `shown` is the share of the place and of its surroundings, whichever is less, that
    the field does show.
    """

    spread: float
    shown: float


def convergence(lines: VesselLines, valid: BoolArray, centre: tuple[float, float], radius: float) -> Convergence:
    """The vessels between 0.9 and 2.6 radii from a place that run towards it, where `valid` (h, w)."""
    box, row, column = _around(valid.shape, centre, _TO * radius)
    distance, angle = np.hypot(row, column), np.arctan2(column, row)
    ring = (distance > _FROM * radius) & (distance < _TO * radius) & valid[box]
    whole, place = np.pi * (_TO**2 - _FROM**2) * radius**2, np.pi * _FROM**2 * radius**2
    towards = -np.cos(2 * (lines.across[box] - angle)) > _TOWARDS
    sector = (np.floor((angle + np.pi) * (_SECTORS / (2 * np.pi))).astype(np.intp) % _SECTORS).ravel()
    length = np.bincount(sector, (np.where(ring, lines.weight[box], 0) * towards).ravel(), _SECTORS)
    visible = np.bincount(sector, ring.ravel(), _SECTORS) > 0.5 * whole / _SECTORS
    # A vessel across the whole ring is 1.7 radii long, and some pixels wide, which count by how dark they are.
    leaves = length > 0.5 * radius
    spread = float(leaves[visible].mean()) if visible.any() else 0.0
    within = (distance <= _FROM * radius) & valid[box]
    return Convergence(spread, min(1.0, float(ring.sum()) / whole, float(within.sum()) / place))


def _around(
    shape: tuple[int, ...], centre: tuple[float, float], reach: float
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]:
    """The window of an array that lies within `reach` of a place, and its pixels' rows and columns from there."""
    first = [max(0, int(np.floor(at - reach))) for at in centre]
    last = [min(length, int(np.ceil(at + reach)) + 1) for at, length in zip(centre, shape, strict=True)]
    box = (slice(first[0], max(first[0], last[0])), slice(first[1], max(first[1], last[1])))
    row, column = np.mgrid[box].astype(np.float64)
    return box, row - centre[0], column - centre[1]
