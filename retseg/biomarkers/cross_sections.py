"""Cross-sections of vessels: how wide a vessel is across a point of its centreline, and where its middle lies.

A mask has stairs where the vessel has a smooth wall. Read bilinearly along the normal, one cross-section of it is wrong
by a fraction of a pixel; along the vessel that averages out, because the mask as a whole covers what the vessel covers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from retseg.biomarkers.smoothing import FloatArray
from retseg.core.types import BoolArray

_SAMPLES = 20
"""On each side of the middle; a cross-section reaches 1.5 radii far, so that a wall falls between two close ones."""


@dataclass(frozen=True, slots=True, eq=False)
class CrossSections:
    """What was found across each of N points: `width` (N,) in pixels, NaN where the vessel has no two walls there, and
    `shift` (N,): how far along the normal the middle of the vessel lies from the point, in pixels, 0 where unknown.
    """

    width: FloatArray
    shift: FloatArray


def cross_sections(
    mask: BoolArray, field: BoolArray, points: FloatArray, normals: FloatArray, calibre: FloatArray
) -> CrossSections:
    """The cross-sections of a mask (H, W) at points (N, 2) along unit normals (N, 2).

    `calibre` (N,) is about how wide the vessel is in pixels: the walls are looked for as far as 1.5 radii and two
    pixels away. Where a wall is not found, or is the rim of the field of view (H, W), nothing is measured.
    """
    reach = 0.75 * calibre + 2.0
    offsets = np.linspace(-1.0, 1.0, 2 * _SAMPLES + 1) * reach[:, None]
    rows, columns = (points[:, axis, None] + offsets * normals[:, axis, None] for axis in (0, 1))
    covered = map_coordinates(mask.astype(np.float32), [rows, columns], order=1, mode="nearest").astype(np.float64)
    own = np.concatenate([_nearest_only(covered[:, _SAMPLES::-1])[:, :0:-1], _nearest_only(covered[:, _SAMPLES:])], 1)
    covered = np.where(own, covered, 0.0)
    spacing = reach / _SAMPLES
    width = covered.sum(axis=1) * spacing
    shift = (covered * offsets).sum(axis=1) * spacing / np.maximum(width, 1e-9)
    found = (covered[:, _SAMPLES] >= 0.5) & ~own[:, 0] & ~own[:, -1]
    for side in (-1, 1):
        wall = points + (shift + side * (width / 2 + 1.5))[:, None] * normals
        found &= _inside(field, wall)
    return CrossSections(np.where(found, width, np.nan), np.where(found, shift, 0.0))


def _nearest_only(covered: FloatArray) -> BoolArray:
    """Which samples (N, S) from the middle outwards belong to the vessel in the middle and not to a neighbour.

    Once the coverage is below a half the wall is passed, and where it then vanishes or rises again the vessel ends.
    """
    passed = np.logical_or.accumulate(covered < 0.5, axis=1)
    ended = np.zeros_like(passed)
    ended[:, 1:] = passed[:, :-1] & ((covered[:, 1:] <= 1e-6) | (covered[:, 1:] > covered[:, :-1]))
    ended[:, 0] = covered[:, 0] <= 1e-6
    return ~np.logical_or.accumulate(ended, axis=1)


def _inside(field: BoolArray, places: FloatArray) -> BoolArray:
    nearest = np.rint(places).astype(np.intp)
    framed = ((nearest >= 0) & (nearest < field.shape)).all(axis=1)
    nearest = nearest.clip(0, np.array(field.shape) - 1)
    inside: BoolArray = framed & field[tuple(nearest.T)]
    return inside
