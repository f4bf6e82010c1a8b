from __future__ import annotations

import numpy as np
import pytest

from retseg.biomarkers.cross_sections import cross_sections
from retseg.core.types import BoolArray
from tests.biomarkers.drawn import eye_of, straight, towards, vessels

OFFSETS = [(0.05, -0.1), (0.3, -0.2), (-0.45, 0.4), (0.15, 0.45)]


def measured(mask: BoolArray, angle: float, offset: tuple[float, float] = (0.0, 0.0), about: float = 6.0):
    along = np.linspace(-60, 60, 121)
    points = np.array([100.0, 100.0]) + offset + along[:, None] * towards(angle)
    normals = np.broadcast_to(towards(angle + 90), points.shape)
    return cross_sections(mask, np.ones_like(mask), points, normals, np.full(len(points), about))


@pytest.mark.parametrize("width", [4, 5, 6.5, 8, 11, 16])
@pytest.mark.parametrize("angle", [0, 11, 30, 44, 63, 90])
def test_a_vessel_is_as_wide_as_it_was_drawn(width: float, angle: float) -> None:
    # A mask of whole pixels has no exact width at a single place: over several places it has.
    places = [(100 + down, 100 + right) for down, right in OFFSETS]
    eyes = [eye_of(vessels(200, (straight(160, angle, place), width))) for place in places]
    found = np.concatenate([eye.whole.widths for eye in eyes])
    area = [measured(eye.mask, angle, offset, width) for eye, offset in zip(eyes, OFFSETS, strict=True)]
    assert found.mean() == pytest.approx(np.concatenate([one.width for one in area]).mean(), rel=0.01)
    tolerance = 0.03 if angle not in (0, 90) else max(0.03, 0.25 / width)
    assert found.mean() == pytest.approx(width, rel=tolerance)


@pytest.mark.parametrize("angle", [5, 20, 37, 52, 70, 85])
@pytest.mark.parametrize("width", [4, 6, 10])
def test_at_odd_angles_a_single_place_is_enough(width: float, angle: float) -> None:
    eye = eye_of(vessels(300, (straight(260, angle, (150.2, 149.7)), width)))
    assert eye.whole.widths.mean() == pytest.approx(width, rel=0.03)


def test_the_middle_is_found_from_beside_it() -> None:
    mask = vessels(200, (straight(160, 20, (100, 100)), 9))
    beside = towards(110) * 1.5
    found = measured(mask, 20, (beside[0], beside[1]), 9)
    assert found.shift.mean() == pytest.approx(-1.5, abs=0.05)


def test_a_neighbour_is_not_part_of_the_vessel() -> None:
    near = towards(115) * 9
    mask = vessels(200, (straight(160, 25, (100, 100)), 6), (straight(160, 25, (100 + near[0], 100 + near[1])), 6))
    assert np.nanmean(measured(mask, 25, about=9).width) == pytest.approx(6, rel=0.04)


def test_without_two_walls_there_is_no_width() -> None:
    mask = vessels(200, (straight(160, 0, (100, 100)), 9))
    assert np.isnan(measured(np.ones_like(mask), 0).width).all()
    assert np.isnan(measured(np.zeros_like(mask), 0).width).all()
    field = np.ones_like(mask)
    field[:103] = False
    points = np.column_stack([np.full(50, 104.0), np.arange(75.0, 125.0)])
    cut = cross_sections(mask & field, field, points, np.tile([1.0, 0.0], (50, 1)), np.full(50, 5.0))
    assert np.isnan(cut.width).all(), "the rim is no wall"
    assert (cut.shift == 0).all()
