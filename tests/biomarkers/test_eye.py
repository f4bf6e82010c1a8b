from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.regions import DISC_MM, SIDES, Region
from retseg.biomarkers.units import Value
from retseg.imaging.anatomy import Disc, Fovea
from tests.biomarkers.drawn import eye_of, grown_eye, ray, straight, vessels


def value(eye: Eye, name: str) -> float:
    found = measure(eye, [name])[name]
    assert isinstance(found, Value), found
    return found.number


def test_the_black_around_the_field_changes_nothing() -> None:
    eye = grown_eye(3, size=500)
    pad = ((37, 12), (5, 90))
    masks = {name: np.pad(getattr(eye, name), pad) for name in ("mask", "fov", "arteries", "veins")}
    assert eye.disc is not None
    assert eye.fovea is not None
    moved = replace(
        eye,
        **masks,
        disc=replace(eye.disc, row=eye.disc.row + 37, column=eye.disc.column + 5),
        fovea=replace(eye.fovea, row=eye.fovea.row + 37, column=eye.fovea.column + 5),
    )
    one, other = measure(eye), measure(moved)
    for name, first in one.items():
        second = other[name]
        if isinstance(first, Value):
            assert isinstance(second, Value)
            assert second.number == pytest.approx(first.number, rel=1e-9)
        else:
            assert first == second


def test_the_same_eye_gives_the_same_numbers() -> None:
    assert measure(grown_eye(3, size=500)) == measure(grown_eye(3, size=500))


def test_zones_and_quadrants_hold_their_vessels() -> None:
    mask = vessels(500, (ray(190, 0, (250.3, 250)), 8))
    eye = eye_of(mask, disc=Disc(250.0, 250.0, 40.0, 1.0), fovea=Fovea(250.0, 440.0, 1.0))
    # The ray runs through zone B from 80 to 120 pixels and through zone C from 80 to 200, but ends at 190.
    assert value(eye, "area-density-zone-b") == pytest.approx(8 * 40 / (np.pi * (120**2 - 80**2)), rel=0.02)
    assert value(eye, "area-density-zone-c") == pytest.approx(8 * 112 / (np.pi * (200**2 - 80**2)), rel=0.02)
    assert value(eye, "calibre-mean-zone-b") == pytest.approx(8, rel=0.03)
    assert value(eye, "tortuosity-zone-c") == pytest.approx(1, abs=0.001)
    assert value(eye, "area-density-temporal") == pytest.approx(4 * value(eye, "area-density-zone-c"), rel=0.01)
    assert [value(eye, f"area-density-{side}") for side in SIDES[1:]] == [0, 0, 0]


def test_etdrs_sectors_by_the_scale_or_by_the_disc() -> None:
    mask = vessels(700, (straight(2000, 90, (350, 420)), 9))
    fovea, disc = Fovea(350.0, 350.0, 1.0), Disc(345.0, 60.0, 900 * DISC_MM / 12, 1.0)
    known = eye_of(mask, um_per_pixel=12.0, fovea=fovea, disc=disc)
    guessed = replace(known, um_per_pixel=None, disc=replace(disc, radius=500 * DISC_MM / 12))
    for eye in (known, guessed):
        # 70 pixels are 0.84 mm: the line runs through the inner ring on the temporal side.
        assert value(eye, "etdrs-centre") == 0
        assert value(eye, "etdrs-inner-temporal") > 0.05
        assert value(eye, "etdrs-inner-nasal") == 0
        assert value(eye, "etdrs-outer-superior") > 0
        assert value(eye, "etdrs-outer-nasal") == 0
    assert value(known, "etdrs-inner-temporal") == pytest.approx(value(guessed, "etdrs-inner-temporal"))


def test_what_is_missing_is_said() -> None:
    mask = vessels(500, (straight(400, 10, (250, 250)), 8))
    disc, fovea = Disc(250.0, 250.0, 40.0, 1.0), Fovea(250.0, 440.0, 1.0)
    for eye, name, reason in (
        (eye_of(mask), "area-density-zone-b", "the optic disc was not found"),
        (eye_of(mask, disc=disc), "area-density-nasal", "the fovea was not found"),
        (eye_of(mask, fovea=fovea), "etdrs-centre", "the optic disc was not found"),
        (eye_of(mask, fovea=fovea, um_per_pixel=5.0), "etdrs-inner-nasal", "the optic disc was not found"),
        (eye_of(np.zeros_like(mask)), "bifurcations", "there is no vessel in the field of view"),
        (eye_of(np.ones_like(mask)), "bifurcations", "the vessel mask fills the whole field of view"),
    ):
        found = measure(eye, [name])[name]
        assert isinstance(found, NotMeasured)
        assert str(found) == reason
    assert value(eye_of(mask, fovea=fovea, um_per_pixel=5.0), "etdrs-centre") >= 0


def test_a_region_out_of_the_photograph_is_not_measured() -> None:
    eye = eye_of(vessels(300, (straight(250, 10, (150, 150)), 8)))
    with pytest.raises(NotMeasured, match="only 25% of the region lies in the field of view"):
        eye.part(Region((0.0, 0.0), 0.0, 100.0))
    assert eye.part(Region((0.0, 150.0), 0.0, 100.0)).area == pytest.approx(np.pi * 5000, rel=0.02)


def test_nothing_but_masks_of_one_size_and_a_scale_above_zero() -> None:
    mask = np.zeros((10, 12), bool)
    with pytest.raises(ValueError, match="veins .* differ in size"):
        eye_of(mask, veins=mask.T)
    with pytest.raises(ValueError, match="is no scale"):
        eye_of(mask, um_per_pixel=0.0)
