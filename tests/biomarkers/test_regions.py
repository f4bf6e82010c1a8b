from __future__ import annotations

import math

import numpy as np
import pytest

from retseg.biomarkers.regions import DISC_MM, SIDES, Region, etdrs_centre, etdrs_sector, quadrant, zone
from retseg.imaging.anatomy import Disc, Fovea

DISC, FOVEA = Disc(200.0, 150.0, 20.0, 1.0), Fovea(210.0, 250.0, 1.0)


def test_zones_begin_and_end_in_disc_diameters_from_the_margin() -> None:
    assert (zone("B", DISC).inner, zone("B", DISC).outer) == (40, 60)
    assert (zone("C", DISC).inner, zone("C", DISC).outer) == (40, 100)


@pytest.mark.parametrize("region", [zone("B", DISC), zone("C", DISC), quadrant("nasal", DISC, FOVEA)])
def test_a_mask_covers_the_area_of_its_region(region: Region) -> None:
    mask = region.mask((400, 400))
    assert mask.sum() == pytest.approx(region.area, rel=0.01)
    places = np.argwhere(mask).astype(float)
    assert region.contains(places).all()
    assert not region.contains(np.argwhere(~mask).astype(float)).any()


def test_a_region_may_lie_partly_or_wholly_out_of_the_photograph() -> None:
    for place, share in (((0.0, 200.0), 0.5), ((0.0, 0.0), 0.25), ((-500.0, 100.0), 0.0), ((100.0, 900.0), 0.0)):
        region = Region(place, 10.0, 60.0)
        assert region.mask((400, 400)).sum() == pytest.approx(share * region.area, rel=0.03)


def test_the_four_sides_make_the_ring() -> None:
    parts = [quadrant(side, DISC, FOVEA).mask((400, 400)) for side in SIDES]
    ring = zone("C", DISC).mask((400, 400))
    assert (np.sum(parts, axis=0) <= 1 + (np.sum(parts, axis=0) > 1)).all()
    assert np.logical_or.reduce(parts)[ring].all()
    for part in parts:
        assert part.sum() == pytest.approx(ring.sum() / 4, rel=0.02)


def test_sides_are_told_by_the_fovea() -> None:
    for fovea in (FOVEA, Fovea(205.0, 50.0, 1.0)):
        right = fovea.column > DISC.column
        temporal = quadrant("temporal", DISC, fovea)
        assert temporal.contains(np.array([202.0, 150 + (70 if right else -70)]))
        assert quadrant("nasal", DISC, fovea).contains(np.array([198.0, 150 - (70 if right else -70)]))
        assert quadrant("superior", DISC, fovea).contains(np.array([130.0, 150.0]))
        assert quadrant("inferior", DISC, fovea).contains(np.array([270.0, 150.0]))


def test_the_etdrs_grid_has_circles_of_1_3_and_6_mm() -> None:
    scale = 30.0
    assert 2 * etdrs_centre(FOVEA, scale).outer == 30
    inner, outer = (etdrs_sector(ring, "nasal", DISC, FOVEA, scale) for ring in (1, 2))
    assert (2 * inner.inner, 2 * inner.outer, 2 * outer.inner, 2 * outer.outer) == (30, 90, 90, 180)
    assert inner.contains(np.array([FOVEA.row, FOVEA.column - 30])), "nasal is where the disc lies"
    whole = etdrs_centre(FOVEA, scale).area + sum(
        etdrs_sector(ring, side, DISC, FOVEA, scale).area for ring in (1, 2) for side in SIDES
    )
    assert whole == pytest.approx(math.pi * 90**2)
    assert 1.7 < DISC_MM < 1.9
