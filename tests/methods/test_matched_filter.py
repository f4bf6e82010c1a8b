from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from retseg.methods.matched_filter import kernel, strongest, tophat


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2])
def test_kernels_are_blind_to_even_light_and_of_one_strength(angle):
    values = kernel(2.0, 9.0, angle)
    assert values.sum() == pytest.approx(0, abs=1e-4)
    assert (values**2).sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(values, values[::-1, ::-1], atol=1e-6)


def test_the_strongest_response_is_that_of_plain_correlation():
    image = np.random.default_rng(0).normal(size=(40, 33)).astype(np.float32)
    kernels = [kernel(1.5, 7.0, angle) for angle in (0.0, 0.5, 1.6)]
    known = np.max([ndimage.correlate(image, k, mode="reflect") for k in kernels], axis=0)
    np.testing.assert_allclose(strongest(image, kernels), known, atol=1e-4)


def test_a_kernel_answers_most_to_a_line_of_its_own_direction():
    image = np.zeros((60, 60), np.float32)
    image[:, 29:32] = 1
    answers = [strongest(image, [kernel(1.5, 9.0, angle)])[30, 30] for angle in (0, math.pi / 4, math.pi / 2)]
    assert np.argmax(answers) == 2


def test_the_top_hat_keeps_lines_and_drops_wide_patches():
    image = np.zeros((80, 80), np.float32)
    image[10:13] = 1
    image[40:75, 20:70] = 1
    found = tophat(image, 6)
    assert found[11, 40] > 0.7
    assert found[55, 45] < 0.05
