from __future__ import annotations

import numpy as np
import pytest

from retseg.biomarkers.calibre import calibre_by_distance, calibre_distribution
from retseg.biomarkers.measure import measure
from retseg.biomarkers.not_measured import NotMeasured
from retseg.biomarkers.units import Value
from retseg.imaging.anatomy import Disc
from tests.biomarkers.drawn import eye_of, ray, straight, vessels

TWO = vessels(420, (straight(300, 20, (120.2, 199.7)), 6), (straight(300, 20, (270.4, 200.1)), 12))


def test_mean_median_and_spread_in_micrometres() -> None:
    found = measure(eye_of(TWO, um_per_pixel=5.0))
    values = {name: found[f"calibre-{name}"] for name in ("mean", "median", "spread")}
    assert all(isinstance(value, Value) and value.unit == "µm" for value in values.values())
    # The centreline of a round-ended vessel is as long as the vessel, so both lengths are nearly the same.
    assert values["mean"].number == pytest.approx(45, rel=0.03)
    assert values["spread"].number == pytest.approx(30, rel=0.05)


def test_the_distribution_has_a_peak_at_each_width() -> None:
    found = calibre_distribution(eye_of(TWO, um_per_pixel=5.0), bins=20)
    assert found.unit == "µm"
    assert found.shares.sum() == pytest.approx(1)
    middles = (found.edges[:-1] + found.edges[1:]) / 2
    assert found.shares[(middles < 36)].sum() == pytest.approx(0.5, abs=0.04)
    assert found.shares[(middles > 54)].sum() == pytest.approx(0.5, abs=0.04)
    assert calibre_distribution(eye_of(TWO)).unit == "px"


def test_widths_by_distance_from_the_disc() -> None:
    middle = (300.0, 300.0)
    inner = [(ray(78, angle, (300, 300)), 11.0) for angle in (5, 95, 185, 275)]
    outer = [(ray(200, angle, (300, 300)), 6.0) for angle in (5, 95, 185, 275)]
    eye = eye_of(vessels(600, *inner, *outer), disc=Disc(*middle, 30.0, 1.0))
    rings = calibre_by_distance(eye, edges=(0.5, 0.7, 1.5, 2.5, 9.0, 12.0))
    assert [(start, stop) for start, stop, _ in rings] == [(0.5, 0.7), (0.7, 1.5), (1.5, 2.5), (2.5, 9.0), (9.0, 12.0)]
    values = [value for _, _, value in rings]
    assert values[0] is not None
    assert values[2] is not None
    assert values[0].number == pytest.approx(11, rel=0.05)
    assert values[2].number == pytest.approx(6, rel=0.05)
    assert values[4] is None
    with pytest.raises(NotMeasured, match="the optic disc was not found"):
        calibre_by_distance(eye_of(TWO))


def test_a_dot_has_no_width() -> None:
    mask = np.zeros((60, 60), bool)
    mask[30, 30] = True
    assert measure(eye_of(mask), ["calibre-mean"])["calibre-mean"] == NotMeasured(
        "no vessel runs far enough out of junctions to have a width"
    )
