from __future__ import annotations

import numpy as np
import pytest

from retseg.datasets.synthetic import vessels
from retseg.datasets.synthetic.strokes import Strokes, draw

UM = 10.0


def across(radius, row=20.0):
    """A level vessel through the middle of a small picture."""
    ticks = np.linspace(-10, 70, 41)
    points = np.column_stack([ticks, np.full(41, row)])
    return draw(Strokes(points[:-1], points[1:], np.full((40, 2), radius), np.zeros(40, np.int64)), (41, 60))


def test_blood_is_as_deep_as_a_round_vessel():
    depth = vessels.blood_depth(across(8.0), np.ones(1), UM)[:, 30]
    assert depth[20] == pytest.approx(2 * 8.0 * UM, rel=0.01)
    assert depth[25] == pytest.approx(2 * np.sqrt(8.0**2 - 5**2) * UM, rel=0.01)
    assert depth[30] == 0
    assert depth.sum() == pytest.approx(np.pi * 8.0**2 * UM, rel=0.001)


@pytest.mark.parametrize("radius", [0.2, 0.35, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("row", [20.0, 20.3, 20.5])
def test_vessels_of_any_width_wherever_they_lie_hold_their_blood(radius, row):
    depth = vessels.blood_depth(across(radius, row), np.ones(1), UM)[:, 30]
    assert depth.sum() == pytest.approx(np.pi * radius**2 * UM, rel=0.001)


def test_hidden_vessels_show_less():
    full, half = (vessels.blood_depth(across(3.0), np.array([shown]), UM) for shown in (1.0, 0.5))
    assert np.allclose(half, full / 2)


def test_the_reflex_runs_along_the_middle_of_wide_vessels_only():
    wide = vessels.reflex(np.random.default_rng(0), across(6.0), 0.6, 0.25, UM)[:, 30]
    assert wide[20] > 0.1
    assert wide[20] > 5 * wide[24]
    thin = vessels.reflex(np.random.default_rng(0), across(1.0), 0.6, 0.25, UM)
    assert not thin.any()


def test_arterial_blood_is_brighter_than_venous_in_red_and_green(traits):
    artery, vein = vessels.blood_colour(traits)
    assert artery[0] < vein[0]
    assert artery[1] < vein[1]
    assert (artery[0] < 0.5 * artery[1:]).all(), "blood hardly darkens red"


def test_visibility_fades_towards_a_vessels_end(trees):
    tree = trees[0]
    shown = vessels.visibility(np.random.default_rng(0), tree)
    tips = tree.heir < 0
    assert shown.min() > 0.15
    assert shown.max() <= 1.1
    assert shown[tips].mean() < 0.7 * shown[~tips].mean()


def test_drawn_calibres_stay_close_to_murrays(trees):
    ratio = vessels.drawn_calibre(np.random.default_rng(0), trees[0]) / trees[0].radius
    assert 0.89 < ratio.min() < 0.97 < 1.03 < ratio.max() < 1.11
