from __future__ import annotations

import numpy as np
import pytest

from retseg.biomarkers.eye import Eye
from retseg.biomarkers.measure import measure
from retseg.biomarkers.units import Value
from tests.biomarkers.drawn import straight, vessels


@pytest.mark.parametrize("angle", [0, 15, 30, 40, 80])
def test_one_vessel_through_a_round_field(angle: float) -> None:
    rows, columns = np.mgrid[:300, :300] - 150
    fov = np.hypot(rows, columns) <= 120
    eye = Eye(vessels(300, (straight(400, angle, (150, 150)), 7)), fov, um_per_pixel=4.0)
    found = measure(eye, ["area-density", "length-density"])
    area, length = found["area-density"], found["length-density"]
    assert isinstance(area, Value)
    assert isinstance(length, Value)
    assert area.number == pytest.approx(7 * 240 / fov.sum(), rel=0.02)
    assert length.unit == "1/mm"
    # A centreline ends about half a width before its vessel does, at both ends.
    assert length.number == pytest.approx(237 / fov.sum() * 250, rel=0.03)


def test_what_lies_outside_the_field_does_not_count() -> None:
    fov = np.zeros((300, 300), bool)
    fov[50:250, 50:250] = True
    mask = vessels(300, (straight(120, 10, (150, 150)), 6))
    dirty = mask | ~fov
    one, other = (measure(Eye(each, fov)) for each in (mask, dirty))
    assert one == other
