"""Regions of the retina that measurements are confined to: rings around the optic disc, and sectors of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from retseg.biomarkers.smoothing import FloatArray
from retseg.core.types import BoolArray
from retseg.imaging.anatomy import Disc, Fovea

DISC_MM = 1.8
"""Diameter in mm that an optic disc is taken to have where the scale of the photograph is not known.

Between the mean horizontal (1.77 mm) and vertical (1.88 mm) diameter of Quigley et al., 'The size and shape of the
optic disc in normal human eyes', Archives of Ophthalmology 108(1), 1990.
"""

SIDES = ("temporal", "superior", "nasal", "inferior")
"""The quadrants around a place. Their borders lie halfway between the axis from the disc to the fovea and its
normal."""

ETDRS_RADII_MM = (0.5, 1.5, 3.0)
"""Radii of the three circles of the ETDRS grid, of 1, 3 and 6 mm in diameter."""

_ZONES = {"B": (0.5, 1.0), "C": (0.5, 2.0)}
"""Where the zones begin and end, in disc diameters from the disc's margin."""


@dataclass(frozen=True, slots=True)
class Region:
    """A ring, or a quarter of one: from `inner` to `outer` pixels from the centre (row, column).

    `towards` is the direction of the quarter's middle as an angle from the column axis towards the row axis in radians,
    None for the whole ring.
    """

    centre: tuple[float, float]
    inner: float
    outer: float
    towards: float | None = None

    @property
    def area(self) -> float:
        """Its area in square pixels, within the photograph or not."""
        whole = math.pi * (self.outer**2 - self.inner**2)
        return whole if self.towards is None else whole / 4

    def contains(self, places: FloatArray) -> BoolArray:
        """Which of the places (..., 2) lie in it."""
        down, right = places[..., 0] - self.centre[0], places[..., 1] - self.centre[1]
        away = np.hypot(down, right)
        inside: BoolArray = (away >= self.inner) & (away < self.outer)
        if self.towards is not None:
            sine, cosine = math.sin(self.towards), math.cos(self.towards)
            forward, aside = down * sine + right * cosine, down * cosine - right * sine
            # Rounding must not leave a place on the border to neither side.
            inside &= forward >= np.abs(aside) - 1e-6
        return inside

    def mask(self, shape: tuple[int, ...]) -> BoolArray:
        """Its pixels in a photograph of this shape (H, W)."""
        mask = np.zeros(shape, bool)
        rows, columns = (
            slice(max(0, math.floor(middle - self.outer)), max(0, math.ceil(middle + self.outer) + 1))
            for middle in self.centre
        )
        box = mask[rows, columns]
        if box.size:
            corner = np.array((rows.start, columns.start))
            places = np.moveaxis(np.indices(box.shape, np.float64), 0, -1) + corner
            box[...] = self.contains(places)
        return mask


def zone(name: str, disc: Disc) -> Region:
    """Zone "B" or "C" around the disc."""
    inner, outer = ((1 + 2 * away) * disc.radius for away in _ZONES[name])
    return Region((disc.row, disc.column), inner, outer)


def quadrant(side: str, disc: Disc, fovea: Fovea) -> Region:
    """The quarter of zone C that lies on this side of the disc."""
    ring = zone("C", disc)
    return Region(ring.centre, ring.inner, ring.outer, _direction(side, disc, fovea))


def etdrs_centre(fovea: Fovea, pixels_per_mm: float) -> Region:
    """The circle in the middle of the ETDRS grid."""
    return Region((fovea.row, fovea.column), 0.0, ETDRS_RADII_MM[0] * pixels_per_mm)


def etdrs_sector(ring: int, side: str, disc: Disc, fovea: Fovea, pixels_per_mm: float) -> Region:
    """A sector of the ETDRS grid's inner (1) or outer (2) ring."""
    inner, outer = (radius * pixels_per_mm for radius in ETDRS_RADII_MM[ring - 1 : ring + 1])
    return Region((fovea.row, fovea.column), inner, outer, _direction(side, disc, fovea))


def _direction(side: str, disc: Disc, fovea: Fovea) -> float:
    """The direction of a side of the eye in the photograph: temporal is where the fovea lies from the disc."""
    temporal = math.atan2(fovea.row - disc.row, fovea.column - disc.column)
    # Of the two directions across, superior is the one that goes up in the photograph.
    superior = temporal + math.pi / 2 if math.sin(temporal + math.pi / 2) < 0 else temporal - math.pi / 2
    return {
        "temporal": temporal,
        "superior": superior,
        "nasal": temporal + math.pi,
        "inferior": superior + math.pi,
    }[side]
