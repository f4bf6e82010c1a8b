from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import filters
from skimage.feature import hessian_matrix, hessian_matrix_eigvals

from retseg.methods.ridge_filters import FRANGI, _curvatures, ridges


def picture(seed: int = 0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(50, 60)), 1.5).astype(np.float32)


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_curvatures_are_those_of_scikit_image(sigma):
    image = picture()
    found = np.stack(_curvatures(image, sigma))
    known = -(sigma**2) * hessian_matrix_eigvals(
        hessian_matrix(image, sigma, mode="reflect", use_gaussian_derivatives=True)
    )
    inside = (slice(None), slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(np.sort(found, axis=0)[inside], np.sort(known, axis=0)[inside], atol=2e-3)
    assert (np.abs(found[0]) <= np.abs(found[1])).all()


def test_ridges_are_satos():
    image = picture(1)
    np.testing.assert_allclose(
        ridges(image, (1.0, 2.0)), filters.sato(image, sigmas=(1.0, 2.0), black_ridges=False), atol=1e-6
    )


def line_and_blob() -> tuple[np.ndarray, np.ndarray]:
    image = np.full((120, 120, 3), 150, np.uint8)
    image[30:33, 10:110] = 110
    y, x = np.mgrid[:120, :120]
    image[np.hypot(y - 85, x - 60) < 4] = 110
    return image, np.ones((120, 120), bool)


def test_frangi_prefers_a_line_to_a_blob():
    image, fov = line_and_blob()
    score = FRANGI.scores(image, fov, FRANGI.options({"diameter": None}))
    line, blob = score[31, 30:90].mean(), score[85, 60]
    assert line > 0.6
    assert line / (1 - line) > 4 * blob / (1 - blob)
