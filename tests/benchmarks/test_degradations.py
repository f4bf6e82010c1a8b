"""What happens to photographs in the table of robustness, and the way of a map back to their grid."""

from __future__ import annotations

import numpy as np
import pytest
from degradations import DEGRADATIONS, Degradation, exposure, jpeg, noise, resolution, rotation, scaled
from scipy.ndimage import gaussian_filter

from tests.conftest import fundus

MOVING = [one for one in DEGRADATIONS if one.name.startswith(("resolution", "turned", "mirrored"))]
STILL = [one for one in DEGRADATIONS if one not in MOVING]


def blob(shape=(90, 130)):
    """A smooth map with one spot, off the centre, so that every wrong move of it shows."""
    values = np.zeros(shape, np.float32)
    values[25:40, 80:110] = 1
    return gaussian_filter(values, 2)


@pytest.mark.parametrize("one", MOVING, ids=lambda one: one.name)
def test_a_map_comes_back_to_where_it_was(one: Degradation):
    there = blob()
    image = np.repeat(np.rint(there * 255).astype(np.uint8)[..., None], 3, axis=2)
    moved = one.worsen(image)
    assert moved.shape[:2] != there.shape or not np.array_equal(moved, image)
    back = one.back(np.ascontiguousarray(moved[..., 1] / np.float32(255)), there.shape)
    assert back.shape == there.shape
    # One pixel beside its place, the spot would differ by more than twice as much.
    aside = np.abs(np.roll(there, 1, axis=1) - there).max()
    assert np.abs(back - there).max() < aside / 2


@pytest.mark.parametrize("one", STILL, ids=lambda one: one.name)
def test_all_others_leave_everything_in_its_place(one: Degradation):
    image = fundus(3)
    worse = one.worsen(image)
    assert worse.shape == image.shape
    assert worse.dtype == np.uint8
    assert not np.array_equal(worse, image)
    assert np.corrcoef(worse.ravel(), image.ravel())[0, 1] > 0.9
    map_of_it = np.ones(image.shape[:2], np.float32)
    assert one.back(map_of_it, image.shape[:2]) is map_of_it


def test_quarter_turns_lose_no_pixel():
    image = fundus(5)[:, 7:]
    np.testing.assert_array_equal(rotation(90).worsen(image), np.rot90(image))
    np.testing.assert_array_equal(rotation(180).worsen(image), np.rot90(image, 2))


def test_a_turned_photograph_is_whole():
    image = np.full((60, 100, 3), 200, np.uint8)
    turned = rotation(30).worsen(image)
    assert turned.sum() == pytest.approx(image.sum(), rel=0.01)
    assert turned[0, 0].max() == 0


def test_sizes_of_other_resolutions():
    assert resolution(0.5).worsen(np.zeros((100, 80, 3), np.uint8)).shape == (50, 40, 3)
    assert resolution(2).worsen(np.zeros((100, 81, 3), np.uint8)).shape == (200, 162, 3)


def test_exposure_changes_the_light_and_scaling_the_stored_values():
    grey = np.full((20, 20, 3), 128, np.uint8)
    # sRGB 128 is 21.6% of the light; 80% of that is stored as 115, not as 102.
    assert exposure(0.8).worsen(grey).max() == 115
    assert scaled("darker", (0.8, 0.8, 0.8)).worsen(grey).max() == 102
    white = np.full((20, 20, 3), 250, np.uint8)
    assert exposure(1.2).worsen(white).max() == 255


def test_a_lower_quality_loses_more_and_noise_is_always_the_same():
    image = fundus(4)

    def lost(one):
        return float(np.abs(one.worsen(image).astype(float) - image).mean())

    assert lost(jpeg(20)) > lost(jpeg(60)) > lost(jpeg(100)) > 0
    np.testing.assert_array_equal(noise(0.02).worsen(image), noise(0.02).worsen(image))
    assert lost(noise(0.04)) > lost(noise(0.02))


def test_no_two_have_one_name():
    names = [one.name for one in DEGRADATIONS]
    assert len(names) == len(set(names))
