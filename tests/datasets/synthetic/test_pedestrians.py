from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label as connected

from retseg.datasets.synthetic.pedestrians import draw_street, touching
from retseg.datasets.synthetic.picture_layouts import PICTURE_LAYOUTS


@pytest.fixture(scope="module")
def streets():
    """The first sixty pictures of the set, at 40%."""
    return [draw_street(p.seed(0), *p.size(0.4)) for p in PICTURE_LAYOUTS["penn-fudan"].pictures()[:60]]


def test_people_are_numbered_without_gaps_from_one(streets):
    for street in streets:
        assert street.ids.dtype == np.uint8
        assert street.ids.shape == street.image.shape[:2]
        assert np.array_equal(np.unique(street.ids), np.arange(street.ids.max() + 1))
        assert 1 <= street.ids.max() <= 8
    assert {int(street.ids.max()) for street in streets} >= {1, 2, 3, 4, 5}


def test_in_at_least_half_of_the_pictures_people_touch_and_components_miscount(streets):
    share = np.mean([touching(street.ids) for street in streets])
    wrong = np.mean([connected(street.ids > 0, np.ones((3, 3)))[1] < street.ids.max() for street in streets])
    print(f"people touch in {share:.0%} of the pictures; connected components count too few in {wrong:.0%}")
    assert share >= 0.5
    assert wrong >= 0.5


def test_numbers_run_from_left_to_right(streets):
    for street in streets:
        centres = [np.nonzero(street.ids == number)[1].mean() for number in range(1, street.ids.max() + 1)]
        assert centres == sorted(centres)


def test_people_are_seen_well_enough_to_be_found(streets):
    areas = [np.bincount(street.ids.ravel())[1:].min() for street in streets]
    assert np.percentile(areas, 10) > 60
    assert 0.08 < np.mean([(street.ids > 0).mean() for street in streets]) < 0.4


def test_a_seed_gives_one_street_at_any_size():
    one, same, other = (draw_street(seed, 160, 120) for seed in (5, 5, 6))
    assert np.array_equal(one.image, same.image)
    assert np.array_equal(one.ids, same.ids)
    assert not np.array_equal(one.ids, other.ids)
    large = draw_street(5, 480, 360)
    assert (large.ids[1::3, 1::3] == one.ids).mean() > 0.97


def test_people_look_different_from_one_another(streets):
    """Two who touch can be told apart by what they wear."""
    gaps = []
    for street in streets:
        for number in range(1, street.ids.max()):
            one, next_ = (street.image[street.ids == n].mean(axis=0) for n in (number, number + 1))
            gaps.append(np.abs(one - next_).max())
    assert np.median(gaps) > 20


def test_touching_sees_sides_and_corners_and_not_the_far_edges():
    apart = np.array([[1, 0, 2], [1, 0, 2]], np.uint8)
    assert not touching(apart)
    assert touching(np.array([[1, 2]], np.uint8))
    assert touching(np.array([[1], [2]], np.uint8))
    assert touching(np.array([[1, 0], [0, 2]], np.uint8))
    assert touching(np.array([[0, 1], [2, 0]], np.uint8))
