"""An eye's vessels and landmarks: what measurements are taken from, worked out once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from retseg.biomarkers.forks import Meetings, meetings
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.part import Part
from retseg.biomarkers.regions import DISC_MM, Region, zone
from retseg.biomarkers.tracing import traced
from retseg.core.errors import ImageError
from retseg.core.types import BoolArray
from retseg.imaging.anatomy import Disc, Fovea
from retseg.imaging.pinholes import without_pinholes
from retseg.imaging.segments import VesselGraph, vessel_graph
from retseg.imaging.vessels import mean_width

_LEAST_SHARE = 0.5
"""A region of which less than this share lies in the field of view is not measured: the rest could be anything."""


@dataclass(frozen=True, eq=False)
class Eye:
    """The vessels and landmarks of one photograph.

    Attributes:
        mask: (H, W) the vessels.
        fov: (H, W) the field of view; what lies outside it is not looked at.
        um_per_pixel: Micrometres of retina per pixel; None where nobody knows.
        disc, fovea: The landmarks; None where they were not found.
        arteries, veins: (H, W) the vessels of either kind; None where nobody told them apart.
    """

    mask: BoolArray
    fov: BoolArray
    um_per_pixel: float | None = None
    disc: Disc | None = None
    fovea: Fovea | None = None
    arteries: BoolArray | None = None
    veins: BoolArray | None = None

    def __post_init__(self) -> None:
        for name in ("mask", "arteries", "veins"):
            array = getattr(self, name)
            if array is not None and array.shape != self.fov.shape:
                raise ValueError(f"{name} {array.shape} and field of view {self.fov.shape} differ in size")
        if self.um_per_pixel is not None and not self.um_per_pixel > 0:
            raise ValueError(f"{self.um_per_pixel} micrometres per pixel is no scale")

    @cached_property
    def cropped(self) -> Eye:
        """The same eye without the black around its field of view; places count from the new corner."""
        rows, columns = (np.flatnonzero(self.fov.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return self
        top, left = int(rows[0]), int(columns[0])
        box = (slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1))
        fov = self.fov[box]

        def part(mask: BoolArray | None) -> BoolArray | None:
            return None if mask is None else mask[box] & fov

        disc, fovea = self.disc, self.fovea
        return replace(
            self,
            mask=self.mask[box] & fov,
            fov=fov,
            disc=disc and replace(disc, row=disc.row - top, column=disc.column - left),
            fovea=fovea and replace(fovea, row=fovea.row - top, column=fovea.column - left),
            arteries=part(self.arteries),
            veins=part(self.veins),
        )

    @cached_property
    def vessels(self) -> BoolArray:
        """(H, W) the vessels in the field of view; raises `NotMeasured` where there is none."""
        vessels = self.mask & self.fov
        if not vessels.any():
            raise NotMeasured("there is no vessel in the field of view")
        return vessels

    @cached_property
    def typical_width(self) -> float:
        """Mean width of the vessels in pixels, by area and outline: what lengths are compared with."""
        width = mean_width(self.vessels)
        if width is None:
            raise NotMeasured("the vessel mask fills the whole field of view")
        return width

    @cached_property
    def graph(self) -> VesselGraph:
        """The segments and junctions of the vessels."""
        if not (self.fov & ~self.vessels).any():
            raise NotMeasured("the vessel mask fills the whole field of view")
        try:
            return vessel_graph(self.vessels, self.fov)
        except ImageError as error:
            # Pinholes filled, it may fill the field after all; or it is noise of more segments than can be numbered.
            raise NotMeasured("the vessel mask is no vessel tree ({reason})", reason=error.what) from error

    @cached_property
    def whole(self) -> Part:
        """The whole field of view."""
        segments = self.graph.segments
        courses = traced(segments, without_pinholes(self.vessels), self.fov, self.typical_width)
        return Part(self.vessels, self.fov, courses, self.typical_width)

    @cached_property
    def meetings(self) -> Meetings:
        """The branchings and crossings."""
        return meetings(self.graph, self.whole.courses)

    @property
    def zone_b_region(self) -> Region:
        """Where zone B lies."""
        return zone("B", self.found_disc)

    @cached_property
    def zone_b(self) -> Part:
        """From half a disc diameter to one from the disc's margin."""
        return self.part(self.zone_b_region)

    @cached_property
    def zone_c(self) -> Part:
        """From half a disc diameter to two from the disc's margin."""
        return self.part(zone("C", self.found_disc))

    @cached_property
    def arteries_near_disc(self) -> Eye:
        """An eye with the arteries in zone B and a little around it as its vessels, so that no course begins in it."""
        return self._near_disc(self.arteries)

    @cached_property
    def veins_near_disc(self) -> Eye:
        """An eye with the veins in zone B and a little around it as its vessels."""
        return self._near_disc(self.veins)

    def part(self, region: Region) -> Part:
        """What lies in a region; raises `NotMeasured` where most of the region is out of the photograph."""
        mask = region.mask(self.fov.shape)
        share = np.count_nonzero(mask & self.fov) / region.area
        if share < _LEAST_SHARE:
            raise NotMeasured("only {share}% of the region lies in the field of view", share=f"{100 * share:.0f}")
        return self.whole.within(mask, region.contains)

    @property
    def found_disc(self) -> Disc:
        """The disc; raises `NotMeasured` where it was not found."""
        if self.disc is None:
            raise NotMeasured("the optic disc was not found")
        return self.disc

    @property
    def found_fovea(self) -> Fovea:
        """The fovea; raises `NotMeasured` where it was not found."""
        if self.fovea is None:
            raise NotMeasured("the fovea was not found")
        return self.fovea

    @property
    def pixels_per_mm(self) -> float:
        """By the scale or, where nobody knows it, by a disc that is taken to be `DISC_MM` wide."""
        if self.um_per_pixel is not None:
            return 1000 / self.um_per_pixel
        return 2 * self.found_disc.radius / DISC_MM

    def _near_disc(self, kind: BoolArray | None) -> Eye:
        if kind is None:
            raise NotMeasured("needs an artery/vein map")
        ring = self.zone_b_region
        around = Region(ring.centre, 0.0, 1.5 * ring.outer - 0.5 * ring.inner).mask(self.fov.shape)
        return replace(self, mask=kind, fov=self.fov & around, arteries=None, veins=None).cropped
