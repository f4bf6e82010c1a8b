from __future__ import annotations

import numpy as np
import pytest

from retseg.imaging.normalise import InputStatistics, input_statistics


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)


def test_unit_leaves_the_brightness(image):
    unit = input_statistics(image, np.ones((50, 40), bool), "unit")
    assert unit == InputStatistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_fov_measures_inside_only(image):
    fov = np.zeros((50, 40), bool)
    fov[10:30, 5:25] = True
    image[~fov] = 255
    measured = input_statistics(image, fov, "fov")
    inside = image[fov] / 255
    np.testing.assert_allclose(measured.mean, inside.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(measured.std, inside.std(axis=0), rtol=1e-12)
    normalised = (inside - measured.mean) / measured.std
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(normalised.std(axis=0), 1, rtol=1e-9)


def test_a_flat_channel_is_not_blown_up(image):
    image[..., 2] = 7
    measured = input_statistics(image, np.ones((50, 40), bool), "fov")
    assert measured.std[2] == pytest.approx(1 / 255)
    assert measured.mean[2] == pytest.approx(7 / 255)


def test_an_empty_field_counts_as_the_whole(image):
    empty, full = np.zeros((50, 40), bool), np.ones((50, 40), bool)
    assert input_statistics(image, empty, "fov") == input_statistics(image, full, "fov")


def test_a_view_is_measured_too(image):
    fov = np.zeros((50, 80), bool)
    fov[:, ::4] = True
    measured = input_statistics(image[::-1], fov[:, ::2], "fov")
    np.testing.assert_allclose(measured.mean, (image[:, ::2] / 255).mean(axis=(0, 1)), rtol=1e-12)
